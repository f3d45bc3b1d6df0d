"""A database of its own for tests that commit, in the process that runs the tests.

What such a test leaves behind cannot be removed, ledger entries least of all; so it
works on a copy of the database under test, which is dropped afterwards.
"""

import os
from contextlib import contextmanager
from unittest.mock import patch

import odoo.sql_db
from odoo.api import SUPERUSER_ID, Environment
from odoo.modules.registry import Registry
from odoo.tools import SQL, config


@contextmanager
def committing_registry():
    """Yield the registry of a copy of the database under test."""
    [source] = config["db_name"]
    copy = f"{source}_copy{os.getpid()}"
    # PostgreSQL copies a database only while nobody is connected to it.
    odoo.sql_db.close_db(source)
    _administer(SQL("DROP DATABASE IF EXISTS %s", SQL.identifier(copy)))
    _administer(
        SQL(
            "CREATE DATABASE %s TEMPLATE %s",
            SQL.identifier(copy),
            SQL.identifier(source),
        )
    )
    try:
        yield _load(copy)
    finally:
        Registry.delete(copy)
        odoo.sql_db.close_db(copy)
        _administer(SQL("DROP DATABASE %s WITH (FORCE)", SQL.identifier(copy)))


@contextmanager
def environment(registry, user_id=SUPERUSER_ID):
    """Yield an environment on a cursor of its own; committed at the end."""
    with registry.cursor() as cr:
        yield Environment(cr, user_id, {})


def ensure_chart(env):
    """Give the environment's company a chart of accounts, if it has none."""
    if not env.company.chart_template:
        charts = env["account.chart.template"]
        charts.try_loading("generic_coa", env.company, install_demo=False)


def _load(name):
    """Load a registry; under test Odoo would start its at-install tests with it."""
    with patch.dict(config._runtime_options, test_enable=False):
        return Registry(name)


def _administer(statement):
    with odoo.sql_db.db_connect("postgres").cursor() as cr:
        # Databases are not made and dropped inside transactions.
        cr._cnx.autocommit = True
        cr.execute(statement)
