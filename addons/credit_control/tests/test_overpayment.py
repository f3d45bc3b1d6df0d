from contextlib import contextmanager

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common_api import CreditApiCommon


@tagged("post_install", "-at_install")
class TestOverpayment(CreditApiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_prevent_overpayment = True
        cls.bank = cls.company_data["default_journal_bank"]
        cls.clerk = cls._create_user("api_billing", "account.group_account_invoice")

    def _create_invoice(self, amount=100.0, move_type="out_invoice", post=True, **vals):
        invoice = self.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": self.customer.id,
                "invoice_date": "2020-01-10",
                "date": "2020-01-10",
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "x",
                            "price_unit": amount,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
                **vals,
            }
        )
        if post:
            invoice.action_post()
        return invoice

    def _register(self, invoices, amount=None, **values):
        wizard = (
            self.env["account.payment.register"]
            .with_user(self.clerk)
            .with_context(active_model="account.move", active_ids=invoices.ids)
            .create({"payment_date": "2020-01-15", **values})
        )
        if amount is not None:
            wizard.write({"amount": amount, **values})
        return wizard._create_payments()

    def _create_payment(self, invoices, amount, **values):
        return (
            self.env["account.payment"]
            .with_user(self.clerk)
            .create(
                {
                    "payment_type": "inbound",
                    "partner_id": self.customer.id,
                    "amount": amount,
                    "date": "2020-01-15",
                    "journal_id": self.bank.id,
                    "invoice_ids": [Command.set(invoices.ids)],
                    **values,
                }
            )
        )

    @contextmanager
    def _assert_too_much(self):
        with self.assertRaises(UserError) as caught:
            yield
        self.assertIn("is more than the", caught.exception.args[0])

    def _assert_refused(self, open_amount, function, *args, **kwargs):
        payments = self.env["account.payment"].search_count([])
        with self.assertRaises(UserError) as caught:
            function(*args, **kwargs)
        self.assertIn("is more than the", caught.exception.args[0])
        self.assertEqual(caught.exception.args[1]["open_amount"], open_amount)
        self.assertEqual(self.env["account.payment"].search_count([]), payments)

    def test_wizard_refuses_more_than_the_open_amount(self):
        invoice = self._create_invoice(100)
        self._assert_refused(100, self._register, invoice, 100.01)
        self._register(invoice, 60)
        self._assert_refused(40, self._register, invoice, 60)
        self._register(invoice, 40)
        self.assertTrue(invoice.currency_id.is_zero(invoice.amount_residual))

    def test_stale_wizard_of_a_second_tab(self):
        invoice = self._create_invoice(100)
        context = {"active_model": "account.move", "active_ids": invoice.ids}
        tabs = [
            self.env["account.payment.register"].with_context(**context).create({})
            for _tab in range(2)
        ]
        self.assertEqual([tab.amount for tab in tabs], [100, 100])
        tabs[0]._create_payments()
        self._assert_refused(0, tabs[1]._create_payments)

    def test_several_invoices_in_one_payment(self):
        invoices = self._create_invoice(100) + self._create_invoice(50)
        self._assert_refused(150, self._register, invoices, 151, group_payment=True)
        self._register(invoices, 150, group_payment=True)
        self.assertEqual(invoices.mapped("amount_residual"), [0, 0])

    def test_vendor_bill_and_credit_note(self):
        bill = self._create_invoice(100, "in_invoice")
        self._assert_refused(100, self._register, bill, 101)
        self._register(bill, 100)
        refund = self._create_invoice(30, "out_refund")
        self._assert_refused(30, self._register, refund, 31)
        self._register(refund, 30)

    def test_written_off_difference_is_not_paid_to_the_invoice(self):
        invoice = self._create_invoice(100)
        payment = self._register(
            invoice,
            100.5,
            payment_difference_handling="reconcile",
            writeoff_account_id=self.company_data["default_account_revenue"].id,
        )
        self.assertEqual(payment.amount, 100.5)
        self.assertEqual(invoice.amount_residual, 0)

    def test_one_instalment_may_be_exceeded_up_to_the_total(self):
        invoice = self._create_invoice(100, invoice_payment_term_id=self.pay_terms_b.id)
        self._register(invoice, 80)
        self._assert_refused(20, self._register, invoice, 20.01)
        self._register(invoice, 20)
        self.assertEqual(invoice.amount_residual, 0)

    def test_payment_created_for_invoices(self):
        invoice = self._create_invoice(100)
        self._assert_refused(100, self._create_payment, invoice, 100.01)
        payment = self._create_payment(invoice, 100)
        self._assert_refused(0, self._create_payment, invoice, 1)
        with self._assert_too_much():
            payment.amount = 101
        payment.action_post()
        self.assertEqual(payment.state, "in_process")

    def test_payment_whose_invoice_was_paid_meanwhile(self):
        invoice = self._create_invoice(100)
        draft = self._create_payment(invoice, 40)
        self._register(invoice, 60)
        draft.action_post()
        invoice = self._create_invoice(100)
        draft = self._create_payment(invoice, 40)
        self.company.credit_prevent_overpayment = False
        self._register(invoice, 100)
        self.company.credit_prevent_overpayment = True
        with self._assert_too_much():
            draft.action_post()
        draft.action_cancel()
        self.assertEqual(draft.state, "canceled")

    def test_advance_without_invoice_is_free(self):
        payment = self._create_payment(self.env["account.move"], 5000)
        payment.action_post()
        self.assertEqual(payment.state, "in_process")

    def test_switched_off_nothing_is_refused(self):
        self.company.credit_prevent_overpayment = False
        invoice = self._create_invoice(100)
        self.assertEqual(self._register(invoice, 150).amount, 150)
        self.assertEqual(self._create_payment(invoice, 1000).amount, 1000)

    def test_other_company_decides_for_itself(self):
        self.company.credit_prevent_overpayment = False
        other = self.setup_other_company()["company"]
        other.credit_prevent_overpayment = True
        self.assertEqual(self._register(self._create_invoice(100), 150).amount, 150)

    def test_foreign_currency_is_tolerant_to_rounding_only(self):
        currency = self.setup_other_currency("EUR", rates=[("2016-01-01", 0.33333)])
        # 33.33 in euro are 99.993 in company currency, shown and paid as 99.99.
        invoice = self._create_invoice(33.33, currency_id=currency.id)
        company_currency = self.company.currency_id
        self._register(invoice, 99.99, currency_id=company_currency.id)
        invoice = self._create_invoice(33.33, currency_id=currency.id)
        self._register(invoice, 100.0, currency_id=company_currency.id)
        invoice = self._create_invoice(33.33, currency_id=currency.id)
        with self._assert_too_much():
            self._register(invoice, 100.1, currency_id=company_currency.id)
        invoice = self._create_invoice(100)
        self._register(invoice, 33.33, currency_id=currency.id)
        invoice = self._create_invoice(100)
        with self._assert_too_much():
            self._register(invoice, 34, currency_id=currency.id)

    def test_money_collected_online_is_booked(self):
        invoice = self._create_invoice(100)
        self._register(invoice, 100)
        provider = self.env["payment.provider"].sudo().search([], limit=1)
        provider = provider.copy({"company_id": self.company.id, "name": "Card"})
        method = self.env["payment.method"].sudo()
        method = method.with_context(active_test=False).search([], limit=1)
        transaction = (
            self.env["payment.transaction"]
            .sudo()
            .create(
                {
                    "provider_id": provider.id,
                    "payment_method_id": method.id,
                    "reference": "collected-1",
                    "amount": 100,
                    "currency_id": invoice.currency_id.id,
                    "partner_id": self.customer.id,
                    "state": "done",
                }
            )
        )
        online = {"payment_transaction_id": transaction.id}
        self.assertEqual(self._create_payment(invoice, 100, **online).amount, 100)
        with self._assert_too_much():
            self._create_payment(invoice, 101, **online)
        transaction.state = "draft"
        with self._assert_too_much():
            self._create_payment(invoice, 100, **online)
