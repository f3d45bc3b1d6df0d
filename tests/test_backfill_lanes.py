"""Two workers on one backfill, and others who work on the same accounts."""

import threading
from unittest.mock import patch

import pytest

from odoo import Command
from odoo.tools import SQL

from odoo.addons.sales_ledger_sync.models import subledger_backfill_job as job

from .backfill_world import INVOICES, facts
from .clones import environment

BATCH = 2


@pytest.fixture(autouse=True)
def small_batches():
    with patch.object(job, "BATCH_ITEMS", BATCH):
        yield


def work(registry, backwards=False):
    """What a scheduled action does."""
    with environment(registry) as env:
        env["subledger.backfill"]._cron_run(backwards)


def get_backfill(env, started):
    return env["subledger.backfill"].browse(started[1])


def get_unsealed_names(registry):
    with environment(registry) as env:
        entries = env["subledger.entry"].search([("number", "=", False)])
        return set(entries.mapped("partner_name"))


def test_two_workers_equal_one(clean_run, started):
    registry, _backfill_id = started
    ready = threading.Barrier(2)

    def start_together(backwards):
        ready.wait()
        work(registry, backwards)

    workers = [
        threading.Thread(target=start_together, args=[backwards])
        for backwards in (False, True)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with environment(registry) as env:
        backfill = get_backfill(env, started)
        assert (backfill.state, backfill.entry_count) == ("done", INVOICES)
        assert backfill.lane_ids.mapped("items_done") == [INVOICES // 2] * 2
    # Sealed as they were written, without the sealing that follows in ``facts``.
    assert not get_unsealed_names(registry)
    assert facts(registry) == clean_run


def test_lane_of_another_worker_is_left_to_it(clean_run, started):
    registry, _backfill_id = started
    with environment(registry) as other:
        lane = get_backfill(other, started).lane_ids[1]
        with lane._hold() as is_held:
            assert is_held
            work(registry)
            with environment(registry) as env:
                backfill = get_backfill(env, started)
                assert backfill.state == "running"
                assert backfill.lane_ids.mapped("is_done") == [True, False]
                assert backfill.items_done == INVOICES // 2
    # The second worker begins with it, and is the last to end.
    work(registry, backwards=True)
    with environment(registry) as env:
        assert get_backfill(env, started).state == "done"
    assert facts(registry) == clean_run


def test_lane_that_moved_on_meanwhile_is_left(clean_run, started):
    """As if two workers had the same lane, which the lock of the session prevents."""
    registry, _backfill_id = started
    with environment(registry) as env:
        accounts = type(env["subledger.account"])
        take_heads = accounts._take_heads

        def lose_and_take_heads(self, keys):
            with (
                patch.object(accounts, "_take_heads", take_heads),
                environment(registry) as other,
            ):
                faster = get_backfill(other, started)
                assert faster._run_items(faster.lane_ids[0]) == BATCH
            return take_heads(self, keys)

        backfill = get_backfill(env, started)
        lane = backfill.lane_ids[0]
        env.cr.commit()
        with patch.object(accounts, "_take_heads", lose_and_take_heads):
            assert backfill._run_items(lane) is None
        assert lane.items_done == BATCH
    work(registry)
    assert facts(registry) == clean_run


def lock_head_of_ada(env):
    [(head_id,)] = env.execute_query(
        SQL(
            """SELECT id FROM subledger_account WHERE partner_name = 'Ada'
                  FOR NO KEY UPDATE"""
        )
    )
    return head_id


def post_without_sealing(registry, name):
    """One more invoice of the customer, in the ledger from the start; its id."""
    with environment(registry) as env:
        invoice = env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": env["res.partner"].search([("name", "=", name)]).id,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "x", "price_unit": 1.0, "tax_ids": [Command.clear()]}
                    )
                ],
            }
        )
        invoice.action_post()
        env.cr.postcommit.clear()
        return invoice.id


def test_account_that_a_sealer_holds_is_left_to_it(clean_run, started):
    registry, _backfill_id = started
    with environment(registry) as env:
        [ada] = env["res.partner"].search([("name", "=", "Ada")])
        [account] = (
            env["account.move.line"]
            .search([("partner_id", "=", ada.id)])
            .account_id.filtered(lambda a: a.account_type == "asset_receivable")
        )
        env["subledger.account"]._create_heads_for(
            env, {(env.company.id, ada.id, account.id)}
        )
    with environment(registry) as sealer:
        lock_head_of_ada(sealer)
        work(registry)
        assert get_unsealed_names(registry) == {"Ada"}
    with environment(registry) as env:
        assert get_backfill(env, started).state == "done"
    assert facts(registry) == clean_run


def test_what_was_not_sealed_yet_comes_first(started):
    """Numbers follow the order in which entries were committed."""
    registry, _backfill_id = started
    invoice_id = post_without_sealing(registry, "Ada")
    work(registry)
    with environment(registry) as env:
        entries = env["subledger.entry"].search(
            [("partner_name", "=", "Ada")], order="number"
        )
        assert entries.mapped("number") == list(range(1, INVOICES // 2 + 2))
        assert entries[0].move_id.id == invoice_id
    assert not get_unsealed_names(registry)


def test_nobody_gets_a_head_without_entries(started):
    """Of items that are left out nothing remains."""
    registry, _backfill_id = started
    with environment(registry) as env:
        receivable = env["account.account"].search(
            [("account_type", "=", "asset_receivable"), ("non_trade", "=", False)],
            limit=1,
        )
        income = env["account.account"].search(
            [("account_type", "=", "income")], limit=1
        )
        partner = env["res.partner"].create({"name": "Manual"})
        manual = env["account.move"].create(
            {
                "date": "2026-01-10",
                "line_ids": [
                    Command.create(
                        {
                            "account_id": receivable.id,
                            "partner_id": partner.id,
                            "debit": 5,
                        }
                    ),
                    Command.create({"account_id": income.id, "credit": 5}),
                ],
            }
        )
        manual.action_post()
        backfill = get_backfill(env, started)
        backfill.write({"end_line_id": max(manual.line_ids.ids)})
    work(registry)
    with environment(registry) as env:
        assert get_backfill(env, started).items_done == INVOICES + 1
        heads = env["subledger.account"].search([])
        assert set(heads.mapped("partner_name")) == {"Ada", "Bob"}


def test_company_is_not_written_before_the_end(started):
    """Whoever writes the company meanwhile does not meet the job."""
    registry, _backfill_id = started
    with environment(registry) as person:
        person.cr.execute("SELECT FROM res_company FOR NO KEY UPDATE")
        with environment(registry) as env:
            env.cr.execute("SET lock_timeout = '5s'")
            backfill = get_backfill(env, started)
            backfill._repeat(backfill._split_openings)
            for lane in backfill.lane_ids:
                while backfill._run_items(lane):
                    env.cr.commit()
            backfill._write_figures()
            assert backfill.items_done == INVOICES


def test_customer_who_changes_lanes_is_not_forgotten(started):
    """Merged into a customer of the lane that is done already."""
    registry, _backfill_id = started
    with environment(registry) as env:
        ada, bob = env["res.partner"].search([("name", "in", ("Ada", "Bob"))])
        backfill = get_backfill(env, started)
        env.cr.commit()
        assert backfill._repeat(
            lambda: backfill._run_items(backfill.lane_ids[bob.id % 2])
        )
        # Not yet in the ledger that the company has, which the merge brings up to date.
        env.company.subledger_start_date = "2100-01-01"
        env["base.partner.merge.automatic.wizard"]._merge([ada.id, bob.id], bob)
        env.flush_all()
        assert env["subledger.entry"].search_count([]) == INVOICES // 2
        # Documents of long ago, which a merge does not date anew.
        for table in ("account_move", "account_move_line"):
            env.cr.execute(
                SQL("UPDATE %s SET write_date = '2026-01-15'", SQL.identifier(table))
            )
    work(registry)
    with environment(registry) as env:
        assert get_backfill(env, started).state == "done"
        entries = env["subledger.entry"].search([])
        assert len(entries) == INVOICES
        assert set(entries.mapped("partner_name")) == {"Bob"}
        assert env["subledger.verify"]._verify(env.company)["clean"]


def test_damaged_account_does_not_stop_the_others(started):
    """Its entries are left to the sealer, who names it in the log."""
    registry, _backfill_id = started
    post_without_sealing(registry, "Ada")
    with environment(registry) as env:
        env["subledger.account"]._seal()
        env.cr.execute("UPDATE subledger_account SET last_number = 0")
    work(registry)
    with environment(registry) as env:
        backfill = get_backfill(env, started)
        assert (backfill.state, backfill.entry_count) == ("done", INVOICES)
    assert get_unsealed_names(registry) == {"Ada"}


def test_nobody_goes_on_while_openings_are_split(started):
    registry, _backfill_id = started
    with environment(registry) as env:
        get_backfill(env, started).openings_done = False
    with environment(registry) as splitting:
        get_backfill(splitting, started)._is_running(SQL("NO KEY UPDATE"))
        work(registry)
        with environment(registry) as env:
            assert get_backfill(env, started).items_done == 0
    work(registry)
    with environment(registry) as env:
        assert get_backfill(env, started).state == "done"
