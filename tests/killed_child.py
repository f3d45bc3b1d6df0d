"""A process that kills itself in the middle of its work, on a test's database."""

import os
import signal
import subprocess
import sys
import textwrap

from odoo.tools import config

# Leaves ``registry`` and the modules that every script needs.
START = """
import os, signal, sys
from odoo import api
from odoo.modules.registry import Registry
from odoo.tools import config

config.parse_config([f"--database={sys.argv[1]}", "--log-level=error"])
registry = Registry(sys.argv[1])
"""


def run_until_killed(registry, script, *arguments):
    """Run ``script`` in a process of its own and check that it killed itself.

    :param str script: Python that finds ``registry``, ``api``, ``os`` and ``signal``,
        and the ``arguments`` as text from ``sys.argv[2]`` on
    """
    process = subprocess.run(
        [
            *(sys.executable, "-c", START + textwrap.dedent(script)),
            *(registry.db_name, *map(str, arguments)),
        ],
        env={**os.environ, "ODOO_RC": config["config"]},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
