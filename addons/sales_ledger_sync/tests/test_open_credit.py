from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models import account_move_credit as credit_module
from .payment_common import PaymentCommon


@tagged("post_install", "-at_install")
class TestOpenCredit(PaymentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.sudo().subledger_apply_credit = True

    def test_credit_of_40_leaves_60_of_100_due(self):
        self._payment(40)
        invoice = self._posted(100)
        self.assertEqual(invoice.payment_state, "partial")
        self.assertEqual(invoice.amount_residual, 60)
        self.assertEqual(self._receivable(), 60)

    def test_direct_state_write_applies_too(self):
        self._payment(40)
        invoice = self._invoice(100)
        invoice.write({"state": "posted"})
        self.assertEqual(invoice.amount_residual, 60)

    def test_off_by_default(self):
        self.env.company.sudo().subledger_apply_credit = False
        self._payment(40)
        self.assertEqual(self._posted(100).amount_residual, 100)

    def test_credit_notes_count_oldest_first(self):
        payment = self._payment(40, date="2026-01-12")
        note = self._posted(30, move_type="out_refund", invoice_date="2026-01-02")
        invoice = self._posted(50)
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(note.amount_residual, 0)
        self.assertFalse(payment.is_reconciled)
        self.assertEqual(self._receivable(), -20)

    def test_credit_beyond_the_invoice_stays_open(self):
        self._payment(140)
        self.assertEqual(self._posted(100).amount_residual, 0)
        self.assertEqual(self._posted(100).amount_residual, 60)

    def test_batch_shares_the_credit_by_due_date(self):
        self._payment(150)
        late = self._invoice(invoice_date_due="2026-03-01")
        early = self._invoice(invoice_date_due="2026-02-01")
        (late + early).action_post()
        self.assertEqual((early.amount_residual, late.amount_residual), (0, 50))

    def test_more_credit_items_than_one_round(self):
        for _number in range(3):
            self._payment(10)
        self.patch_round_size(1)
        self.assertEqual(self._posted(100).amount_residual, 70)

    def patch_round_size(self, size):
        self.patch(credit_module, "CREDIT_ITEMS_PER_ROUND", size)

    def test_upfront_payment_comes_first(self):
        self._payment(40)
        invoice = self._upfront(80)
        invoice.action_post()
        self.assertEqual(invoice.upfront_payment_id.state, "paid")
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(self._receivable(), -20)

    def test_contact_pays_for_its_company(self):
        contact = (
            self.env["res.partner"]
            .sudo()
            .create({"name": "Till", "parent_id": self.partner_a.id})
        )
        self._payment(40, partner_id=contact.id)
        self.assertEqual(self._posted(100).amount_residual, 60)

    def test_other_customers_and_companies_keep_their_credit(self):
        other = self.setup_other_company(name="Elsewhere")
        self.biller.sudo().company_ids |= other["company"]
        foreign = self._payment(
            40,
            company_id=other["company"].id,
            journal_id=other["default_journal_bank"].id,
        )
        self._payment(40, partner_id=self.partner_b.id)
        self.assertEqual(self._posted(100).amount_residual, 100)
        self.assertFalse(foreign.is_reconciled)

    def test_credit_in_another_currency(self):
        euro = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        self._payment(40, currency_id=euro.id)
        self.assertEqual(self._posted(100).amount_residual, 80)
        self._payment(30, currency_id=euro.id)
        invoice = self._posted(100, currency_id=euro.id)
        self.assertEqual(invoice.amount_residual, 70)

    def test_vendor_bill_takes_no_credit(self):
        self._payment(40)
        self.assertEqual(self._posted(move_type="in_invoice").amount_residual, 100)

    def test_reversal_keeps_its_own_match(self):
        note = self._posted(30, move_type="out_refund")
        other_credit = self._payment(30, date="2026-01-01")
        reversal = note._reverse_moves(cancel=True)
        self.assertEqual(reversal.amount_residual, 0)
        self.assertEqual(note.amount_residual, 0)
        self.assertFalse(other_credit.is_reconciled)

    def test_button_applies_where_the_setting_is_off(self):
        self.env.company.sudo().subledger_apply_credit = False
        self._payment(40)
        invoice = self._posted(100)
        invoice.action_apply_open_credit()
        self.assertEqual(invoice.amount_residual, 60)
        with self.assertRaisesRegex(UserError, "no open credit"):
            invoice.action_apply_open_credit()

    def test_button_refuses_what_is_not_due(self):
        self._payment(40)
        for document in (self._invoice(), self._posted(move_type="in_invoice")):
            with self.assertRaisesRegex(UserError, "posted customer invoice"):
                document.action_apply_open_credit()

    def test_button_needs_invoicing_rights(self):
        invoice = self._posted(100)
        with self.assertRaises(AccessError):
            invoice.with_user(self.salesperson).action_apply_open_credit()
