"""A backfill that is killed, and one that other transactions get in the way of."""

import threading

import pytest

from odoo import Command

from .clones import committing_registry, ensure_chart, environment
from .killed_child import run_until_killed

INVOICES = 12
BATCH = 3

# Kills itself with entries of the third batch written and not committed.
CHILD = """
    from odoo.addons.sales_ledger_sync.models import subledger_backfill_job as job

    job.BATCH_ITEMS = int(sys.argv[2])
    model = registry["subledger.backfill"]
    run_items = model._run_items
    batches = []

    def run_and_die(self):
        result = run_items(self)
        batches.append(result)
        if len(batches) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    model._run_items = run_and_die
    with registry.cursor() as cr:
        api.Environment(cr, api.SUPERUSER_ID, {})["subledger.backfill"]._cron_run()
"""


def prepare(env):
    """Documents that no entry was ever written for, and a backfill that is started."""
    ensure_chart(env)
    partners = env["res.partner"].create([{"name": "Ada"}, {"name": "Bob"}])
    line = {"name": "x", "tax_ids": [Command.clear()]}
    invoices = env["account.move"].create(
        [
            {
                "move_type": "out_invoice",
                "partner_id": partners[number % 2].id,
                "invoice_date": "2026-01-15",
                "invoice_line_ids": [
                    Command.create({**line, "price_unit": 10.0 + number})
                ],
            }
            for number in range(INVOICES)
        ]
    )
    # The ledger starts later than all that.
    env.company.subledger_start_date = "2100-01-01"
    invoices.action_post()
    env.company.subledger_start_date = "2026-01-01"
    backfill = env["subledger.backfill"].create(
        {"mode": "full", "start_date": "2026-01-01"}
    )
    backfill.action_start()
    return backfill.id


def facts(registry):
    """What the ledger says, without what differs from run to run by nature."""
    with environment(registry) as env:
        env["subledger.account"]._seal()
    with environment(registry) as env:
        entries = env["subledger.entry"].search([], order="move_line_id, id")
        heads = env["subledger.account"].search([], order="partner_id, account_id")
        return (
            [
                (e.move_line_id.id, e.partner_id.id, e.debit, e.number, e.balance_after)
                for e in entries
            ],
            [(h.partner_id.id, h.last_number, h.sealed_balance) for h in heads],
        )


@pytest.fixture(scope="module")
def clean_run():
    with committing_registry() as registry:
        with environment(registry) as env:
            prepare(env)
        with environment(registry) as env:
            env["subledger.backfill"]._cron_run()
        return facts(registry)


@pytest.fixture
def started():
    """A registry of its own and the id of its started backfill."""
    with committing_registry() as registry:
        with environment(registry) as env:
            backfill_id = prepare(env)
        yield registry, backfill_id


def test_killed_at_half_and_resumed_equals_one_clean_run(clean_run, started):
    registry, backfill_id = started
    run_until_killed(registry, CHILD, BATCH)
    with environment(registry) as env:
        backfill = env["subledger.backfill"].browse(backfill_id)
        assert (backfill.state, backfill.items_done) == ("running", 2 * BATCH)
        assert env["subledger.entry"].search_count([]) == 2 * BATCH
        # What Odoo's scheduler does after a crash: run the job again.
        env["subledger.backfill"]._cron_run()
        assert (backfill.state, backfill.items_done) == ("done", INVOICES)
    assert facts(registry) == clean_run


def test_batch_that_loses_against_another_transaction_is_repeated(clean_run, started):
    """Somebody writes the ledger of the same items while the batch is at work."""
    registry, backfill_id = started
    with environment(registry) as env:
        items = env["account.move.line"].search(
            [("account_type", "=", "asset_receivable")]
        )
        # The snapshot of the batch is older than the commit of the other.
        backfill = env["subledger.backfill"].browse(backfill_id)
        assert backfill.state == "running"
        other = threading.Thread(target=sync_in_own_transaction, args=[registry, items])
        other.start()
        other.join()
        backfill._run()
        assert backfill.state == "done"
        assert backfill.entry_count == 0
    assert facts(registry) == clean_run


def sync_in_own_transaction(registry, items):
    with environment(registry) as env:
        env["subledger.sync"]._sync_lines(items.ids, origin="repair")


def test_pause_reaches_the_job_at_work(started):
    """The person's write commits in the middle of a batch: the job repeats, sees it
    and stops."""
    registry, backfill_id = started
    with environment(registry) as env:
        backfill = env["subledger.backfill"].browse(backfill_id)
        assert backfill.state == "running"
        with environment(registry) as other:
            other["subledger.backfill"].browse(backfill_id).action_pause()
        backfill._run()
        assert backfill.state == "paused"
        assert not env["subledger.entry"].search_count([])
