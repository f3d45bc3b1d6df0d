"""The command line of ./dev."""

import argparse
import os
import sys

from . import commands, say
from .workspace import Workspace

DESCRIPTION = """Odoo 19, PostgreSQL and the three addons, running and tested.

Each command first sets up what it needs. Everything goes into the folder .dev (or the
one that DEV_HOME names); "./dev reset --all" removes it. ODOO_HOME names an Odoo 19 to
use, the PG* variables name a PostgreSQL server to use."""


def build_parser():
    """Return the parser of all subcommands."""
    parser = argparse.ArgumentParser(
        prog="./dev",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in commands.ALL:
        subparser = subparsers.add_parser(
            command.name,
            help=command.help,
            description=command.run.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(handler=command)
    return parser


def main(arguments):
    """Run the command line; return the exit code."""
    parser = build_parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and not options.handler.passes_arguments:
        parser.error(f"unknown arguments: {' '.join(rest)}")
    options.rest = rest
    try:
        return options.handler.run(Workspace.from_environment(), options) or 0
    except say.DevError as error:
        say.warn(str(error))
        return error.code
    except KeyboardInterrupt:
        say.warn("interrupted")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        say.warn(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))
        return 1
