"""The next version of the ledger keeps every entry, its seal and its guard."""

import shutil
import subprocess
import textwrap

import pytest

from devtools.databases import query
from devtools.session import session_of_tests

POST = textwrap.dedent(
    """
    company = env["res.company"].create({"name": "Before"})
    env["account.chart.template"].try_loading(
        "generic_coa", company, install_demo=False)
    line = {"name": "x", "price_unit": 40, "tax_ids": False}
    moves = env["account.move"].with_company(company).create([
        {"move_type": "out_invoice", "partner_id": company.partner_id.id,
         "invoice_line_ids": [(0, 0, line)]} for number in range(5)])
    moves.action_post()
    moves[0].button_draft()
    env.cr.commit()
    """
)
# A later version adds a column and fills it for what there is: before its models are
# loaded, for from then on the guard knows the column.
MODEL = """

class Later(models.Model):
    _inherit = "subledger.entry"

    later = fields.Char()
"""
MIGRATION = textwrap.dedent(
    """
    def migrate(cr, version):
        cr.execute("ALTER TABLE subledger_entry ADD COLUMN later varchar")
        cr.execute("UPDATE subledger_entry SET later = 'filled'")
    """
)
UPDATES = [
    f"UPDATE subledger_entry SET {change}" for change in ("debit = 1", "later = 'x'")
]
ENTRIES = "SELECT to_jsonb(entry) - 'later' FROM subledger_entry AS entry ORDER BY id"


@pytest.fixture
def next_version(tmp_path):
    """A folder with the addon as it may be one version later."""
    session = session_of_tests()
    addon = tmp_path / "sales_ledger_sync"
    shutil.copytree(session.workspace.addons / addon.name, addon)
    manifest = addon / "__manifest__.py"
    manifest.write_text(manifest.read_text().replace("19.0.1.0.0", "19.0.1.1.0"))
    with (addon / "models" / "subledger_entry.py").open("a") as model:
        model.write(MODEL)
    script = addon / "migrations" / "19.0.1.1.0" / "pre-fill.py"
    script.parent.mkdir(parents=True)
    script.write_text(MIGRATION)
    return tmp_path


def test_entries_outlive_the_next_version(next_version):
    session = session_of_tests()
    with session.databases.clone(session.templates.addons(), "upgrade") as database:
        shell = session.odoo.command("shell", "-d", database, "--no-http")
        subprocess.run(
            list(map(str, shell)),
            input=POST,
            env=session.odoo.environment(),
            text=True,
            capture_output=True,
            check=True,
        )
        before = query(ENTRIES, database)
        assert len(before) == 6  # five invoices and a reversal
        paths = [next_version, session.workspace.addons]
        paths += session.odoo.source.addons_paths
        session.odoo.install(
            database,
            ["sales_ledger_sync"],
            f"--addons-path={','.join(map(str, paths))}",
            flag="-u",
        )
        assert query(ENTRIES, database) == before
        assert query("SELECT DISTINCT later FROM subledger_entry", database) == [
            ["filled"]
        ]
        for statement in ("DELETE FROM subledger_entry", *UPDATES):
            assert "append-only" in refusal(database, statement)
        assert query(ENTRIES, database) == before


def refusal(database, statement):
    """Return what PostgreSQL says when it refuses a statement."""
    result = subprocess.run(
        ["psql", "-XqAt", "-d", database, "-c", statement],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode, f"not refused: {statement}"
    return result.stderr
