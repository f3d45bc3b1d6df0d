"""The guard without a browser: its command, and the auditor's script in psql."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import odoo.sql_db
from odoo.tools import SQL, config

from .bookkeeping import post_invoice
from .clones import environment
from .damage import break_cache

ADDON = Path(__file__).parents[1] / "addons" / "balance_guard"
SCRIPT = ADDON / "data" / "auditor.sql"
ROLE = "balance_auditor"
TABLES = (
    *("subledger_entry", "subledger_account", "account_move", "account_move_line"),
    *("account_account", "res_partner", "res_company", "account_partial_reconcile"),
)


@pytest.fixture(scope="module")
def registry(registry):
    """One customer with one sealed invoice of 100."""
    with environment(registry) as env:
        post_invoice(env, env["res.partner"].create({"name": "Ada"}), 100.0)
    return registry


# The command


def command(registry, *options):
    """Run the command in a process of its own; return exit code and output."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "odoo"),
            "--addons-path=" + ",".join(config["addons_path"]),
            *("balance_guard", "-c", config["config"], "-d", registry.db_name),
            *("--log-level=error", *options),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout or done.stderr


def test_command_verifies_and_heals(registry):
    assert command(registry, "--verify")[0] == 0
    break_cache(registry, 7)
    code, text = command(registry, "--verify", "--json")
    assert code == 1
    [finding] = json.loads(text)["findings"]
    assert (finding["cause"], finding["difference"]) == ("stale_cache", -7.0)
    code, text = command(registry, "--heal")
    assert code == 0, text
    assert "healing: done" in text
    assert command(registry, "--verify", "--partner", "Ada")[0] == 0


def test_command_explains(registry):
    code, text = command(registry, "--explain")
    assert code == 0, text
    assert "general ledger 100, ledger 100," in text
    assert "unexplained 0\n" in text


def test_command_that_cannot_check(registry):
    code, text = command(registry, "--verify", "--partner", "Nobody at all")
    assert code == 2
    assert "Nobody at all" in text
    assert "Traceback" not in text


# The auditor


@pytest.fixture
def auditor(registry):
    """A role that may log in and read the tables the script names, nothing else."""
    role = SQL.identifier(ROLE)
    with registry.cursor() as cr:
        cr.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
        if not cr.fetchone():
            cr.execute(SQL("CREATE ROLE %s LOGIN", role))
        for table in TABLES:
            cr.execute(SQL("GRANT SELECT ON %s TO %s", SQL.identifier(table), role))
    yield ROLE
    with registry.cursor() as cr:
        cr.execute(SQL("DROP OWNED BY %s", role))
        cr.execute(SQL("DROP ROLE %s", role))


def psql(registry, role, *options):
    _name, info = odoo.sql_db.connection_info_for(registry.db_name)
    variables = {
        "PGHOST": str(info.get("host") or os.environ.get("PGHOST", "")),
        "PGPORT": str(info.get("port") or os.environ.get("PGPORT", "")),
    }
    variables = {name: value for name, value in variables.items() if value}
    return subprocess.run(
        ["psql", "-X", "-d", registry.db_name, "-U", role, "-At", *options],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def differences(done):
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if re.match(r"\d [^.]*\|", line)]


def test_auditor_reads_everything_and_writes_nothing(registry, auditor):
    assert differences(psql(registry, auditor, "-f", str(SCRIPT))) == []
    update = "UPDATE subledger_account SET sealed_balance = 0"
    refused = psql(registry, auditor, "-c", update)
    assert refused.returncode
    assert "permission denied" in refused.stderr


def test_auditor_sees_what_was_changed(registry, auditor):
    tamper(registry, "debit = 70")
    found = {
        line.split("|")[0]
        for line in differences(psql(registry, auditor, "-f", str(SCRIPT)))
    }
    tamper(registry, "debit = 100")
    assert found == {
        *("1 kept balance", "2 running balance", "3 hash chain"),
        *("4 entries and items", "6 control account"),
    }
    assert differences(psql(registry, auditor, "-f", str(SCRIPT))) == []


def tamper(registry, change):
    with registry.cursor() as cr:
        cr.execute("ALTER TABLE subledger_entry DISABLE TRIGGER USER")
        cr.execute(f"UPDATE subledger_entry SET {change}")
        cr.execute("ALTER TABLE subledger_entry ENABLE TRIGGER USER")


def test_script_hashes_as_the_engine_does(registry):
    """The script spells the formula out; it has to be the engine's."""
    with environment(registry) as env:
        query = env["subledger.entry"]._hash_payload_sql("entry")
        engine = env.cr.mogrify(query.code, list(query.params))
    engine = engine.decode() if isinstance(engine, bytes) else engine

    def squeeze(text):
        return re.sub(r"\s+", "", text).replace('"', "")

    assert squeeze(engine) in squeeze(SCRIPT.read_text())
