from freezegun import freeze_time

from odoo.tests import tagged

from .common import SubledgerCommon


class ScopeCommon(SubledgerCommon):
    """A ledger that starts later than its company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # History: posted a year before the ledger starts.
        with freeze_time("2025-03-01"):
            cls.old = cls._invoice(40, invoice_date="2025-03-01", date="2025-03-01")
            cls.company.sudo().subledger_start_date = "2025-01-01"
        cls.company.sudo().subledger_start_date = "2026-01-01"

    @classmethod
    def _forget(cls, moves):
        """Bring back the state before installation: items, and no entries."""
        cls.env.cr.execute("SET LOCAL session_replication_role = replica")
        cls.env.cr.execute(
            "ALTER TABLE subledger_entry DISABLE TRIGGER subledger_entry_no_delete"
        )
        cls.env.cr.execute(
            "DELETE FROM subledger_entry WHERE move_id = ANY(%s)", [moves.ids]
        )
        cls.env.cr.execute(
            "ALTER TABLE subledger_entry ENABLE ALWAYS TRIGGER"
            " subledger_entry_no_delete"
        )
        cls.env.cr.execute("SET LOCAL session_replication_role = origin")
        cls.env.cr.execute(
            "UPDATE account_move SET subledger_posted_at = NULL WHERE id = ANY(%s)",
            [moves.ids],
        )
        moves.invalidate_recordset()


@tagged("post_install", "-at_install")
class TestScope(ScopeCommon):
    """Which items get an entry."""

    def _sync(self, moves):
        return self.env["subledger.sync"]._sync_moves(moves.ids)[:2]

    def test_history_is_left_out(self):
        self._forget(self.old)
        self.assertEqual(self._sync(self.old), (0, 0))

    def test_history_posted_again_is_in(self):
        self._forget(self.old)
        self.old.button_draft()
        self.assertFalse(self._entries(self.old))
        with freeze_time("2026-02-01"):
            self.old.action_post()
        self.assertStory(self.old, [("sale", 40.0)])

    def test_dated_before_and_posted_after_the_start(self):
        with freeze_time("2026-02-01"):
            late = self._invoice(5, invoice_date="2025-12-24", date="2025-12-24")
        self.assertStory(late, [("sale", 5.0)])

    def test_dated_and_posted_before_the_start(self):
        with freeze_time("2025-12-24"):
            early = self._invoice(5, invoice_date="2025-12-24", date="2025-12-24")
        self.assertFalse(self._entries(early))

    def test_no_start_date_is_everything(self):
        self._forget(self.old)
        self.company.sudo().subledger_start_date = False
        self.assertEqual(self._sync(self.old), (1, 0))

    def test_full_history(self):
        self._forget(self.old)
        self.company.sudo().subledger_history = "full"
        self.assertEqual(self._sync(self.old), (1, 0))

    def test_later_start_date_takes_nothing_back(self):
        invoice = self._invoice(100)
        self.company.sudo().subledger_start_date = "2099-01-01"
        self.assertEqual(self._sync(invoice), (0, 0))
        self.assertStory(invoice, [("sale", 100.0)])
        # And what it says stays right.
        self._trade_items(invoice).partner_id = self.other_partner
        self.assertEqual(self._balance(self.other_partner), 100.0)
        invoice.button_draft()
        self.assertEqual(self._balance(self.other_partner), 0.0)

    def test_manual_items(self):
        move = self._entry_move(50)
        self.assertFalse(self._entries(move))
        self.company.subledger_manual_policy = "record"
        self.assertStory(move, [("adjustment", 50.0)])
        self.assertEqual(self._entries(move).description, f"Journal Entry {move.name}")
        self.company.subledger_manual_policy = "skip"
        self.assertStory(move, [("adjustment", 50.0)])
        self.assertFalse(self._entries(self._entry_move(50)))

    def test_reversal_of_manual_item_is_manual(self):
        move = self._entry_move(50)
        reversal = move._reverse_moves([{"date": move.date}], cancel=True)
        self.assertFalse(self._entries(reversal))

    def test_non_trade_account(self):
        account = self.receivable.copy({"code": "129997", "non_trade": True})
        self.company.subledger_manual_policy = "record"
        self.assertFalse(self._entries(self._entry_move(50, account=account)))


@tagged("post_install", "-at_install")
class TestOpening(ScopeCommon):
    """History as one opening entry per subledger account."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with freeze_time("2025-03-01"):
            cls.older = cls._invoice(2, invoice_date="2025-02-01", date="2025-02-01")
        cls._forget(cls.old + cls.older)
        cls.company.sudo().subledger_history = "opening"
        cls.env["subledger.sync"]._write_openings(cls.company)

    def _openings(self, partner=None):
        return self.env["subledger.entry"].search(
            [
                ("move_line_id", "=", False),
                ("partner_id", "=", (partner or self.partner).id),
            ],
            order="id",
        )

    def test_one_opening_entry(self):
        self.assertRecordValues(
            self._openings(),
            [
                {
                    "transaction_type": "opening",
                    "debit": 42.0,
                    "date": self.company.subledger_start_date,
                    "description": "Opening Balance",
                    "amount_currency": 42.0,
                }
            ],
        )
        self.assertEqual(self._balance(), 42.0)

    def test_written_again_adds_nothing(self):
        sync = self.env["subledger.sync"]
        self.assertFalse(sync._write_openings(self.company))
        self.assertFalse(sync._sync_openings(sync._candidates_of_moves(self.old.ids)))

    def test_new_documents_leave_it_alone(self):
        self._invoice(100)
        self.assertEqual(len(self._openings()), 1)
        self.assertEqual(self._balance(), 142.0)

    def test_what_is_open_of_it(self):
        """As much as of the documents that it stands for."""
        entries = self.env["subledger.entry"]
        opening = self._openings()
        for paid, residual, status in (
            (self.env["account.move"], 42.0, "open"),
            (self.older, 40.0, "partially_paid"),
            (self.old, 0.0, "paid"),
        ):
            if paid:
                self._register_payment_of(paid)
            opening.invalidate_recordset()
            self.assertEqual(
                (opening.amount_residual, opening.status), (residual, status)
            )
            self.assertEqual(opening.is_overdue, status != "paid")
            self.assertIn(opening, entries.search([("status", "=", status)]))
            self.assertEqual(
                opening in entries.search([("is_overdue", "=", True)]), bool(residual)
            )

    def test_reset_history_corrects_it(self):
        self.old.button_draft()
        self.assertEqual(self._openings().mapped("debit"), [42.0, 0.0, 2.0])
        self.assertEqual(self._balance(), 2.0)
        with freeze_time("2026-02-01"):
            self.old.action_post()
        self.assertEqual(self._balance(), 42.0)
        self.assertStory(self.old, [("sale", 40.0)])

    def test_all_history_reset_closes_it(self):
        (self.old + self.older).button_draft()
        self.assertEqual(self._balance(), 0.0)
        self.assertEqual(sum(self._openings().mapped("balance")), 0.0)

    def test_history_changes_partner(self):
        self._trade_items(self.old).partner_id = self.other_partner
        self.assertEqual(self._balance(), 2.0)
        self.assertEqual(self._balance(self.other_partner), 40.0)

    def test_history_deleted(self):
        self.old.with_context(force_delete=True).unlink()
        self.assertEqual(self._balance(), 2.0)

    def test_merged_partner_takes_opening_along(self):
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._merge((self.partner + self.other_partner).ids, self.other_partner)
        self.assertEqual(self._balance(self.other_partner), 42.0)
        self.assertEqual(self._balance(), 0.0)

    def test_full_history_replaces_it(self):
        self.company.sudo().subledger_history = "full"
        sync = self.env["subledger.sync"]
        sync._write_openings(self.company)
        sync._sync(sync._candidates_of_companies(self.company.ids), "backfill")
        self.assertEqual(self._balance(), 42.0)
        self.assertStory(self.old, [("sale", 40.0)])
