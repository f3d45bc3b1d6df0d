"""Repairs beside writers: what somebody holds is neither touched nor waited for."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from odoo import SUPERUSER_ID
from odoo.api import Environment

from .bookkeeping import post_invoice
from .clones import environment

# A repair that waits for the writer gets nowhere: the writer waits for the repair.
PATIENCE = 30


@pytest.fixture
def invoices(registry):
    """Two customers' invoices whose entries have been deleted; their ids."""
    with environment(registry) as env:
        partners = env["res.partner"].create([{"name": "Ada"}, {"name": "Bob"}])
        invoices = [post_invoice(env, partner, 100.0).id for partner in partners]
    with registry.cursor() as cr:
        cr.execute("ALTER TABLE subledger_entry DISABLE TRIGGER USER")
        cr.execute("DELETE FROM subledger_entry WHERE move_id = ANY(%s)", [invoices])
        cr.execute("ALTER TABLE subledger_entry ENABLE TRIGGER USER")
    return invoices


@contextmanager
def writer(registry):
    """Yield an environment whose changes are not committed, nor ever will be."""
    cr = registry.cursor()
    try:
        yield Environment(cr, SUPERUSER_ID, {})
    finally:
        cr.close()


def heal(registry, invoices):
    """Check and heal the customers of ``invoices``; the states of what is missing."""
    with environment(registry) as env:
        partners = env["account.move"].browse(invoices).partner_id
        run = env["guard.check"].run_all(partners.ids, heal=True)
        missing = run.finding_ids.filtered(
            lambda finding: finding.check_code == "completeness"
        )
        return {
            invoice: describe(missing.filtered(lambda f, i=invoice: move_of(f) == i))
            for invoice in invoices
        }


def move_of(finding):
    return finding.env["account.move.line"].browse(finding.res_id).move_id.id


def describe(finding):
    return (finding.state, finding.heal_ids[:1].state)


def while_held(registry, invoice, hold, function, *args):
    """Call the function in another thread while a writer holds something."""
    with ThreadPoolExecutor(1) as pool, writer(registry) as env:
        hold(env, env["account.move"].browse(invoice))
        return pool.submit(function, *args).result(timeout=PATIENCE)


def entries_of(registry, invoice):
    with environment(registry) as env:
        entries = env["subledger.entry"].search([("move_id", "=", invoice)])
        return entries.mapped("origin")


def reset(env, invoice):
    invoice.button_draft()
    env.flush_all()


def rename_customer(env, invoice):
    invoice.partner_id.name = "Other name"
    env.flush_all()


def change_item(env, invoice):
    item = invoice.line_ids.filtered("date_maturity")
    item.name = "Other label"
    env.flush_all()


def delete_by_sql(env, invoice):
    env.cr.execute("DELETE FROM account_move WHERE id = %s", [invoice.id])


def hold_head(env, invoice):
    """As the sealer does while it advances the account."""
    env.cr.execute(
        "SELECT id FROM subledger_account WHERE partner_id = %s FOR NO KEY UPDATE",
        [invoice.partner_id.id],
    )


@pytest.mark.parametrize(
    "hold", [reset, rename_customer, change_item, delete_by_sql, hold_head]
)
def test_what_a_writer_holds_is_left_for_the_next_run(registry, invoices, hold):
    # The later one: a reset makes Odoo write on the next document of the sequence.
    bob, ada = invoices
    found = while_held(registry, ada, hold, heal, registry, invoices)
    assert found == {ada: ("open", "postponed"), bob: ("healed", "done")}
    assert entries_of(registry, ada) == []
    assert entries_of(registry, bob) == ["repair"]
    assert heal(registry, invoices)[ada] == ("healed", "done")
    assert entries_of(registry, ada) == ["repair"]
    assert entries_of(registry, bob) == ["repair"]


def write_batch(env, invoice):
    """As a backfill does, which commits its batch when all of it is written."""
    env["subledger.sync"]._sync_lines(invoice.line_ids.ids, origin="backfill")


def test_company_with_a_running_backfill_is_left_for_later(registry, invoices):
    """Not only what its batch holds: the batch goes on beside the repair."""
    ada, bob = invoices
    with environment(registry) as env:
        [backfill] = env["subledger.backfill"].create({"mode": "none"})
        backfill.state = "running"
    found = while_held(registry, ada, write_batch, heal, registry, invoices)
    assert found == dict.fromkeys(invoices, ("open", "postponed"))
    with environment(registry) as env:
        env["subledger.backfill"].browse(backfill.id).state = "paused"
    found = heal(registry, invoices)
    assert found == dict.fromkeys(invoices, ("healed", "done"))
    assert entries_of(registry, ada) == entries_of(registry, bob) == ["repair"]
    with environment(registry) as env:
        env["subledger.backfill"].browse(backfill.id).state = "cancelled"


def test_postponed_finding_says_so(registry, invoices):
    while_held(registry, invoices[0], reset, heal, registry, invoices)
    with environment(registry) as env:
        [last] = env["guard.heal"].search([("state", "=", "postponed")], limit=1)
        assert "In use at this moment" in last.note
        assert last.difference_after == last.difference_before == 100.0
    heal(registry, invoices)


def test_head_that_the_sealer_holds_is_left_for_the_next_run(registry):
    with environment(registry) as env:
        partner = env["res.partner"].create({"name": "Cid"})
        invoice = post_invoice(env, partner, 100.0)
        number, partner_id = invoice.id, partner.id
    with registry.cursor() as cr:
        cr.execute(
            "UPDATE subledger_account SET sealed_balance = 7 WHERE partner_id = %s",
            [partner_id],
        )
    found = while_held(registry, number, hold_head, heal_cache, registry, partner_id)
    assert found == ("open", "postponed", 7)
    assert heal_cache(registry, partner_id) == ("healed", "done", 100)


def heal_cache(registry, partner_id):
    with environment(registry) as env:
        run = env["guard.check"].run_all([partner_id], heal=True)
        outcome = describe(run.finding_ids)
    with environment(registry) as env:
        domain = [("partner_id", "=", partner_id)]
        head = env["subledger.account"].search(domain)
        return (*outcome, head.sealed_balance)


def test_writers_do_not_wait_for_a_repair(registry, invoices):
    """While a repair is at work, other customers are invoiced, reset and paid."""
    sync, done = registry["subledger.sync"]._sync_lines, []

    def work_meanwhile(self, *args):
        with ThreadPoolExecutor(1) as pool:
            done.append(pool.submit(post_and_reset, registry).result(PATIENCE))
        return sync(self, *args)

    with patch.object(registry["subledger.sync"], "_sync_lines", work_meanwhile):
        found = heal(registry, invoices)
    assert set(found.values()) == {("healed", "done")}
    assert done == [["posted", "draft"]]


def post_and_reset(registry):
    """Post two invoices of a new customer and take one back; their states."""
    with environment(registry) as env:
        partner = env["res.partner"].create({"name": "Eve"})
        invoices = [post_invoice(env, partner, 5.0) for _number in range(2)]
        invoices[1].button_draft()
        return [invoice.state for invoice in invoices]
