from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from .common import SubledgerCommon


@tagged("post_install", "-at_install")
class TestPostedItems(SubledgerCommon):
    """What changes posted receivable and payable items without posting."""

    def test_partner_of_item(self):
        invoice = self._invoice(100)
        self._trade_items(invoice).partner_id = self.other_partner
        self.assertStory(
            invoice, [("sale", 100.0), ("reversal", -100.0), ("transfer", 100.0)]
        )
        self.assertEqual(self._balance(), 0.0)
        self.assertEqual(self._balance(self.other_partner), 100.0)
        self.assertLedgerMatches()

    def test_account_of_item(self):
        invoice = self._invoice(100)
        account = self.receivable.copy({"code": "121999"})
        self._trade_items(invoice).account_id = account
        self.assertEqual(self._live(invoice).account_id, account)
        self.assertEqual(self._live(invoice).transaction_type, "transfer")
        self.assertLedgerMatches()

    def test_account_leaves_the_ledger(self):
        self.company.subledger_manual_policy = "record"
        move = self._entry_move(50)
        self._trade_items(move).account_id = self.revenue
        self.assertStory(move, [("adjustment", 50.0), ("reversal", -50.0)])
        self.assertLedgerMatches()

    def test_due_date_of_item(self):
        invoice = self._invoice(100)
        self._trade_items(invoice).date_maturity = "2026-12-24"
        self.assertStory(
            invoice, [("sale", 100.0), ("reversal", -100.0), ("sale", 100.0)]
        )
        self.assertEqual(str(self._live(invoice).date_maturity), "2026-12-24")

    def test_label_of_item_changes_nothing(self):
        invoice = self._invoice(100)
        self._trade_items(invoice).name = "Another label"
        self.assertStory(invoice, [("sale", 100.0)])

    def test_same_value_changes_nothing(self):
        invoice = self._invoice(100)
        self._trade_items(invoice).write({"partner_id": self.partner.id})
        self.assertStory(invoice, [("sale", 100.0)])

    def test_amounts_of_a_posted_entry(self):
        self.company.subledger_manual_policy = "record"
        move = self._entry_move(50)
        trade = self._trade_items(move)
        counterpart = move.line_ids - trade
        move.with_context(skip_readonly_check=True).write(
            {
                "line_ids": [
                    Command.update(trade.id, {"debit": 70}),
                    Command.update(counterpart.id, {"credit": 70}),
                ]
            }
        )
        self.assertEqual(sum(self._entries(move).mapped("balance")), 70.0)
        self.assertLedgerMatches()

    def test_unbalanced_edit_with_forged_context(self):
        """A billing clerk can do this over RPC. The ledger follows the item;
        that the entry no longer balances is for the checks to find."""
        invoice = self._invoice(100)
        item = self._trade_items(invoice).with_user(self.biller)
        item.with_context(check_move_validity=False).write({"debit": 999})
        self.assertEqual(self._live(invoice).debit, 999.0)
        self.assertLedgerMatches()

    def test_partner_of_posted_move_with_forged_context(self):
        invoice = self._invoice(100).with_user(self.biller)
        invoice.with_context(skip_readonly_check=True).write(
            {"partner_id": self.other_partner.id}
        )
        self.assertLedgerMatches()

    def test_date_of_posted_move_with_forged_context(self):
        invoice = self._invoice(100).with_user(self.biller)
        invoice.with_context(skip_readonly_check=True).write({"date": "2026-03-20"})
        self.assertEqual(self._live(invoice).mapped("date"), invoice.mapped("date"))
        self.assertEqual(str(invoice.date), "2026-03-20")
        self.assertLedgerMatches()

    def test_deleted_posted_move_with_forged_context(self):
        invoice = self._invoice(100)
        move_id = invoice.id
        invoice.with_user(self.biller).with_context(force_delete=True).unlink()
        self.assertFalse(invoice.exists())
        entries = self.env["subledger.entry"].search(
            [("move_id", "=", move_id)], order="id"
        )
        self.assertEqual(entries.mapped("event"), ["entry", "reversal"])
        self.assertEqual(self._balance(), 0.0)
        self.assertLedgerMatches()

    def test_deleted_posted_item_with_forged_context(self):
        self.company.subledger_manual_policy = "record"
        move = self._entry_move(50)
        move.line_ids.with_context(
            force_delete=True, check_move_validity=False
        ).unlink()
        self.assertStory(move, [("adjustment", 50.0), ("reversal", -50.0)])

    def test_item_added_to_posted_move(self):
        self.company.subledger_manual_policy = "record"
        move = self._entry_move(50)
        item = {"move_id": move.id, "account_id": self.receivable.id}
        self.env["account.move.line"].create(
            [
                dict(item, partner_id=self.partner.id, debit=5),
                dict(item, partner_id=self.other_partner.id, credit=5),
            ]
        )
        self.assertEqual(self._balance(), 55.0)
        self.assertEqual(self._balance(self.other_partner), -5.0)
        self.assertLedgerMatches()

    def test_items_moved_from_a_draft_into_a_posted_move(self):
        self.company.subledger_manual_policy = "record"
        move, draft = self._entry_move(50), self._entry_move(7, post=False)
        items = draft.line_ids
        items.with_context(check_move_validity=False).write({"move_id": move.id})
        self.assertEqual(items.move_id, move)
        self.assertEqual(self._balance(), 57.0)
        self.assertLedgerMatches()

    def test_other_items_do_not_touch_the_ledger(self):
        """Reconciling a bank statement line deletes its suspense item. Items that are
        gone tell nothing about the history they were in: all of it is compared."""
        line = self._statement_line(30)
        self.company.write(
            {"subledger_history": "opening", "subledger_start_date": "2026-06-01"}
        )
        _liquidity, suspense, _other = line._seek_for_lines()
        edit = {"check_move_validity": False, "force_delete": True}
        sync = type(self.env["subledger.sync"])
        with patch.object(sync, "_sync_lines", autospec=True) as compared:
            suspense.with_context(**edit).unlink()
            self.env["account.move.line"].with_context(**edit).create(
                {
                    "move_id": line.move_id.id,
                    "account_id": self.revenue.id,
                    "credit": 30,
                }
            )
        compared.assert_not_called()

    # Credit notes ---------------------------------------------------------

    def test_credit_note_unreconciled(self):
        invoice = self._invoice(100)
        credit_note = invoice._reverse_moves([{"date": invoice.date}])
        credit_note.action_post()
        self.assertStory(credit_note, [("sale_refund", -100.0)])
        self.assertEqual(
            self._entries(credit_note).description, f"Credit Note {credit_note.name}"
        )
        self.assertLedgerMatches()

    def test_credit_note_reconciled(self):
        invoice = self._invoice(100)
        credit_note = invoice._reverse_moves([{"date": invoice.date}], cancel=True)
        self.assertEqual(credit_note.state, "posted")
        self.assertStory(credit_note, [("sale_refund", -100.0)])
        self.assertEqual(
            self._entries(invoice + credit_note).mapped("status"), ["paid"] * 2
        )
        self.assertLedgerMatches()

    def test_vendor_credit_note(self):
        refund = self._invoice(30, "in_refund")
        self.assertStory(refund, [("purchase_refund", 30.0)])
        self.assertLedgerMatches()

    def test_reversed_payment_entry(self):
        payment = self._payment(60)
        reversal = payment.move_id._reverse_moves([{"date": payment.date}], cancel=True)
        self.assertStory(reversal, [("payment", 60.0)])
        self.assertEqual(self._balance(), 0.0)
        self.assertLedgerMatches()

    def test_reversal_of_a_reversed_payment_entry(self):
        payment = self._payment(60)
        values = [{"date": payment.date}]
        reversal = payment.move_id._reverse_moves(values, cancel=True)
        again = reversal._reverse_moves(values, cancel=True)
        self.assertStory(again, [("payment", -60.0)])
        self.assertLedgerMatches()

    # Bank statements ------------------------------------------------------

    def test_statement_line_reconciled_in_place(self):
        invoice = self._invoice(30)
        line = self._statement_line(30)
        self.assertFalse(self._entries(line.move_id))
        _liquidity, suspense, _other = line._seek_for_lines()
        # As reconciliation widgets do: the item of a posted move gets its account.
        suspense.with_context(skip_readonly_check=True).account_id = self.receivable
        self.assertStory(line.move_id, [("payment", -30.0)])
        (self._trade_items(invoice) + suspense).reconcile()
        self.assertEqual(self._entries(invoice).status, "paid")
        line.action_undo_reconciliation()
        self.assertStory(line.move_id, [("payment", -30.0), ("reversal", 30.0)])
        self.assertLedgerMatches()

    def test_statement_line_with_counterpart(self):
        line = self._statement_line(30, counterpart_account_id=self.receivable.id)
        self.assertStory(line.move_id, [("payment", -30.0)])
        line.action_undo_reconciliation()
        line.write({"amount": 45, "partner_id": self.other_partner.id})
        _liquidity, suspense, _other = line._seek_for_lines()
        suspense.with_context(skip_readonly_check=True).account_id = self.receivable
        self.assertEqual(self._balance(), 0.0)
        self.assertEqual(self._balance(self.other_partner), -45.0)
        self.assertLedgerMatches()

    def test_statement_line_deleted(self):
        line = self._statement_line(30, counterpart_account_id=self.receivable.id)
        move_id = line.move_id.id
        line.unlink()
        entries = self.env["subledger.entry"].search([("move_id", "=", move_id)])
        self.assertEqual(len(entries), 2)
        self.assertEqual(self._balance(), 0.0)
        self.assertLedgerMatches()

    # Drafts that were paid --------------------------------------------------

    def test_paid_draft(self):
        """A draft may be reconciled: then residuals no longer tell the balance."""
        invoice = self._invoice(100, post=False)
        payment = self._payment(100)
        (self._trade_items(invoice) + self._trade_items(payment.move_id)).reconcile()
        self.assertEqual(self._trade_items(payment.move_id).amount_residual, 0.0)
        self.assertEqual(self._balance(), -100.0)
        invoice.action_post()
        self.assertEqual(self._balance(), 0.0)
        invoice.button_draft()
        self.assertEqual(self._balance(), -100.0)
        self.assertLedgerMatches()

    # Instalments, currencies, cash basis --------------------------------------

    def test_instalments(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two parts",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 30, "nb_days": 0}
                    ),
                    Command.create(
                        {"value": "percent", "value_amount": 70, "nb_days": 30}
                    ),
                ],
            }
        )
        invoice = self._invoice(100, invoice_payment_term_id=term.id)
        self.assertEqual(sorted(self._entries(invoice).mapped("debit")), [30.0, 70.0])
        self.assertEqual(len(set(self._entries(invoice).mapped("date_maturity"))), 2)
        self.assertLedgerMatches()

    def test_foreign_currency_and_exchange_difference(self):
        currency = self.setup_other_currency(
            "EUR", rates=[("2026-01-01", 2.0), ("2026-03-04", 4.0)]
        )
        invoice = self._invoice(100, currency_id=currency.id)
        self.assertRecordValues(
            self._entries(invoice),
            [{"debit": 50.0, "amount_currency": 100.0, "currency_id": currency.id}],
        )
        payment = self._register_payment_of(invoice, currency_id=currency.id)
        exchange = self.env["account.move"].search(
            [("journal_id", "=", self.company.currency_exchange_journal_id.id)]
        )
        self.assertRecordValues(
            self._entries(exchange),
            [
                {
                    "transaction_type": "exchange_difference",
                    "credit": 25.0,
                    "amount_currency": 0.0,
                    "description": f"Exchange Difference {exchange.name}",
                }
            ],
        )
        self.assertEqual(self._balance(), 0.0)
        # Undoing the match posts a reversal of the exchange entry.
        self._trade_items(payment.move_id).remove_move_reconcile()
        self.assertEqual(self._balance(), 25.0)
        self.assertLedgerMatches()

    def test_amount_in_foreign_currency_only(self):
        self.company.subledger_manual_policy = "record"
        currency = self.setup_other_currency("EUR", rates=[("2026-01-01", 2.0)])
        item = {
            "account_id": self.receivable.id,
            "partner_id": self.partner.id,
            "currency_id": currency.id,
        }
        move = self._entry_move(
            line_ids=[
                Command.create(dict(item, amount_currency=10, debit=0, credit=0)),
                Command.create(dict(item, amount_currency=-10, debit=0, credit=0)),
            ]
        )
        self.assertEqual(
            sorted(self._entries(move).mapped("amount_currency")),
            sorted(self._trade_items(move).mapped("amount_currency")),
        )
        self.assertLedgerMatches()

    def test_cash_basis(self):
        self.company.tax_exigibility = True
        transition = self.env["account.account"].create(
            {
                "name": "Tax waiting",
                "code": "251999",
                "account_type": "liability_current",
                "reconcile": True,
            }
        )
        tax = self.env["account.tax"].create(
            {
                "name": "Cash basis 10 %",
                "amount": 10,
                "tax_exigibility": "on_payment",
                "cash_basis_transition_account_id": transition.id,
            }
        )
        line = Command.create(
            {"name": "Service", "price_unit": 100, "tax_ids": [Command.set(tax.ids)]}
        )
        invoice = self._invoice(invoice_line_ids=[line])
        self._register_payment_of(invoice)
        cash_basis = self.env["account.move"].search(
            [("tax_cash_basis_origin_move_id", "=", invoice.id)]
        )
        self.assertTrue(cash_basis)
        self.assertFalse(self._entries(cash_basis), "No receivable in there")
        self.assertEqual(self._balance(), 0.0)
        self.assertLedgerMatches()
