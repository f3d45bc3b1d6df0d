"""Installing, upgrading and uninstalling the addons, alone and together.

Each test works on a database of its own and lets Odoo do what the Apps menu does, in
a process of its own, so that the log is complete.
"""

import re
import subprocess

import pytest

from devtools.databases import query
from devtools.session import session_of_tests
from devtools.workspace import ADDONS

LEDGER, CREDIT, GUARD = ADDONS
SELECTIONS = {
    "ledger": [LEDGER],
    "credit": [CREDIT],
    "guard": [GUARD],
    "together": list(ADDONS),
}
LEVEL = re.compile(r"^\S+ \S+ \d+ (?:WARNING|ERROR|CRITICAL) ")
# What Odoo says about the machine that the tests run on.
NOT_OURS = ("Running as user 'root'", "py.warnings")
SCHEMA = {
    "tables, views and sequences": """
        SELECT concat_ws(' ', relkind, relname) FROM pg_class
         WHERE relnamespace = 'public'::regnamespace""",
    "columns": """
        SELECT concat_ws(' ', table_name, column_name, data_type)
          FROM information_schema.columns WHERE table_schema = 'public'""",
    "functions": """
        SELECT oid::regprocedure::text FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace""",
    "triggers": """
        SELECT concat_ws(' ', tgrelid::regclass, tgname) FROM pg_trigger
         WHERE NOT tgisinternal""",
    "constraints": """
        SELECT concat_ws(' ', conrelid::regclass, conname) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace""",
    "types": """
        SELECT typname FROM pg_type
         WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')""",
}
# Odoo itself names, under its own modules, what our models inherit from them, and
# forgets these names when the records go; they vanish with the next update of Odoo.
NAMES = {
    "external identifiers": """
        SELECT module || '.' || name FROM ir_model_data
         WHERE (model != 'ir.model.inherit'
                OR res_id IN (SELECT id FROM ir_model_inherit))
           AND (model != 'ir.model.fields.selection'
                OR res_id IN (SELECT id FROM ir_model_fields_selection))
            OR module IN ('sales_ledger_sync', 'credit_control', 'balance_guard')""",
    "models": "SELECT model FROM ir_model",
    "fields": "SELECT model || '.' || name FROM ir_model_fields",
    "parameters": "SELECT key FROM ir_config_parameter",
}
RECORDS = {
    "groups": "SELECT id || ' ' || (name->>'en_US') FROM res_groups",
    "privileges": "SELECT id || ' ' || (name->>'en_US') FROM res_groups_privilege",
    "scheduled actions": "SELECT id || ' ' || cron_name FROM ir_cron",
    "menus": "SELECT id || ' ' || (name->>'en_US') FROM ir_ui_menu",
    "views": "SELECT id || ' ' || name FROM ir_ui_view",
    "actions": "SELECT id || ' ' || type FROM ir_actions",
    "access rights": "SELECT id || ' ' || name FROM ir_model_access",
    "record rules": "SELECT id || ' ' || name FROM ir_rule",
    "defaults": "SELECT id || ' ' || field_id FROM ir_default",
    "sequences": "SELECT id || ' ' || name FROM ir_sequence",
    "mail templates": "SELECT id || ' ' || (name->>'en_US') FROM mail_template",
    "activity types": "SELECT id || ' ' || (name->>'en_US') FROM mail_activity_type",
    "message types": "SELECT id || ' ' || (name->>'en_US') FROM mail_message_subtype",
}


@pytest.fixture(scope="session")
def session():
    """Where Odoo, PostgreSQL and the template databases are."""
    return session_of_tests()


def complaints(log):
    """Return the warnings and errors in a log, but for those about the machine."""
    return [
        line
        for line in log.splitlines()
        if LEVEL.match(line) and not any(known in line for known in NOT_OURS)
    ]


def contents(database, *kinds):
    """Return what a database consists of: schema, and the records of definitions."""
    return {
        name: {row[0] for row in query(sql, database)}
        for kind in kinds
        for name, sql in kind.items()
    }


def added(before, after):
    """Return what `after` has and `before` has not, by kind."""
    extra = {name: after[name] - before[name] for name in after}
    return {name: sorted(values) for name, values in extra.items() if values}


def installed(database):
    """Return which of the three addons are installed."""
    rows = query(
        "SELECT name FROM ir_module_module WHERE state = 'installed'", database
    )
    return {row[0] for row in rows} & set(ADDONS)


def brought_along(selection):
    """Return the addons that must be there after installing `selection`."""
    return {LEDGER, *selection}


def install_and_upgrade(session, database, selection):
    """Install and upgrade `selection`; nothing may complain."""
    log = session.odoo.module("install", database, selection)
    assert complaints(log) == []
    assert installed(database) == brought_along(selection)
    log = session.odoo.module("upgrade", database, selection)
    assert complaints(log) == []
    assert installed(database) == brought_along(selection)


def uninstall(session, database, selection):
    """Uninstall `selection`, then what it brought along.

    All together go by uninstalling what the others stand on; an addon that stands on
    the ledger also goes alone, and the ledger stays.
    """
    alone = [name for name in selection if selection == [name] and name != LEDGER]
    for modules, left in ((alone, {LEDGER}), ([LEDGER], set())):
        if modules:
            log = session.odoo.module("uninstall", database, modules)
            assert complaints(log) == []
            assert installed(database) == left


def check_life_cycle(session, template, selection):
    """Install, upgrade, uninstall: afterwards the database is as it was before."""
    with session.databases.clone(template, "install") as database:
        before = contents(database, SCHEMA, NAMES, RECORDS)
        install_and_upgrade(session, database, selection)
        uninstall(session, database, selection)
        assert added(before, contents(database, SCHEMA, NAMES, RECORDS)) == {}


def check_from_nothing(session, selection):
    """The same from a database with nothing but Odoo's base in it.

    Odoo's own modules that were brought along stay. All of them are in the template, so
    nothing may be left that is not there. Constraints are not compared, because
    PostgreSQL makes up the names of some in the order of installation; the test on
    demo data has them.
    """
    schema = {kind: sql for kind, sql in SCHEMA.items() if kind != "constraints"}
    allowed = contents(session.templates.base(), schema, NAMES)
    with session.databases.clone(session.templates.empty(), "install") as database:
        install_and_upgrade(session, database, selection)
        uninstall(session, database, selection)
        assert added(allowed, contents(database, schema, NAMES)) == {}


POST = """
company = env["res.company"].search([], order="id", limit=1)
if not company.chart_template:
    env["account.chart.template"].try_loading(
        "generic_coa", company, install_demo=False)
line = {"name": "x", "price_unit": 40, "tax_ids": False}
env["account.move"].with_company(company).create({
    "move_type": "out_invoice", "partner_id": company.partner_id.id,
    "invoice_date": %r, "invoice_line_ids": [(0, 0, line)]}).action_post()
env.cr.commit()
"""


def post_invoice(session, database, date):
    """Post an invoice of the first company, in Odoo's shell."""
    shell = session.odoo.command("shell", "-d", database, "--no-http")
    subprocess.run(
        list(map(str, shell)),
        input=POST % date,
        env=session.odoo.environment(),
        text=True,
        capture_output=True,
        check=True,
    )


def test_what_was_there_before_is_left_alone(session):
    """The ledger of an existing company begins on the day of the installation."""
    entries = "SELECT debit::int, date::text FROM subledger_entry"
    with session.databases.clone(session.templates.base(), "install") as database:
        post_invoice(session, database, "2026-01-15")
        [[today]] = query("SELECT (now() AT TIME ZONE 'UTC')::date::text", database)
        session.odoo.module("install", database, [LEDGER])
        starts = "SELECT DISTINCT subledger_start_date::text FROM res_company"
        assert query(starts, database) == [[today]]
        assert query(entries, database) == []
        post_invoice(session, database, today)
        assert query(entries, database) == [["40", today]]
        # Posted from then on, whatever its date.
        post_invoice(session, database, "2026-01-15")
        assert len(query(entries, database)) == 2


class TestFromNothing:
    """On a database where nothing is installed but Odoo's base."""

    @pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
    def test_life_cycle(self, session, selection):
        """Install with all dependencies, upgrade, uninstall."""
        check_from_nothing(session, selection)


class TestOnDemoData:
    """On a database with Odoo's demo data."""

    @pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
    def test_life_cycle(self, session, selection):
        """Install, upgrade, uninstall: nothing stays."""
        check_life_cycle(session, session.templates.base(demo=True), selection)
