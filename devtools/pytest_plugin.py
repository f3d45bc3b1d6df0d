"""What pytest-odoo leaves to us: a database for each worker, and no silent skips.

pytest-odoo would clone a database for each worker of pytest-xdist itself, but gives
Odoo 19 its name in a form that Odoo no longer takes. ./dev makes the clones before the
run and lists them in DEV_TEST_DATABASES.
"""

import contextlib
import importlib.util
import os

import pytest
import pytest_odoo

from odoo.tools import config as odoo_config

from devtools.system_packages import find_browser


def worker_database():
    """Return the clone that belongs to this process."""
    names = os.environ["DEV_TEST_DATABASES"].split(",")
    return names[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))]


@contextlib.contextmanager
def use_worker_database():
    """Point Odoo at this process's clone; replaces pytest-odoo's function."""
    name = worker_database()
    odoo_config["db_name"] = [name]
    odoo_config["dbfilter"] = f"^{name}$"
    yield name


pytest_odoo._worker_db_name = use_worker_database


def pytest_configure(config):
    """Refuse to start where Odoo would skip its browser tests without a word."""
    if importlib.util.find_spec("websocket") is None:
        raise pytest.UsageError("websocket-client is missing: run ./dev setup")
    if not find_browser():
        raise pytest.UsageError("no browser found: install chromium")
