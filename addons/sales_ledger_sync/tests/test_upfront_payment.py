from datetime import timedelta

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from .payment_common import PaymentCommon


@tagged("post_install", "-at_install")
class TestUpfrontPayment(PaymentCommon):
    def _payments(self, invoice):
        return self.env["account.payment"].search([("invoice_ids", "in", invoice.ids)])

    def test_posting_pays_and_reconciles(self):
        invoice = self._upfront(60)
        invoice.action_post()
        payment = invoice.upfront_payment_id
        self.assertEqual(invoice.payment_state, "partial")
        self.assertEqual(invoice.amount_residual, 40)
        self.assertEqual(payment.amount, 60)
        self.assertEqual(payment.journal_id, self.bank)
        self.assertEqual(payment.memo, invoice.payment_reference)
        self.assertEqual(payment.reconciled_invoice_ids, invoice)
        self.assertEqual(self._receivable(), 40)

    def test_one_sale_entry_and_one_payment_entry(self):
        invoice = self._upfront(60)
        invoice.action_post()
        entries = self.env["subledger.entry"].search(
            [("partner_id", "=", self.partner_a.id)], order="id"
        )
        self.assertEqual(
            [(e.transaction_type, e.debit, e.credit) for e in entries],
            [("sale", 100, 0), ("payment", 0, 60)],
        )
        self.assertEqual(entries[0].description, f"Invoice {invoice.name}")
        self.assertEqual(entries[1].description, f"Payment for Invoice {invoice.name}")

    def test_full_payment_settles(self):
        invoice = self._upfront(100, self.cash, upfront_payment_memo="Till 4")
        invoice.action_post()
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(invoice.upfront_payment_id.memo, "Till 4")
        self.assertEqual(invoice.upfront_payment_id.journal_id, self.cash)

    def test_vendor_bill_is_paid_out(self):
        bill = self._upfront(30, move_type="in_invoice")
        bill.action_post()
        payment = bill.upfront_payment_id
        self.assertEqual(payment.payment_type, "outbound")
        self.assertEqual(payment.partner_type, "supplier")
        self.assertEqual(bill.amount_residual, 70)

    def test_every_path_that_posts_pays(self):
        for post in (
            lambda move: move.action_post(),
            lambda move: move._post(),
            lambda move: move.write({"state": "posted"}),
            lambda move: move.sudo()._post(soft=False),
        ):
            invoice = self._upfront(25)
            post(invoice)
            self.assertEqual(invoice.amount_residual, 75)
            self.assertEqual(len(self._payments(invoice)), 1)

    def test_batch_posting_pays_each(self):
        invoices = self._upfront(10) + self._invoice() + self._upfront(30)
        invoices.action_post()
        self.assertEqual(invoices.mapped("amount_residual"), [90, 100, 70])
        self.assertFalse(invoices[1].upfront_payment_id)

    def test_one_wrong_payment_posts_nothing_of_the_batch(self):
        invoices = self._upfront(10) + self._upfront(101)
        with self.assertRaisesRegex(UserError, "more than what is due"):
            invoices.action_post()
        self.assertEqual(invoices.mapped("state"), ["draft", "draft"])
        self.assertFalse(self._payments(invoices))

    def test_wrong_amounts_are_refused(self):
        for amount, problem in ((101, "more than what"), (-5, "more than zero")):
            for post in ("action_post", "_post"):
                invoice = self._upfront(amount)
                with self.assertRaisesRegex(UserError, problem):
                    getattr(invoice, post)()
                self.assertEqual(invoice.state, "draft")
            with self.assertRaisesRegex(UserError, problem):
                invoice.write({"state": "posted"})
            self.assertEqual(invoice.state, "draft")

    def test_journal_without_amount_is_refused(self):
        with self.assertRaisesRegex(UserError, "more than zero"):
            self._upfront(0).action_post()

    def test_amount_without_journal_is_refused(self):
        invoice = self._invoice(upfront_payment_amount=10)
        with self.assertRaisesRegex(UserError, "choose the journal"):
            invoice.action_post()

    def test_journal_of_another_kind_is_refused(self):
        sales_journal = self.company_data["default_journal_sale"]
        with self.assertRaisesRegex(UserError, "cannot take its payment"):
            self._upfront(10, sales_journal).action_post()

    def test_journal_of_another_company_is_refused(self):
        other = self.setup_other_company(name="Elsewhere")
        self.biller.sudo().company_ids |= other["company"]
        invoice = self._invoice()
        with self.assertRaises(UserError):
            invoice.write(
                {
                    "upfront_payment_amount": 10,
                    "upfront_payment_journal_id": other["default_journal_bank"].id,
                }
            )
            invoice.action_post()
        self.assertEqual(invoice.state, "draft")

    def test_journal_without_payment_method_is_refused(self):
        self.cash.sudo().inbound_payment_method_line_ids = [Command.clear()]
        with self.assertRaisesRegex(UserError, "no payment method"):
            self._upfront(10, self.cash).action_post()

    def test_credit_note_is_refused(self):
        with self.assertRaisesRegex(UserError, "only customer invoices"):
            self._upfront(10, move_type="out_refund").action_post()

    def test_second_posting_does_not_pay_twice(self):
        invoice = self._upfront(60)
        invoice.action_post()
        payment = invoice.upfront_payment_id
        invoice.button_draft()
        invoice.action_post()
        self.assertEqual(invoice.upfront_payment_id, payment)
        self.assertEqual(self._payments(invoice), payment)
        self.assertEqual(invoice.amount_residual, 40)

    def test_lower_total_leaves_the_rest_as_credit(self):
        invoice = self._upfront(60)
        invoice.action_post()
        invoice.button_draft()
        invoice.invoice_line_ids.price_unit = 50
        invoice.action_post()
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(len(self._payments(invoice)), 1)
        self.assertEqual(self._receivable(), -10)

    def test_cancelled_payment_is_made_again(self):
        invoice = self._upfront(60)
        invoice.action_post()
        first = invoice.upfront_payment_id
        invoice.button_draft()
        first.action_draft()
        first.action_cancel()
        invoice.upfront_payment_amount = 70
        invoice.action_post()
        self.assertNotEqual(invoice.upfront_payment_id, first)
        self.assertEqual(invoice.amount_residual, 30)

    def test_payment_in_draft_is_not_repeated(self):
        invoice = self._upfront(60)
        invoice.action_post()
        invoice.button_draft()
        invoice.upfront_payment_id.action_draft()
        with self.assertRaisesRegex(UserError, "is in draft"):
            invoice.action_post()

    def test_payment_of_another_customer_is_not_taken(self):
        invoice = self._upfront(60)
        invoice.action_post()
        invoice.button_draft()
        invoice.partner_id = self.partner_b
        with self.assertRaisesRegex(UserError, "came from partner_a"):
            invoice.action_post()

    def test_amount_is_fixed_once_paid(self):
        invoice = self._upfront(60)
        invoice.action_post()
        with self.assertRaisesRegex(UserError, "posted already"):
            invoice.upfront_payment_amount = 10
        invoice.button_draft()
        with self.assertRaisesRegex(UserError, "was made already"):
            invoice.upfront_payment_amount = 10

    def test_amount_is_fixed_once_paid_also_beside_a_state(self):
        """An RPC client may write both at once; no payment is made for it."""
        invoice = self._upfront(60)
        invoice.action_post()
        plain = self._posted(100)
        for move in (invoice, plain):
            for state in ("posted", "draft"):
                with self.assertRaisesRegex(UserError, "posted already"):
                    move.write({"state": state, "upfront_payment_amount": 50})
        invoice.button_draft()
        for state in ("draft", "posted"):
            with self.assertRaisesRegex(UserError, "was made already"):
                invoice.write({"state": state, "upfront_payment_amount": 50})

    def test_amount_written_together_with_the_state_is_paid(self):
        invoice = self._invoice()
        journal = {"upfront_payment_journal_id": self.bank.id}
        invoice.write({"state": "posted", "upfront_payment_amount": 50, **journal})
        self.assertEqual(invoice.amount_residual, 50)
        self.assertEqual(invoice.upfront_payment_id.amount, 50)

    def test_future_document_is_paid_when_really_posted(self):
        tomorrow = fields.Date.today() + timedelta(days=1)
        invoice = self._upfront(60, invoice_date=tomorrow)
        invoice._post(soft=True)
        self.assertEqual(invoice.state, "draft")
        self.assertFalse(invoice.upfront_payment_id)
        with freeze_time(tomorrow), self.enter_registry_test_mode():
            cron = self.env.ref("account.ir_cron_auto_post_draft_entry").sudo()
            cron.method_direct_trigger()
        self.assertEqual(invoice.state, "posted")
        self.assertEqual(invoice.amount_residual, 40)
        self.assertEqual(invoice.upfront_payment_id.date, tomorrow)

    def test_payment_date_is_the_day_of_the_document(self):
        invoice = self._upfront(60, invoice_date="2026-01-15")
        invoice.action_post()
        self.assertEqual(str(invoice.upfront_payment_id.date), "2026-01-15")

    def test_payment_date_is_never_in_the_future_or_locked(self):
        future = fields.Date.today() + timedelta(days=9)
        invoice = self._upfront(60, invoice_date=future)
        invoice.action_post()
        self.assertEqual(invoice.upfront_payment_id.date, fields.Date.today())
        self.env.company.sudo().fiscalyear_lock_date = "2026-01-31"
        invoice = self._upfront(60, invoice_date="2026-01-15")
        invoice.action_post()
        self.assertEqual(invoice.upfront_payment_id.date, fields.Date.today())
        self.assertEqual(invoice.amount_residual, 40)

    def test_instalments_are_paid_in_order(self):
        invoice = self._upfront(60, invoice_payment_term_id=self.pay_terms_b.id)
        invoice.action_post()
        lines = invoice.line_ids.filtered("date_maturity").sorted("date_maturity")
        self.assertEqual(lines.mapped("amount_residual"), [0, 40])

    def test_foreign_currency_is_paid_in_its_own(self):
        euro = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        invoice = self._upfront(60, currency_id=euro.id)
        invoice.action_post()
        self.assertEqual(invoice.upfront_payment_id.currency_id, euro)
        self.assertEqual(invoice.amount_residual, 40)
        self.assertEqual(self._receivable(), 20)

    def test_copy_and_credit_note_do_not_inherit_the_payment(self):
        invoice = self._upfront(60)
        invoice.action_post()
        for copy in invoice.copy() + invoice._reverse_moves():
            self.assertFalse(copy.upfront_payment_amount)
            self.assertFalse(copy.upfront_payment_journal_id)
            self.assertFalse(copy.upfront_payment_id)

    def test_form_proposes_and_removes_the_journal(self):
        with Form(self._invoice()) as form:
            form.upfront_payment_amount = 10
            self.assertEqual(form.upfront_payment_journal_id, self.bank)
            form.upfront_payment_amount = 0
            self.assertFalse(form.upfront_payment_journal_id)

    def test_nothing_entered_nothing_paid(self):
        invoice = self._posted()
        self.assertFalse(self._payments(invoice))
        self.assertEqual(invoice.amount_residual, 100)
