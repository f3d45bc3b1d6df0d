"""A backfill that is killed, and one that other transactions get in the way of."""

import threading

from .backfill_world import INVOICES, facts
from .clones import environment
from .killed_child import run_until_killed

BATCH = 3

# Kills itself with entries of the third batch written and not committed.
CHILD = """
    from odoo.addons.sales_ledger_sync.models import subledger_backfill_job as job

    job.BATCH_ITEMS = int(sys.argv[2])
    model = registry["subledger.backfill"]
    run_items = model._run_items
    batches = []

    def run_and_die(self, lane):
        result = run_items(self, lane)
        batches.append(result)
        if sum(map(bool, batches)) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    model._run_items = run_and_die
    with registry.cursor() as cr:
        api.Environment(cr, api.SUPERUSER_ID, {})["subledger.backfill"]._cron_run()
"""


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
