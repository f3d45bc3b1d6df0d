"""``odoo-bin ledger_verify`` as an operator calls it, in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from odoo import Command
from odoo.tools import config

from .bookkeeping import post_invoice
from .clones import environment


def ledger_verify(database, *arguments):
    """Run the command; return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "odoo", "ledger_verify", "-d", database, *arguments],
        env={**os.environ, "ODOO_RC": config["config"]},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def registry(registry):
    """A database with an invoice in the ledger and a manual entry outside of it."""
    with environment(registry) as env:
        create_documents(env)
    return registry


def create_documents(env):
    partner = env["res.partner"].create({"name": "Ada Ltd"})
    invoice = post_invoice(env, partner, 100.0)
    items = invoice.line_ids.sorted("balance")
    manual = env["account.move"].create(
        {
            "line_ids": [
                Command.create(
                    {
                        "account_id": item.account_id.id,
                        "partner_id": partner.id,
                        "balance": item.balance / 10,
                    }
                )
                for item in items
            ]
        }
    )
    manual.action_post()


def test_clean_ledger(registry):
    """What is explained does not count as a difference."""
    process = ledger_verify(registry.db_name, "--json")
    assert process.returncode == 0, process.stderr
    report = json.loads(process.stdout)
    assert report["clean"]
    assert report["counts"] == {"items": 2, "entries": 1, "accounts": 1}
    [explained] = report["explained"]
    assert explained["partner"] == "Ada Ltd"
    assert (explained["general_ledger"], explained["ledger"]) == ("110", "100")
    assert explained["manual_entry"] == "10"


def test_differences_are_named(registry):
    """A row changed below the guards: exit code 1, entry and problem in words."""
    tamper(registry, 90)
    try:
        process = ledger_verify(registry.db_name)
    finally:
        tamper(registry, 100)
    assert process.returncode == 1, process.stderr
    assert "hash does not fit the entry and the one before" in process.stdout
    assert "expected 100, found 90" in process.stdout
    assert "Ada Ltd" in process.stdout
    assert process.stdout.endswith("DIFFERENT\n")


def tamper(registry, amount):
    with registry.cursor() as cr:
        cr.execute("ALTER TABLE subledger_entry DISABLE TRIGGER USER")
        cr.execute("UPDATE subledger_entry SET debit = %s WHERE debit > 0", [amount])
        cr.execute("ALTER TABLE subledger_entry ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--company", "Nobody Inc"], "--company Nobody Inc: no such company"),
        (["--partner", "99999999"], "--partner 99999999: no such partner"),
        (["--partner", "Ada"], "--partner Ada: not a number"),
        (["--since", "yesterday"], "--since yesterday: not a date like 2026-01-31"),
    ],
)
def test_wrong_question_cannot_be_checked(registry, arguments, reason):
    process = ledger_verify(registry.db_name, *arguments)
    assert process.returncode == 2, process.stdout
    assert process.stderr.strip().endswith(reason) or reason in process.stderr
    assert not process.stdout


@pytest.mark.parametrize(
    ("database", "reason"),
    [
        ("no_such_database_here", "no_such_database_here"),
        ("postgres", "Sales Ledger Sync is not installed"),
    ],
)
def test_database_that_has_no_ledger(database, reason):
    process = ledger_verify(database)
    assert process.returncode == 2, process.stdout
    assert reason in process.stderr
    assert "Traceback" not in process.stderr
