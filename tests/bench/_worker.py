"""What the Odoo processes of the benchmarks have in common.

Commands come as JSON lines on standard input and each is answered with one JSON line,
so that a benchmark can take turns between processes while all of them stay warm.
"""

import argparse
import json
import sys

import odoo.tools
from odoo.modules.registry import Registry


class Worker:
    """Answers commands; each public method of a subclass is one."""

    def __init__(self, database):
        odoo.tools.config["db_name"] = [database]
        self.registry = Registry(database)

    def serve(self):
        """Answer until standard input ends."""
        self._answer("ready")
        for line in sys.stdin:
            name, *args = json.loads(line)
            self._answer(getattr(self, name)(*args))

    @staticmethod
    def _answer(value):
        print(json.dumps(value, default=str), flush=True)


def read_options(*names, log_level="error"):
    """Return the command's options, with Odoo configured accordingly.

    :param names: required options beside ``config`` and ``database``
    """
    parser = argparse.ArgumentParser()
    for name in ("config", "database", *names):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--addons-path")
    options = parser.parse_args()
    arguments = ["-c", options.config, f"--log-level={log_level}"]
    if options.addons_path:
        arguments.append(f"--addons-path={options.addons_path}")
    odoo.tools.config.parse_config(arguments)
    return options
