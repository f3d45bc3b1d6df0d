from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import tagged

from .payment_common import PaymentCommon


@tagged("post_install", "-at_install")
class TestRecordPayment(PaymentCommon):
    def test_partial_then_rest(self):
        invoice = self._posted(1500)
        result = invoice.record_payment(1000, payment_reference="TXN123456")
        payment = self.env["account.payment"].browse(result["payment_id"])
        self.assertEqual(
            {**result, "message": None},
            {
                "message": None,
                "invoice_number": invoice.name,
                "payment_id": payment.id,
                "amount_paid": 1000.0,
                "amount_due": 500.0,
                "status": "partial",
            },
        )
        self.assertIn(invoice.name, result["message"])
        self.assertEqual(payment.memo, "TXN123456")
        self.assertEqual(payment.payment_reference, "TXN123456")
        self.assertEqual(payment.date, fields.Date.today())
        result = invoice.record_payment("500.00")
        self.assertEqual((result["amount_due"], result["amount_paid"]), (0, 1500))
        self.assertIn(result["status"], ("paid", "in_payment"))

    def test_one_unit_is_an_amount(self):
        self.assertEqual(self._posted(2).record_payment(1)["amount_due"], 1)

    def test_wrong_amounts_are_refused(self):
        invoice = self._posted(100)
        for amount in (
            0, -1, 100.01, 1e30, "ten", "", "1,5", None, False, True, [], {},
            float("nan"), float("inf"), "NaN", "-Infinity", 0.001, 10.001,
        ):  # fmt: skip
            with self.subTest(amount=amount), self.assertRaises(UserError):
                invoice.record_payment(amount)
        self.assertEqual(invoice.amount_residual, 100)
        self.assertFalse(invoice.matched_payment_ids)

    def test_paid_document_is_refused(self):
        invoice = self._posted(100)
        invoice.record_payment(100)
        with self.assertRaisesRegex(UserError, "settled"):
            invoice.record_payment(1)

    def test_wrong_documents_are_refused(self):
        with self.assertRaisesRegex(UserError, "not posted"):
            self._invoice().record_payment(10)
        entry = self._payment(10).move_id
        with self.assertRaisesRegex(UserError, "not an invoice"):
            entry.record_payment(10)
        with self.assertRaisesRegex(UserError, "one document at a time"):
            (self._posted() + self._posted()).record_payment(10)
        with self.assertRaisesRegex(UserError, "one document at a time"):
            self.env["account.move"].record_payment(10)
        gone = self._invoice()
        gone.unlink()
        with self.assertRaises(MissingError):
            gone.record_payment(10)

    def test_method_by_journal_type_and_method(self):
        for method, journal in (
            (self.cash.code.lower(), self.cash),
            (self.cash.name, self.cash),
            ("CASH", self.cash),
            ("bank", self.bank),
            ("manual", self.bank),
            (None, self.bank),
        ):
            result = self._posted(10).record_payment(10, payment_method=method)
            payment = self.env["account.payment"].browse(result["payment_id"])
            self.assertEqual(payment.journal_id, journal, method)

    def test_unknown_method_names_the_choices(self):
        with self.assertRaisesRegex(UserError, self.bank.name):
            self._posted(10).record_payment(10, payment_method="barter")

    def test_dates(self):
        invoice = self._posted(100)
        result = invoice.record_payment(10, payment_date="2026-01-20")
        payment = self.env["account.payment"].browse(result["payment_id"])
        self.assertEqual(str(payment.date), "2026-01-20")
        self.assertEqual(str(payment.move_id.date), "2026-01-20")
        tomorrow = fields.Date.today() + timedelta(days=1)
        for date, problem in (
            (tomorrow, "future"),
            ("someday", "must look like"),
            ("2026-13-45", "must look like"),
            (20260120, "must look like"),
        ):
            with self.subTest(date=date), self.assertRaisesRegex(UserError, problem):
                invoice.record_payment(10, payment_date=date)

    def test_locked_period_is_refused(self):
        invoice = self._posted(100)
        self.env.company.sudo().fiscalyear_lock_date = "2026-01-31"
        with self.assertRaisesRegex(UserError, "locked"):
            invoice.record_payment(10, payment_date="2026-01-31")

    def test_reference_must_be_text(self):
        with self.assertRaisesRegex(UserError, "text"):
            self._posted(100).record_payment(10, payment_reference={"a": 1})

    def test_bill_and_credit_note_are_paid_out(self):
        for move_type in ("in_invoice", "out_refund"):
            document = self._posted(100, move_type=move_type)
            result = document.record_payment(100)
            payment = self.env["account.payment"].browse(result["payment_id"])
            self.assertEqual(payment.payment_type, "outbound")
            self.assertEqual(result["amount_due"], 0)

    def test_instalments(self):
        invoice = self._posted(100, invoice_payment_term_id=self.pay_terms_b.id)
        self.assertEqual(invoice.record_payment(50)["amount_due"], 50)
        self.assertEqual(invoice.record_payment(50)["amount_due"], 0)

    def test_amount_is_in_the_currency_of_the_document(self):
        euro = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        invoice = self._posted(100, currency_id=euro.id)
        result = invoice.record_payment(60)
        payment = self.env["account.payment"].browse(result["payment_id"])
        self.assertEqual(payment.currency_id, euro)
        self.assertEqual(result["amount_due"], 40)
        self.assertEqual(self._receivable(), 20)

    def test_other_company_active(self):
        other = self.setup_other_company(name="Elsewhere")["company"]
        self.biller.sudo().company_ids |= other
        invoice = self._posted(100)
        companies = other + self.env.company
        result = invoice.with_context(allowed_company_ids=companies.ids).record_payment(
            40, payment_method="bank"
        )
        payment = self.env["account.payment"].browse(result["payment_id"])
        self.assertEqual(payment.company_id, invoice.company_id)

    def test_rights(self):
        invoice = self._posted(100)
        invoice.sudo().invoice_user_id = self.salesperson
        with self.assertRaises(AccessError):
            invoice.with_user(self.salesperson).record_payment(10)
        other = self.setup_other_company(name="Elsewhere")["company"]
        stranger = self._create_user("stranger", "account.group_account_invoice")
        stranger.sudo().write(
            {"company_ids": [(6, 0, other.ids)], "company_id": other.id}
        )
        with self.assertRaises(AccessError):
            invoice.with_user(stranger).record_payment(10)
        self.assertEqual(invoice.amount_residual, 100)
