"""Everything a command needs: packages, Odoo, PostgreSQL, databases."""

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import odoo_source, postgres
from .databases import Databases
from .environment import main_environment
from .odoo_server import Odoo
from .templates import Templates
from .workspace import Workspace


@dataclass
class Session:
    """What is there while the database server is up."""

    workspace: object
    odoo: Odoo
    databases: Databases
    templates: Templates


def session_of_tests():
    """Return the session for a test that ./dev started; the server is up already."""
    workspace = Workspace.from_environment()
    odoo = Odoo(workspace, odoo_source.ensure(workspace), Path(sys.executable))
    databases = Databases(workspace)
    return Session(workspace, odoo, databases, Templates(workspace, odoo, databases))


@contextmanager
def open_session(workspace):
    """Set up whatever is missing and have the database server up meanwhile."""
    os.umask(0o022)
    workspace.prepare()
    source = odoo_source.ensure(workspace)
    python = main_environment(workspace).ensure().python
    odoo = Odoo(workspace, source, python)
    with postgres.server(workspace):
        databases = Databases(workspace)
        databases.drop_abandoned()
        yield Session(workspace, odoo, databases, Templates(workspace, odoo, databases))
