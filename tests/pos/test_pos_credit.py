"""Sales on customer account and the credit limit.

Runs in a database of its own, with ``point_of_sale`` installed: see
``tests/test_point_of_sale.py``.
"""

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.point_of_sale.tests.test_frontend import TestPointOfSaleHttpCommon

from tests.pos.common import PosCreditCommon, create_rule

SELLER_GROUPS = "base.group_user,sales_team.group_sale_salesman"


@tagged("post_install", "-at_install")
class TestPosCredit(PosCreditCommon):
    def _sell(self, method, number, **kwargs):
        self._create_orders(
            [
                {
                    "pos_order_lines_ui_args": [(self.product, 1)],
                    "payments": [(method, 100)],
                    "customer": self.customer,
                    "uuid": f"00100-020-{number:04}",
                    **kwargs,
                }
            ]
        )

    def test_sale_on_account_is_owed_before_the_session_is_closed(self):
        session = self._open()
        self._sell(self.pay_later_pm, 1)
        self._sell(self.cash_pm1, 2)
        self.assertEqual(self._figures().exposure, 100.0)
        self.assertEqual(self._decide(), 100.0)
        self._close(session, 100)
        self.assertEqual(self._figures().open_items, 100.0)
        self.assertEqual(self._figures().exposure, 100.0, "closing moves nothing")
        self.assertEqual(self._decide(), 100.0)

    def test_invoiced_sale_counts_once(self):
        self._open()
        self._sell(self.pay_later_pm, 1, is_invoiced=True)
        self.assertEqual(self._figures().exposure, 100.0)

    def test_question_of_the_payment_screen(self):
        self._open()
        self._sell(self.pay_later_pm, 1)
        cashier = new_test_user(
            self.env, "credit_cashier", "base.group_user,point_of_sale.group_pos_user"
        )
        cashier.company_ids = self.env.company
        cashier.company_id = self.env.company
        customer = self.customer.with_user(cashier)
        self.assertTrue(customer.check_account_sale(150.0)["approved"])
        answer = customer.check_account_sale(150.01)
        self.assertFalse(answer["approved"])
        self.assertIsNone(answer["outstanding_balance"])
        self.assertIsNone(answer["available_credit"])
        self.assertNotRegex(answer["message"], r"\d", "no amounts for cashiers")
        seller = new_test_user(self.env, "credit_seller", SELLER_GROUPS)
        seller.company_ids = self.env.company
        seller.company_id = self.env.company
        answer = self.customer.with_user(seller).check_account_sale(150.01)
        self.assertEqual(answer["outstanding_balance"], 100.0)
        self.assertEqual(answer["available_credit"], 150.0)
        self.assertIn("0.01 over", answer["message"].replace("\N{NO-BREAK SPACE}", ""))

    def test_question_in_another_currency(self):
        currency = self.other_currency
        rate = self.env["res.currency"]._get_conversion_rate(
            currency, self.env.company.currency_id, self.env.company
        )
        answer = self.customer.check_account_sale(10.0, currency.id)
        self.assertAlmostEqual(answer["order_amount"], 10.0 * rate, 2)

    def test_question_with_bad_arguments(self):
        portal = new_test_user(self.env, "credit_portal_pos", "base.group_portal")
        with self.assertRaises(AccessError):
            self.customer.with_user(portal).check_account_sale(1.0)
        for amount in (0, -5, "x", float("nan"), None):
            with self.subTest(amount=amount), self.assertRaises(UserError):
                self.customer.check_account_sale(amount)
        with self.assertRaises(UserError):
            self.customer.check_account_sale(1.0, 2**40)

    def test_held_order_counts_sales_on_account(self):
        self._open()
        self._sell(self.pay_later_pm, 1)
        line = {"product_id": self.product.id, "price_unit": 200.0, "tax_ids": False}
        # The cashier may not sell by orders
        order = (
            self.env["sale.order"]
            .sudo()
            .create(
                {"partner_id": self.customer.id, "order_line": [Command.create(line)]}
            )
        )
        order.action_confirm()
        self.assertEqual(order.credit_state, "hold")
        self.assertEqual(order.credit_hold_ids.exposure, 100.0)

    def test_offline_sales_become_a_finding_and_closing_is_not_blocked(self):
        session = self._open()
        self.assertFalse(self._guard())
        for number in range(3):
            self._sell(self.pay_later_pm, number)
        finding = self._guard()
        self.assertRecordValues(
            finding,
            [
                {
                    "cause_code": "over_limit",
                    "partner_id": self.customer.id,
                    "expected": 250.0,
                    "actual": 300.0,
                    "difference": -50.0,
                }
            ],
        )
        self._close(session)
        self.assertEqual(self._guard(), finding, "the same finding, not a second one")
        rule = self.env["credit.rule"].search([])
        rule.action = "warn"
        self.assertFalse(self._guard(), "the till would not have refused either")
        rule.write({"action": "hold", "rule_type": "overdue_days"})
        self.assertFalse(self._guard())
        rule.write({"rule_type": "limit_used", "threshold": 120.0})
        self.assertFalse(self._guard())
        rule.threshold = 100.0
        self.assertTrue(self._guard())
        self.customer.credit_limit = 300.0
        self.assertFalse(self._guard())
        self.assertEqual(finding.state, "healed")

    def test_released_order_makes_no_finding_of_the_sales_before_it(self):
        self._open()
        self._sell(self.pay_later_pm, 1)
        order = self._confirm_by_release(1000.0)
        self.assertEqual(self._figures().exposure, 1100.0)
        self.assertFalse(self._guard(), "ordered")
        invoice = order._create_invoices()
        self.assertFalse(self._guard(), "drafted")
        invoice.action_post()
        self.assertFalse(self._guard(), "owed")
        self._sell(self.pay_later_pm, 2)
        self._sell(self.pay_later_pm, 3)
        finding = self._guard()
        self.assertEqual((finding.actual, finding.difference), (1300.0, -50.0))


@tagged("post_install", "-at_install")
class TestPosCreditScreen(TestPointOfSaleHttpCommon):
    def test_payment_screen_refuses_and_sells(self):
        """Refused at 100 over the limit of 50; sold once the limit is high enough."""
        account = self.env["pos.payment.method"].create(
            {"name": "Customer Account", "split_transactions": True}
        )
        self.main_pos_config.payment_method_ids = account
        self.env["product.product"].create(
            {
                "name": "Lamp on account",
                "available_in_pos": True,
                "list_price": 100.0,
                "taxes_id": [Command.clear()],
            }
        )
        customer = self.env["res.partner"].create(
            {"name": "AAA On Account", "credit_limit": 50.0}
        )
        create_rule(self.env, self.main_pos_config.company_id)
        self.main_pos_config.with_user(self.pos_user).open_ui()
        self.start_pos_tour("credit_account_sale_is_refused")
        self.assertFalse(self.env["pos.order"].search([("state", "=", "paid")]))
        customer.credit_limit = 500.0
        self.start_pos_tour("credit_account_sale_is_sold")
        order = self.env["pos.order"].search([("state", "=", "paid")])
        self.assertEqual(order.partner_id, customer)
