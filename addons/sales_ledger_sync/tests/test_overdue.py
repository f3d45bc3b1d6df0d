from freezegun import freeze_time

from odoo.tests import tagged

from .payment_common import PaymentCommon


@tagged("post_install", "-at_install")
class TestOverdue(PaymentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.due = cls._posted(100, invoice_date_due="2026-02-10")

    def _pay(self, invoice, amount, date):
        invoice.record_payment(amount, payment_date=date)

    def _found(self, *domain):
        return self.env["account.move"].search(
            [("partner_id", "=", self.partner_a.id), *domain]
        )

    @freeze_time("2026-02-15")
    def test_late_since_five_days(self):
        self.assertEqual(self.due.amount_overdue, 100)
        self.assertEqual(self.due.days_overdue, 5)

    @freeze_time("2026-02-10")
    def test_not_late_on_the_due_date(self):
        self.assertEqual(self.due.amount_overdue, 0)
        self.assertEqual(self.due.days_overdue, 0)

    @freeze_time("2026-02-15")
    def test_payment_lowers_and_ends_it(self):
        self._pay(self.due, 30, "2026-02-11")
        self.assertEqual(self.due.amount_overdue, 70)
        self._pay(self.due, 70, "2026-02-14")
        self.assertEqual(self.due.amount_overdue, 0)
        self.assertEqual(self.due.days_overdue, 0)
        self.assertEqual(str(self.due.first_payment_date), "2026-02-11")
        self.assertEqual(str(self.due.last_payment_date), "2026-02-14")

    @freeze_time("2026-02-15")
    def test_credit_note_is_not_a_payment(self):
        self._pay(self.due, 30, "2026-02-11")
        note = self._posted(70, move_type="out_refund", invoice_date="2026-02-12")
        (note.line_ids + self.due.line_ids).filtered("date_maturity").reconcile()
        self.assertEqual(self.due.amount_residual, 0)
        self.assertEqual(str(self.due.last_payment_date), "2026-02-11")

    @freeze_time("2026-02-15")
    def test_removed_payment_leaves_no_date(self):
        self._pay(self.due, 30, "2026-02-11")
        self.assertTrue(self.due.first_payment_date)
        self.due.line_ids.remove_move_reconcile()
        self.assertFalse(self.due.first_payment_date)
        self.assertEqual(self.due.amount_overdue, 100)

    def test_only_late_instalments_count(self):
        invoice = self._posted(100, invoice_payment_term_id=self.pay_terms_b.id)
        first, second = invoice.line_ids.filtered("date_maturity").sorted(
            "date_maturity"
        )
        with freeze_time(second.date_maturity):
            invoice.invalidate_recordset(["amount_overdue", "days_overdue"])
            self.assertEqual(invoice.amount_overdue, first.balance)
            days = (second.date_maturity - first.date_maturity).days
            self.assertEqual(invoice.days_overdue, days)

    @freeze_time("2026-02-15")
    def test_foreign_currency_in_company_currency(self):
        euro = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        invoice = self._posted(100, currency_id=euro.id, invoice_date_due="2026-02-10")
        self.assertEqual(invoice.amount_overdue, 50)

    @freeze_time("2026-02-15")
    def test_bills_positive_credit_notes_and_drafts_zero(self):
        late = {"invoice_date_due": "2026-02-10"}
        bill = self._posted(80, move_type="in_invoice", **late)
        note = self._posted(80, move_type="out_refund", **late)
        self.assertEqual(bill.amount_overdue, 80)
        self.assertEqual(note.amount_overdue, 0)
        self.assertEqual(self._invoice(**late).amount_overdue, 0)
        self.assertEqual(self.env["account.move"].new({}).amount_overdue, 0)

    @freeze_time("2026-02-15")
    def test_search_agrees_with_compute(self):
        self._posted(80, invoice_date_due="2026-03-10")
        self._pay(self._posted(70, invoice_date_due="2026-02-01"), 20, "2026-02-03")
        self._invoice()
        everything = self._found()
        for field, operator, value, compare in (
            ("amount_overdue", ">", 0, lambda figure: figure > 0),
            ("amount_overdue", ">=", 100, lambda figure: figure >= 100),
            ("amount_overdue", "<", 60, lambda figure: figure < 60),
            ("amount_overdue", "=", 0, lambda figure: figure == 0),
            ("amount_overdue", "=", 50, lambda figure: figure == 50),
            ("amount_overdue", "!=", 0, lambda figure: figure != 0),
            ("days_overdue", ">", 5, lambda figure: figure > 5),
            ("days_overdue", "<=", 5, lambda figure: figure <= 5),
            ("first_payment_date", "=", False, lambda figure: not figure),
            ("first_payment_date", "!=", False, bool),
            ("last_payment_date", ">", "2026-02-02", bool),
            ("last_payment_date", "<", "2026-02-02", lambda figure: False),
        ):
            with self.subTest(field=field, operator=operator, value=value):
                self.assertEqual(
                    self._found((field, operator, value)),
                    everything.filtered(lambda m, f=field, c=compare: c(m[f])),
                )

    @freeze_time("2026-02-15")
    def test_one_query_for_many_documents(self):
        invoices = self.due
        for _number in range(4):
            invoices += self._posted(10, invoice_date_due="2026-02-01")
        invoices.flush_recordset()
        invoices.invalidate_recordset()
        invoices.fetch(["move_type", "company_id"])
        invoices.company_currency_id.mapped("rounding")
        with self.assertQueryCount(2):
            invoices.mapped("amount_overdue")
            invoices.mapped("last_payment_date")

    @freeze_time("2026-02-15")
    def test_salesperson_sees_figures_of_own_invoice(self):
        self.due.sudo().invoice_user_id = self.salesperson
        invoice = self.due.with_user(self.salesperson)
        self.assertEqual(invoice.amount_overdue, 100)
        self.assertFalse(invoice.first_payment_date)
