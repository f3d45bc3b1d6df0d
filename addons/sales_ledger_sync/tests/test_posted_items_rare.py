from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import SubledgerCommon


@tagged("post_install", "-at_install")
class TestRarelyChangedItems(SubledgerCommon):
    """Paths on which few documents go, and what must not move the ledger."""

    # Numbers --------------------------------------------------------------

    def test_renumbered_documents(self):
        """An entry says what the document was called then; it leads to the document
        under its number of today, and a later entry says the new one."""
        invoices = self._invoice(100) + self._invoice(200)
        before = invoices.mapped("name")
        wizard = (
            self.env["account.resequence.wizard"]
            .with_context(active_model="account.move", active_ids=invoices.ids)
            .create({"first_name": "INV/2026/00501"})
        )
        wizard.resequence()
        self.assertEqual(invoices.mapped("name"), ["INV/2026/00501", "INV/2026/00502"])
        self.assertEqual(self._entries(invoices).mapped("reference"), before)
        self.assertEqual(
            self._entries(invoices).mapped("move_id.display_name"),
            invoices.mapped("display_name"),
        )
        found = self.env["subledger.entry"].search([("move_id", "ilike", "00501")])
        self.assertEqual(found, self._entries(invoices[0]))
        self.assertLedgerMatches()
        invoices[0].button_draft()
        invoices[0].action_post()
        self.assertEqual(
            self._entries(invoices[0]).mapped("reference"),
            [before[0], before[0], "INV/2026/00501"],
        )

    # Bank statements ------------------------------------------------------

    def test_date_of_a_statement_line(self):
        line = self._statement_line(30, counterpart_account_id=self.receivable.id)
        line.date = "2026-03-20"
        self.assertEqual(
            [str(entry.date) for entry in self._entries(line.move_id)],
            ["2026-03-03", "2026-03-03", "2026-03-20"],
        )
        self.assertStory(
            line.move_id, [("payment", -30.0), ("reversal", 30.0), ("payment", -30.0)]
        )
        self.assertLedgerMatches()

    # Hashed journals ------------------------------------------------------

    def _hashed_invoice(self):
        self.company_data["default_journal_sale"].restrict_mode_hash_table = True
        invoice = self._invoice(100)
        self.assertTrue(invoice.inalterable_hash)
        return invoice

    def test_hashed_document_stays(self):
        invoice = self._hashed_invoice()
        for attempt in (
            invoice.button_draft,
            invoice.button_cancel,
            invoice.with_context(force_delete=True).unlink,
            lambda: self._trade_items(invoice).write({"debit": 1}),
            lambda: self._trade_items(invoice).write(
                {"partner_id": self.other_partner.id}
            ),
        ):
            with self.assertRaises(UserError), self.cr.savepoint():
                attempt()
        self.assertStory(invoice, [("sale", 100.0)])
        self.assertLedgerMatches()

    def test_merged_partner_of_a_hashed_document(self):
        """Odoo's merge breaks the hash of the document; the ledger says so."""
        invoice = self._hashed_invoice()
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._merge((self.partner + self.other_partner).ids, self.other_partner)
        self.assertStory(
            invoice, [("sale", 100.0), ("reversal", -100.0), ("transfer", 100.0)]
        )
        self.assertEqual(self._balance(self.other_partner), 100.0)
        self.assertLedgerMatches()

    # Deleted, cancelled or reversed, as Odoo decides ------------------------

    def test_deleted_when_nothing_forbids(self):
        invoice = self._invoice(100)
        entries = self._entries(invoice)
        invoice._unlink_or_reverse()
        self.assertFalse(invoice.exists())
        self.assertEqual(entries.reversed_by_id.credit, 100.0)
        self.assertEqual(self._balance(), 0.0)
        self.assertLedgerMatches()

    def test_cancelled_when_the_trail_is_kept(self):
        self.company.restrictive_audit_trail = True
        invoice = self._invoice(100)
        invoice._unlink_or_reverse()
        self.assertEqual(invoice.state, "cancel")
        self.assertStory(invoice, [("sale", 100.0), ("reversal", -100.0)])
        self.assertLedgerMatches()

    def test_reversed_when_the_document_stays(self):
        invoice = self._hashed_invoice()
        reversal = invoice._unlink_or_reverse()
        self.assertStory(invoice, [("sale", 100.0)])
        self.assertStory(reversal, [("sale_refund", -100.0)])
        self.assertEqual(self._balance(), 0.0)
        self.assertLedgerMatches()

    # Cost of goods sold ---------------------------------------------------

    def test_cost_of_goods_sold(self):
        """Items that come with posting and go with the reset are not the ledger's."""
        category = self.env["product.category"].create(
            {
                "name": "Valued at invoicing",
                "property_valuation": "real_time",
                "property_cost_method": "standard",
            }
        )
        product = self.env["product.product"].create(
            {
                "name": "Chair",
                "is_storable": True,
                "standard_price": 60,
                "categ_id": category.id,
            }
        )
        line = {
            "product_id": product.id,
            "price_unit": 100,
            "tax_ids": [Command.clear()],
        }
        invoice = self._invoice(invoice_line_ids=[Command.create(line)])
        self.assertTrue(self._cost_items(invoice), "Nothing was valued")
        invoice.button_draft()
        self.assertFalse(self._cost_items(invoice))
        invoice.action_post()
        self.assertTrue(self._cost_items(invoice))
        self.assertStory(
            invoice, [("sale", 100.0), ("reversal", -100.0), ("sale", 100.0)]
        )
        self.assertLedgerMatches()

    def _cost_items(self, move):
        return move.line_ids.filtered(lambda item: item.display_type == "cogs")

    # Reconcilable accounts ------------------------------------------------

    def test_account_that_becomes_reconcilable(self):
        """Residuals are written past the ORM then: the entry says what is open."""
        self.company.subledger_manual_policy = "record"
        account = self.env["account.account"].create(
            {
                "name": "Deposits",
                "code": "129997",
                "account_type": "asset_current",
                "reconcile": False,
            }
        )
        move = self._entry_move(50, account=account)
        self.assertFalse(self._entries(move))
        account.write({"account_type": "asset_receivable", "reconcile": True})
        self.assertStory(move, [("adjustment", 50.0)])
        self.assertRecordValues(
            self._entries(move), [{"status": "open", "amount_residual": 50.0}]
        )
        account.write({"account_type": "asset_current", "reconcile": False})
        self.assertStory(move, [("adjustment", 50.0), ("reversal", -50.0)])
        self.env.invalidate_all()
        self.assertEqual(set(self._entries(move).mapped("amount_residual")), {0.0})
        self.assertLedgerMatches()

    # Cash basis -----------------------------------------------------------

    def test_cash_basis_and_its_reversal(self):
        """Tax that falls due on a control account: its entry and reversal count."""
        self.company.tax_exigibility = True
        waiting = self.env["account.account"].create(
            {
                "name": "Tax waiting",
                "code": "251998",
                "account_type": "asset_current",
                "reconcile": True,
            }
        )
        tax = self.env["account.tax"].create(
            {
                "name": "Cash basis 10 %",
                "amount": 10,
                "tax_exigibility": "on_payment",
                "cash_basis_transition_account_id": waiting.id,
            }
        )
        shares = tax.invoice_repartition_line_ids
        shares.filtered(
            lambda share: share.repartition_type == "tax"
        ).account_id = self.payable.copy({"code": "211998", "name": "Tax office"})
        line = {"name": "x", "price_unit": 100, "tax_ids": [Command.set(tax.ids)]}
        bill = self._invoice(
            move_type="in_invoice", invoice_line_ids=[Command.create(line)]
        )
        payment = self._register_payment_of(bill)
        due = bill.tax_cash_basis_created_move_ids
        self.assertTrue(self._entries(due), "The entry is on no control account")
        self.assertEqual(
            set(self._entries(due).mapped("transaction_type")), {"adjustment"}
        )
        self._trade_items(payment.move_id).remove_move_reconcile()
        reversal = bill.tax_cash_basis_created_move_ids - due
        self.assertEqual(reversal.reversed_entry_id, due)
        self.assertEqual(
            set(self._entries(reversal).mapped("transaction_type")), {"adjustment"}
        )
        self.assertEqual(sum(self._entries(due + reversal).mapped("balance")), 0.0)
        self.assertLedgerMatches()
