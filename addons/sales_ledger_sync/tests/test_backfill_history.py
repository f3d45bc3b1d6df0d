import itertools

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL

from ..models import subledger_backfill_history as history_module
from ..models import subledger_backfill_job as job_module
from ..models.subledger_sync_scope import DRAFT_SETTINGS, DraftSettings
from .common_backfill import BackfillCommon, engine_off

DAYS = ("2026-01-10", "2026-03-10", "2026-05-10", "2026-07-10")
# Ways to keep history, and the start of the ledger.
WAYS = (
    ("none", "2026-06-01"),
    ("opening", "2026-06-01"),
    ("opening", "2026-02-01"),
    ("opening", "2026-08-01"),
    ("none", "2026-02-01"),
    ("full", "2026-06-01"),
)


@tagged("post_install", "-at_install")
class TestBackfillHistory(BackfillCommon):
    """From one way to keep history to another."""

    def _two_customers(self):
        """Documents of two customers, in each part of the year."""
        other = self.env["res.partner"].create({"name": "Bob"})
        with engine_off(self.env):
            for partner in self.partner + other:
                for amount, date in enumerate(DAYS, start=1):
                    self._invoice(
                        amount, partner_id=partner.id, date=date, invoice_date=date
                    )
                    self._entry_move(50, partner=partner, date=date)
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE account_move SET subledger_posted_at = NULL"
                " WHERE company_id = %s",
                self.company.id,
            )
        )
        self.env.invalidate_all()

    def _run_in_steps(self, backfill):
        """The books are right after each commit of the job."""
        backfill.action_start()
        steps = []

        def check(items):
            self._assert_verified()
            steps.append(items)

        self._run_job(check)
        self.assertEqual(backfill.state, "done")
        return steps

    def test_right_at_every_moment(self):
        """From one way to keep history to another, in small batches."""
        self._two_customers()
        self.patch(job_module, "BATCH_ITEMS", 5)
        self.patch(history_module, "BATCH_PARTNERS", 1)
        self._run(self._backfill("none"))
        for before, after in itertools.product(WAYS[:2], WAYS):
            with self.subTest(before=before, after=after):
                with self.env.cr.savepoint() as savepoint:
                    self._run(self._backfill(*before))
                    steps = self._run_in_steps(self._backfill(*after))
                    self.assertGreater(sum(map(bool, steps)), 3)
                    self.assertEqual(
                        (self.company.subledger_history, self._start_date()), after
                    )
                    savepoint.rollback()
                self.env.invalidate_all()

    def test_customers_merged_while_openings_are_split(self):
        """One that is done gets the opening entry of one that is not."""
        self._two_customers()
        self._run(self._backfill("opening"))
        first, second = self.env["res.partner"].search(
            [("id", "in", self._entries().partner_id.ids)], order="id"
        )
        self.patch(history_module, "BATCH_PARTNERS", 1)
        backfill = self._backfill("full")
        backfill.action_start()

        def merge(_items):
            self._assert_verified()
            if backfill.last_partner_id == first.id and second.exists():
                self.env["base.partner.merge.automatic.wizard"]._merge(
                    [first.id, second.id], first
                )
                self._assert_verified()

        self._run_job(merge)
        self.assertEqual(backfill.state, "done")
        self.assertFalse(second.exists())
        openings = self._entries(("transaction_type", "=", "opening"))
        self.assertTrue(all(openings.mapped("is_reversed")))

    def _start_date(self):
        return str(self.company.subledger_start_date)

    def test_posted_while_the_job_runs(self):
        """Under the settings of then it had no entry; it has under the new ones."""
        self._old_documents()
        self.company.sudo().subledger_start_date = "2999-01-01"
        backfill = self._backfill("full", "2026-01-01")
        backfill.action_start()
        late = self._invoice(30, date="2026-08-01", invoice_date="2026-08-01")
        self.assertFalse(self._entries(("move_id", "=", late.id)))
        self._run_job()
        self.assertEqual(len(self._entries(("move_id", "=", late.id))), 1)
        self._assert_verified()

    def test_item_moves_out_of_an_opening(self):
        """Its date comes to lie after the start: the entry is its own from then on."""
        first, _second, _manual, _nobody = self._old_documents()
        self._run(self._backfill("opening"))
        before = self._balance()
        first.with_context(skip_readonly_check=True).write({"date": "2026-06-15"})
        self.env.flush_all()
        self.assertEqual(len(self._entries(("move_id", "=", first.id))), 1)
        self.assertEqual(self._balance(), before)
        self._assert_verified()

    def test_settings_that_need_a_backfill_are_refused(self):
        self._old_documents()
        admin = self.manager.copy({"login": "settings"})
        admin.group_ids += self.env.ref("base.group_system")
        company = self.company.with_user(admin)
        for values in (
            {"subledger_start_date": "2026-01-01"},
            {"subledger_start_date": False},
            {"subledger_history": "full"},
            {"subledger_history": "opening"},
        ):
            with self.assertRaisesRegex(UserError, "Backfills"), self.cr.savepoint():
                company.write(values)
        self._run(self._backfill("opening"))
        with self.assertRaisesRegex(UserError, "Backfills"), self.cr.savepoint():
            company.write({"subledger_history": "none"})
        self._run(self._backfill("full"))
        company.write({"subledger_start_date": "2026-09-01"})
        self._assert_verified()

    def test_settings_are_saved_unchanged_whatever_is_missing(self):
        """The settings screen writes all of them; a fault is for the checks to tell."""
        self._old_documents()
        admin = self.manager.copy({"login": "settings"})
        admin.group_ids += self.env.ref("base.group_system")
        self.company.with_user(admin).write(
            {
                "subledger_start_date": self.company.subledger_start_date,
                "subledger_history": self.company.subledger_history,
            }
        )

    def test_draft_settings_of_a_client_are_not_heeded(self):
        """The same said in the context by a client widens nobody's ledger."""
        first, *_others = self._old_documents()
        settings = DraftSettings(self.company.id, "full", None)
        sync = self.env["subledger.sync"]
        for forged in (settings._asdict(), list(settings), tuple(settings)):
            sync.with_context(**{DRAFT_SETTINGS: forged})._sync_moves(first.ids)
            self.assertFalse(self._entries())
        sync.with_context(**{DRAFT_SETTINGS: settings})._sync_moves(first.ids)
        self.assertEqual(self._entries().move_id, first)
