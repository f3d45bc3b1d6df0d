from odoo import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestOrderHold(CreditControlCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls._create_rule()
        cls.customer.credit_limit = 1000.0

    def _confirm(self, order):
        return order.with_user(self.salesperson).action_confirm()

    def test_order_within_the_limit_is_confirmed(self):
        order = self._create_order(1000.0, user_id=self.salesperson.id)
        self.assertIs(self._confirm(order), True)
        self.assertEqual(order.state, "sale")
        self.assertEqual(order.credit_state, "none")

    def test_order_over_the_limit_is_held_and_explained(self):
        self._create_order(800.0).action_confirm()
        order = self._create_order(300.0, user_id=self.salesperson.id)
        action = self._confirm(order)
        self.assertEqual(action["tag"], "display_notification")
        self.assertEqual(order.state, "draft")
        self.assertEqual(order.credit_state, "hold")
        self.assertRecordValues(
            order.credit_hold_ids,
            [
                {
                    "state": "open",
                    "partner_id": self.customer.id,
                    "credit_limit": 1000.0,
                    "exposure": 800.0,
                    "document_amount": 300.0,
                    "amount_over": 100.0,
                    "requested_by": self.salesperson.id,
                    "reason_type": "limit_used",
                }
            ],
        )
        self.assertIn("100.00 over", order.credit_hold_ids.reasons)

    def test_second_confirmation_keeps_one_hold(self):
        order = self._create_order(1100.0, user_id=self.salesperson.id)
        self._confirm(order)
        self._confirm(order)
        self.assertEqual(len(order.credit_hold_ids), 1)

    def test_batch_is_cumulative(self):
        orders = self._create_order(600.0) | self._create_order(600.0)
        orders.action_confirm()
        self.assertEqual(orders.mapped("state"), ["sale", "draft"])

    def test_without_rule_nothing_is_checked(self):
        self.rule.active = False
        order = self._create_order(5000.0)
        self.assertIs(order.action_confirm(), True)
        self.assertEqual(order.state, "sale")
        self.assertFalse(order.credit_hold_ids)

    def test_write_and_create_in_state_sale(self):
        order = self._create_order(1100.0)
        order.write({"state": "sale"})
        self.assertEqual(order.state, "draft")
        self.assertEqual(order.credit_state, "hold")
        born = self._create_order(1100.0, state="sale")
        self.assertEqual(born.state, "draft")
        self.assertEqual(born.credit_state, "hold")
        small = self._create_order(100.0, state="sale")
        self.assertEqual(small.state, "sale")
        self.assertTrue(small.picking_ids)

    def test_default_state_confirms_nothing(self):
        service = self.env["product.product"].create(
            {"name": "Work", "type": "service", "list_price": 100.0}
        )
        values = {
            "partner_id": self.customer.id,
            "order_line": [
                Command.create({"product_id": service.id, "product_uom_qty": 20})
            ],
        }
        orders = self.env["sale.order"].with_user(self.salesperson)
        born = orders.with_context(default_state="sale").create(values)
        self.assertEqual(born.state, "draft")
        self.assertEqual(born.credit_state, "hold")
        elsewhere = self.setup_other_company()["company"]
        self.salesperson.company_ids |= elsewhere
        born = orders.with_context(
            allowed_company_ids=(elsewhere | self.company).ids,
            default_state="sale",
            default_company_id=self.company.id,
        ).create(values)
        self.assertEqual(born.company_id, self.company)
        self.assertEqual(born.state, "draft")
        small = orders.with_context(default_state="sale").create(
            {"partner_id": self.customer.id}
        )
        self.assertEqual(small.state, "sale")

    def test_forged_context_opens_nothing(self):
        order = self._create_order(1100.0)
        order.with_context(
            credit_cleared_orders=order.ids, credit_growth_watch=True, bypass_risk=True
        ).write({"state": "sale"})
        self.assertEqual(order.state, "draft")

    def test_released_order_is_confirmed(self):
        order = self._create_order(1100.0, user_id=self.salesperson.id)
        self._confirm(order)
        order.credit_hold_ids.with_user(self.approver).action_release("Good customer")
        self.assertEqual(order.credit_state, "released")
        self._confirm(order)
        self.assertEqual(order.state, "sale")
