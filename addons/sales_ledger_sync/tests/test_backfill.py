import logging
import re
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import subledger_backfill_end as end_module
from ..models import subledger_backfill_job as job_module
from ..models import subledger_sync as engine_module
from .common_backfill import BackfillCommon, engine_off

LIVE = [("event", "=", "entry"), ("is_reversed", "=", False)]


@tagged("post_install", "-at_install")
class TestBackfill(BackfillCommon):
    def test_full_history(self):
        first, second, _manual, _nobody = self._old_documents()
        backfill = self._run(self._backfill("full"))
        self.assertEqual(backfill.state, "done")
        self.assertEqual(self._entries().mapped("reference"), [first.name, second.name])
        self.assertEqual(set(self._entries().mapped("origin")), {"backfill"})
        self.assertEqual(backfill.entry_count, 2)
        self.assertEqual(backfill.progress, 100)
        self.assertEqual(self.company.subledger_history, "full")

    def test_leave_history(self):
        _first, second, _manual, _nobody = self._old_documents()
        self._run(self._backfill("none"))
        self.assertEqual(self._entries().mapped("reference"), [second.name])

    def test_one_opening_entry(self):
        self._old_documents()
        backfill = self._run(self._backfill("opening"))
        opening = self._entries(("transaction_type", "=", "opening"))
        self.assertEqual(opening.debit, 120)
        self.assertEqual(str(opening.date), "2026-06-01")
        self.assertEqual(backfill.opening_count, 1)
        self.assertEqual(backfill.entry_count, 1)
        self.assertEqual(self._balance(("partner_id", "=", self.partner.id)), 190)

    def test_start_date_becomes_the_company_s(self):
        self._old_documents()
        self._run(self._backfill("none", "2026-01-01"))
        self.assertEqual(str(self.company.subledger_start_date), "2026-01-01")
        self.assertEqual(self._balance(), 170)

    def test_every_batch_is_logged_with_its_counts(self):
        self.company.subledger_manual_policy = "record"
        self._old_documents()
        for written in (True, False):
            with self.assertLogs(engine_module.__name__, logging.INFO) as logs:
                items = self._run(self._backfill("full")).items_done
            self.assertTrue(items)
            # One line for each lane, whose items depend on the ids of the partners,
            # and one for what changed since the start.
            counts = re.findall(
                r"Ledger sync backfill: (\d+) entries, 0 reversals, (\d+) items",
                "\n".join(logs.output),
            )
            entries, compared = (sum(map(int, c)) for c in zip(*counts, strict=True))
            self.assertEqual(entries, items if written else 0)
            self.assertGreater(compared, items)

    def test_second_run_writes_nothing(self):
        self._old_documents()
        for mode in ("full", "opening"):
            self._run(self._backfill(mode))
            before = self._entries()
            again = self._run(self._backfill(mode))
            self.assertEqual(again.state, "done")
            self.assertEqual(
                (again.entry_count, again.reversal_count, again.opening_count),
                (0, 0, 0),
            )
            self.assertEqual(self._entries(), before)

    def test_live_entries_are_not_repeated(self):
        invoice = self._invoice(40, date="2026-08-01", invoice_date="2026-08-01")
        self._run(self._backfill("full"))
        self.assertEqual(len(self._entries(("move_id", "=", invoice.id))), 1)

    def test_opening_gives_way_to_full_history(self):
        self._old_documents()
        self._run(self._backfill("opening"))
        self._run(self._backfill("full"))
        live = self._entries(*LIVE)
        self.assertNotIn("opening", live.mapped("transaction_type"))
        self.assertEqual(self._balance(), 170)

    def test_preview_is_what_the_run_does(self):
        """An opening may be written anew on the way, so openings tell by balance."""

        def documents(records):
            return records.filtered(
                lambda record: record.transaction_type not in ("opening", "reversal")
            )

        self._old_documents()
        for mode in ("none", "opening", "full"):
            preview = self._backfill(mode)
            preview.action_preview()
            before = {
                (line.partner_id.id, line.account_id.id): line.ledger_balance
                + line.to_write
                for line in preview.balance_ids
            }
            promised = sum(documents(preview.type_ids).mapped("entry_count"))
            count = len(documents(self._entries()))
            self.assertEqual(self._run(preview).state, "done")
            self.assertEqual(len(documents(self._entries())) - count, promised, mode)
            for line in preview.balance_ids:
                self.assertEqual(
                    line.ledger_balance, before[line.partner_id.id, line.account_id.id]
                )
                self.assertEqual(line.to_write, 0)

    def test_preview_changes_nothing(self):
        self._old_documents()
        self._backfill("full", "2026-01-01").action_preview()
        self.env.invalidate_all()
        self.assertFalse(self._entries())
        self.assertEqual(str(self.company.subledger_start_date), "2026-06-01")
        self.assertEqual(self.company.subledger_history, "none")

    def test_preview_explains_every_difference(self):
        self._old_documents()
        preview = self._backfill("none")
        preview.action_preview()
        ada = preview.balance_ids.filtered(lambda line: line.partner_name == "Ada Ltd")
        self.assertEqual(
            (ada.ledger_balance, ada.to_write, ada.general_ledger, ada.difference),
            (0, 70, 190, 120),
        )
        unmatched = {line.reason: line.balance for line in preview.unmatched_ids}
        self.assertEqual(unmatched, {"history": 120, "manual": 5})
        self.assertEqual(
            sum(preview.balance_ids.mapped("difference")), sum(unmatched.values())
        )
        self.assertEqual(preview.type_ids.transaction_type, "sale")

    def test_items_without_partner_are_named_and_kept_apart(self):
        self._old_documents()
        self.company.subledger_manual_policy = "record"
        preview = self._backfill("full")
        preview.action_preview()
        unmatched = {line.reason: line.balance for line in preview.unmatched_ids}
        self.assertEqual(unmatched, {"no_partner": 5})
        self._run(preview)
        self.assertEqual(self._balance(("partner_id", "=", False)), 5)

    def test_non_trade_account_is_named(self):
        account = self.receivable.copy({"non_trade": True})
        self._entry_move(9, account=account, date="2026-07-01")
        preview = self._backfill("full")
        preview.action_preview()
        self.assertEqual(preview.unmatched_ids.reason, "non_trade")
        self.assertEqual(preview.unmatched_ids.account_id, account)

    def _pause_after_one_item(self, backfill):
        self.patch(job_module, "BATCH_ITEMS", 1)
        before = len(self._entries())
        backfill.action_start()
        self._run_job(lambda items: backfill.action_pause() if items else None)
        self.assertEqual(backfill.state, "paused")
        self.assertEqual(backfill.items_done, 1)
        self.assertEqual(backfill.progress, 25)
        self.assertEqual(len(self._entries()) - before, backfill.entry_count)

    def test_batches_pause_and_resume(self):
        self._old_documents()
        backfill = self._backfill("full")
        self._pause_after_one_item(backfill)
        self._run_job()
        self.assertEqual(backfill.items_done, 1)
        backfill.action_resume()
        self._run_job()
        self.assertEqual(backfill.state, "done")
        self.assertEqual(backfill.items_done, 4)
        self.assertEqual(len(self._entries()), 2)

    def test_cancel_keeps_what_was_written(self):
        self._old_documents()
        self._run(self._backfill("none"))
        backfill = self._backfill("full")
        self._pause_after_one_item(backfill)
        written = self._entries()
        backfill.action_cancel()
        self._run_job()
        self.assertEqual(backfill.state, "cancelled")
        self.assertEqual(self._entries(), written)
        self.assertEqual(self.company.subledger_history, "none")
        self._assert_verified()
        with self.assertRaisesRegex(UserError, "cancelled"):
            backfill.action_resume()

    def test_documents_changed_behind_its_back(self):
        """By a transaction that saw nothing of the entries, nor they of it."""
        first, second, *_others = self._old_documents()
        backfill = self._run(self._backfill("full"))
        with engine_off(self.env):
            first.button_draft()
            self.env.flush_all()
        self._run_job()
        self.assertFalse(backfill.is_settled)
        self.assertEqual(self._entries(*LIVE).move_id, first + second)
        self._settle(backfill)
        self.assertTrue(backfill.is_settled)
        self.assertEqual(self._entries(*LIVE).move_id, second)
        self._assert_verified()

    def test_draft_deleted_while_it_is_written(self):
        """The same, and nothing of the document is left to tell; the backfill was
        cancelled after that."""
        first, second, *_others = self._old_documents()
        backfill = self._backfill("full")
        backfill.action_start()
        sync = backfill.sudo()._under_own_settings().env["subledger.sync"]
        sync._sync_new(first.line_ids.ids, "backfill")
        with engine_off(self.env):
            first.button_draft()
            first.with_context(force_delete=True).unlink()
        self.assertEqual(len(self._entries()), 1)
        backfill.action_cancel()
        self._settle(backfill)
        self.assertEqual(self._entries(*LIVE).move_id, second)
        self._assert_verified()

    def _settle(self, backfill):
        """Let the transactions that were under way at the end be over."""
        backfill.sudo().finished_on -= end_module.SETTLE_AFTER
        self._run_job()

    @mute_logger("odoo.addons.sales_ledger_sync.models.subledger_backfill_job")
    def test_failure_is_told_and_can_be_resumed(self):
        self._old_documents()
        backfill = self._backfill("full")
        sync = type(self.env["subledger.sync"])
        with patch.object(sync, "_sync_new", side_effect=ValueError("no disk")):
            self._run(backfill)
        self.assertEqual(backfill.state, "failed")
        self.assertIn("no disk", backfill.error)
        backfill.action_resume()
        self._run_job()
        self.assertEqual(backfill.state, "done")
        self.assertFalse(backfill.error)

    def test_start_in_the_future_is_refused(self):
        tomorrow = fields.Date.today() + timedelta(days=1)
        backfill = self._backfill(start_date=tomorrow)
        for method in ("action_preview", "action_start"):
            with self.assertRaisesRegex(UserError, "future"):
                getattr(backfill, method)()
        self.assertEqual(backfill.state, "draft")

    def test_start_date_is_needed_unless_all_history_comes(self):
        with self.assertRaisesRegex(UserError, "first day"):
            self._backfill("opening", False).action_start()
        self._old_documents()
        self._run(self._backfill("full", False))
        self.assertEqual(self._balance(), 170)
        self.assertEqual(str(self.company.subledger_start_date), "2026-06-01")

    def test_start_in_a_locked_period_is_refused(self):
        self.company.fiscalyear_lock_date = "2026-06-30"
        for method in ("action_preview", "action_start"):
            with self.assertRaisesRegex(UserError, "locked until 2026-06-30"):
                getattr(self._backfill(), method)()

    def test_closed_company_is_refused(self):
        other = self.setup_other_company(name="Closed Ltd")["company"]
        self.manager.company_ids |= other
        backfill = self._backfill(company_id=other.id)
        other.active = False
        with self.assertRaisesRegex(UserError, "closed"):
            backfill.action_start()

    def test_one_at_a_time(self):
        self._backfill().action_start()
        with self.assertRaisesRegex(UserError, "under way"):
            self._backfill().action_start()

    def test_second_start_is_refused(self):
        backfill = self._backfill()
        backfill.action_start()
        with self.assertRaisesRegex(UserError, "running"):
            backfill.action_start()
        with self.assertRaisesRegex(UserError, "running"):
            backfill.unlink()
        with self.assertRaisesRegex(UserError, "running"):
            backfill.mode = "none"

    def test_state_cannot_be_written(self):
        backfill = self._backfill()
        with self.assertRaisesRegex(UserError, "kept by the system"):
            backfill.state = "done"
        with self.assertRaisesRegex(UserError, "kept by the system"):
            self._backfill(items_done=7)

    def test_reader_may_look_only(self):
        backfill = self._backfill().with_user(self.biller)
        self.assertEqual(backfill.state, "draft")
        for method in ("action_start", "action_preview", "action_cancel"):
            with self.assertRaises(AccessError):
                getattr(backfill, method)()

    def test_settings_are_offered_as_they_are(self):
        """Whoever only moves the start does not switch the openings off."""
        self.company.sudo().subledger_history = "opening"
        draft = self.env["subledger.backfill"].new({})
        self.assertEqual(draft.mode, "opening")

    def test_month_closed_during_a_pause(self):
        self._old_documents()
        backfill = self._backfill("full")
        backfill.action_start()
        backfill.action_pause()
        self.company.sudo().fiscalyear_lock_date = "2026-06-30"
        backfill.action_resume()
        self._run_job()
        self.assertEqual(backfill.state, "done")

    def test_closed_company_is_not_resumed(self):
        other = self.setup_other_company(name="Closed Ltd")["company"]
        self.manager.company_ids |= other
        backfill = self._backfill(company_id=other.id)
        backfill.action_start()
        backfill.action_pause()
        other.active = False
        with self.assertRaisesRegex(UserError, "closed"):
            backfill.action_resume()

    def test_other_company_is_left_alone(self):
        self._old_documents()
        other = self.setup_other_company(name="Elsewhere")["company"]
        self.manager.company_ids |= other
        backfill = self._run(self._backfill("full", company_id=other.id))
        self.assertEqual(backfill.state, "done")
        self.assertEqual(backfill.items_total, 0)
        self.assertFalse(self._entries())
        self.assertEqual(self.company.subledger_history, "none")
