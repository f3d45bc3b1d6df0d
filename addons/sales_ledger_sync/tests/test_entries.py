from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import SubledgerCommon


@tagged("post_install", "-at_install")
class TestEntries(SubledgerCommon):
    """Documents, and what the ledger makes of them."""

    def test_posted_invoice(self):
        invoice = self._invoice(100)
        item = self._trade_items(invoice)
        self.assertRecordValues(
            self._entries(invoice),
            [
                {
                    "company_id": self.company.id,
                    "partner_id": self.partner.id,
                    "partner_name": "Ada Ltd",
                    "account_id": item.account_id.id,
                    "ledger": "customer",
                    "transaction_type": "sale",
                    "date": invoice.date,
                    "date_maturity": item.date_maturity,
                    "debit": 100.0,
                    "credit": 0.0,
                    "amount_currency": 100.0,
                    "reference": invoice.name,
                    "description": f"Invoice {invoice.name}",
                    "move_line_id": item.id,
                    "event": "entry",
                    "version": 1,
                    "origin": "live",
                    "create_uid": self.env.uid,
                    "number": 0,
                    "status": "open",
                    "amount_residual": 100.0,
                }
            ],
        )
        self.assertEqual(self._balance(), 100.0)
        self.assertTrue(invoice.subledger_posted_at)

    def test_vendor_bill(self):
        bill = self._invoice(80, "in_invoice")
        self.assertStory(bill, [("purchase", -80.0)])
        self.assertEqual(self._entries(bill).ledger, "supplier")
        self.assertEqual(self._entries(bill).description, f"Vendor Bill {bill.name}")
        self.assertEqual(self._balance(ledger="supplier"), -80.0)
        self.assertEqual(self._balance(ledger="customer"), 0.0)

    def test_receipts(self):
        self.assertStory(self._invoice(10, "out_receipt"), [("sale", 10.0)])
        self.assertStory(self._invoice(10, "in_receipt"), [("purchase", -10.0)])
        self.assertLedgerMatches()

    def test_draft_has_no_entry(self):
        self.assertFalse(self._entries(self._invoice(post=False)))

    def test_batch(self):
        moves = self.env["account.move"].union(
            *(self._invoice(amount, post=False) for amount in (1, 2, 3, 4))
        )
        moves.action_post()
        self.assertEqual(self._entries(moves).mapped("debit"), [1.0, 2.0, 3.0, 4.0])
        self.assertLedgerMatches()

    def test_zero_invoice(self):
        """A posted item of nothing is a posted item: it has its entry."""
        invoice = self._invoice(0)
        self.assertStory(invoice, [("sale", 0.0)])
        self.assertEqual(self._entries(invoice).status, "paid")

    def test_future_dated_soft_post(self):
        invoice = self._invoice(
            post=False, invoice_date="2999-01-01", date="2999-01-01"
        )
        invoice._post(soft=True)
        self.assertEqual(invoice.state, "draft")
        self.assertFalse(self._entries(invoice))
        invoice.auto_post = "no"
        invoice._post(soft=False)
        self.assertStory(invoice, [("sale", 100.0)])

    def test_reset_and_post_again(self):
        invoice = self._invoice(100)
        invoice.button_draft()
        self.assertStory(invoice, [("sale", 100.0), ("reversal", -100.0)])
        first, reversal = self._entries(invoice)
        self.assertEqual(reversal.reversal_of_id, first)
        self.assertEqual(reversal.date, first.date)
        self.assertTrue(first.is_reversed)
        self.assertEqual(self._balance(), 0.0)
        invoice.action_post()
        self.assertStory(
            invoice, [("sale", 100.0), ("reversal", -100.0), ("sale", 100.0)]
        )
        self.assertEqual(self._live(invoice).version, 2)
        self.assertLedgerMatches()

    def test_post_again_with_other_amount_partner_and_date(self):
        invoice = self._invoice(100)
        invoice.button_draft()
        invoice.write(
            {
                "partner_id": self.other_partner.id,
                "date": "2026-04-01",
                "invoice_line_ids": [
                    Command.update(invoice.invoice_line_ids.id, {"price_unit": 250})
                ],
            }
        )
        invoice.action_post()
        self.assertEqual(self._balance(), 0.0)
        self.assertEqual(self._balance(self.other_partner), 250.0)
        self.assertEqual(
            self._entries(invoice).mapped("partner_name"),
            ["Ada Ltd", "Ada Ltd", "Bob Ltd"],
        )
        self.assertLedgerMatches()

    def test_cancel(self):
        invoice = self._invoice(100)
        invoice.button_cancel()
        self.assertStory(invoice, [("sale", 100.0), ("reversal", -100.0)])
        self.assertLedgerMatches()

    def test_delete_after_reset(self):
        invoice = self._invoice(100)
        invoice.button_draft()
        move_id = invoice.id
        invoice.name = False
        invoice.unlink()
        entries = self.env["subledger.entry"].search([("move_id", "=", move_id)])
        self.assertEqual(sum(entries.mapped("balance")), 0.0)
        self.assertEqual(len(entries), 2)

    def test_state_written_directly(self):
        """As an RPC client may: past ``_post`` and ``button_draft``."""
        invoice = self._invoice(100, post=False)
        invoice.with_user(self.biller).write({"state": "posted"})
        self.assertStory(invoice, [("sale", 100.0)])
        self.assertEqual(self._entries(invoice).create_uid, self.biller)
        invoice.with_user(self.biller).write({"state": "posted"})
        self.assertStory(invoice, [("sale", 100.0)])
        invoice.with_user(self.biller).write({"state": "draft"})
        self.assertStory(invoice, [("sale", 100.0), ("reversal", -100.0)])
        self.assertLedgerMatches()

    def test_state_written_on_mixed_set(self):
        old = self._invoice(1)
        stamp = old.subledger_posted_at
        self.env.cr.execute(
            "UPDATE account_move SET subledger_posted_at = '2020-01-01' WHERE id = %s",
            [old.id],
        )
        old.invalidate_recordset()
        new = self._invoice(2, post=False)
        (old + new).write({"state": "posted"})
        self.assertEqual(str(old.subledger_posted_at), "2020-01-01 00:00:00")
        self.assertGreaterEqual(new.subledger_posted_at, stamp)
        self.assertLedgerMatches()

    def test_posting_time_cannot_be_forged(self):
        invoice = self._invoice(100)
        with self.assertRaisesRegex(UserError, "posting time"):
            invoice.with_user(self.biller).write(
                {"subledger_posted_at": "2001-01-01 00:00:00"}
            )

    def test_payment(self):
        invoice = self._invoice(100)
        payment = self._register_payment_of(invoice, amount=60)
        entry = self._entries(payment.move_id)
        self.assertStory(payment.move_id, [("payment", -60.0)])
        self.assertEqual(entry.description, f"Payment for Invoice {invoice.name}")
        self.assertEqual(self._entries(invoice).status, "partially_paid")
        self.assertEqual(self._entries(invoice).amount_residual, 40.0)
        self.assertEqual(self._balance(), 40.0)
        self.assertLedgerMatches()

    def test_payment_out(self):
        bill = self._invoice(80, "in_invoice")
        payment = self._register_payment_of(bill)
        self.assertStory(payment.move_id, [("payment", 80.0)])
        self.assertEqual(self._entries(bill).status, "paid")
        self.assertEqual(self._balance(ledger="supplier"), 0.0)

    def test_payment_cancelled_and_rejected(self):
        cancelled = self._payment(60)
        cancelled.action_cancel()
        self.assertStory(cancelled.move_id, [("payment", -60.0), ("reversal", 60.0)])
        rejected = self._payment(60)
        rejected.action_reject()
        self.assertEqual(rejected.state, "rejected")
        # Odoo leaves its journal entry posted, and so the ledger keeps the entry.
        self.assertEqual(rejected.move_id.state, "posted")
        self.assertStory(rejected.move_id, [("payment", -60.0)])
        self.assertEqual(self._balance(), -60.0)
        self.assertLedgerMatches()

    def test_payment_amount_rewritten(self):
        """The amount of a posted payment may change without its journal entry;
        the ledger stays with the journal entry."""
        payment = self._payment(60)
        payment.amount = 999
        self.assertLedgerMatches()
        self.assertEqual(self._balance(), -60.0)

    def test_sync_again_adds_nothing(self):
        moves = self._invoice(100) + self._payment(60).move_id
        count = self.env["subledger.entry"].search_count([])
        sync = self.env["subledger.sync"]
        self.assertEqual(sync._sync_moves(moves.ids)[:2], (0, 0))
        self.assertEqual(sync._sync_lines(moves.line_ids.ids)[:2], (0, 0))
        self.assertEqual(sync._sync_partners(self.partner.ids)[:2], (0, 0))
        self.assertEqual(sync._sync_accounts(self.receivable.ids)[:2], (0, 0))
        self.assertEqual(self.env["subledger.entry"].search_count([]), count)

    def test_first_posting_asks_for_nothing_it_does_not_need(self):
        """Whoever wrote it: an entry that is there already is compared, not doubled."""
        sync = type(self.env["subledger.sync"])
        invoice = self._invoice(100)
        with patch.object(sync, "_sync_few", autospec=True) as compared:
            payment = self._payment(60)
            self._invoice(30)
        self.assertFalse(compared.called)
        self.assertStory(payment.move_id, [("payment", -60.0)])
        for moves in (invoice, invoice + payment.move_id + self._invoice(7)):
            result = self.env["subledger.sync"]._sync_first_posting(moves)
            self.assertEqual(result[:2], (0, 0))
        invoice.button_draft()
        invoice.posted_before = False
        invoice.action_post()
        self.assertStory(
            invoice, [("sale", 100.0), ("reversal", -100.0), ("sale", 100.0)]
        )
        self.assertLedgerMatches()

    def test_first_posting_of_several_kinds_at_once(self):
        draft = dict(post=False)
        moves = self._invoice(100, **draft) + self._invoice(9, "in_invoice", **draft)
        moves += self._entry_move(50, **draft)
        moves._post()
        self.assertEqual(self._entries(moves).mapped("balance"), [100.0, -9.0])
        self.assertLedgerMatches()
