from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestOverdelivery(CreditControlCommon):
    """More goods than ordered are found before they leave."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_rule()
        cls.customer.credit_limit = 1000.0
        cls.env["stock.quant"]._update_available_quantity(
            cls.product, cls.warehouse.lot_stock_id, 100
        )
        cls.order = cls._create_order(900.0, quantity=9, user_id=cls.salesperson.id)
        cls.order.action_confirm()
        cls.picking = cls.order.picking_ids.with_user(cls.warehouse_user)

    def _deliver_now(self, quantity, picking=None):
        picking = picking or self.picking
        picking.move_ids.write({"quantity": quantity, "picked": True})
        picking.button_validate()
        return picking.state

    def test_more_than_ordered_within_the_limit(self):
        self.assertEqual(self._deliver_now(10), "done")
        self.assertEqual(self._exposure(), 1000.0)
        self.assertEqual(self.order.credit_state, "none")

    def test_more_than_ordered_over_the_limit_is_held_before_it_leaves(self):
        self.assertNotEqual(self._deliver_now(20), "done")
        hold = self.order.credit_hold_ids
        self.assertRecordValues(
            hold,
            [
                {
                    "state": "open",
                    "checkpoint": "delivery",
                    "document_amount": 2000.0,
                    "amount_over": 1000.0,
                    "exposure": 0.0,
                }
            ],
        )
        self.assertEqual(self.order.order_line.qty_delivered, 0)
        self.assertEqual(self._deliver_now(9), "done", "as ordered it may leave")
        self.assertEqual(hold.state, "released")

    def test_raised_demand_is_more_than_ordered(self):
        self.picking.move_ids.product_uom_qty = 20
        self.assertNotEqual(self._deliver_now(20), "done")
        self.assertEqual(self.order.credit_state, "hold")

    def test_backorder_with_more_than_is_left(self):
        self._deliver(self.order, 4)
        backorder = self.order.picking_ids.filtered(lambda p: p.state != "done")
        backorder = backorder.with_user(self.warehouse_user)
        self.assertNotEqual(self._deliver_now(8, backorder), "done")
        self.assertEqual(self.order.credit_hold_ids.document_amount, 1200.0)
        self.assertEqual(self._deliver_now(6, backorder), "done")

    def test_hard_stop_below_the_button(self):
        self.picking.move_ids.write({"quantity": 20, "picked": True})
        with self.assertRaisesRegex(UserError, "Credit limit used"):
            self.picking._action_done()

    def test_product_that_nobody_ordered(self):
        other = self.env["product.product"].create(
            {
                "name": "Other goods",
                "is_storable": True,
                "invoice_policy": "delivery",
                "list_price": 300.0,
                "taxes_id": [Command.clear()],
            }
        )
        self.env["stock.quant"]._update_available_quantity(
            other, self.warehouse.lot_stock_id, 100
        )
        self.picking.move_ids = [
            Command.create(
                {
                    "product_id": other.id,
                    "quantity": 1,
                    "location_id": self.picking.location_id.id,
                    "location_dest_id": self.picking.location_dest_id.id,
                }
            )
        ]
        self.picking.move_ids.picked = True
        self.picking.button_validate()
        self.assertNotEqual(self.picking.state, "done")
        self.assertEqual(self.order.credit_hold_ids.document_amount, 1200.0)
        self.order.credit_hold_ids.with_user(self.approver).action_release("ok")
        # Odoo writes the goods on the order, which needs somebody who sells
        self.order.picking_ids.button_validate()
        self.assertEqual(self.picking.state, "done")
        self.assertEqual(self._exposure(), 1200.0)
        self.assertEqual(self.order.credit_state, "released")

    def test_release_covers_what_was_picked_and_not_more(self):
        self._deliver_now(20)
        self.order.credit_hold_ids.with_user(self.approver).action_release("ok")
        self.assertNotEqual(self._deliver_now(21), "done")
        self.assertEqual(self._deliver_now(20), "done")
        self.assertEqual(self._exposure(), 2000.0)

    def test_release_of_the_order_covers_no_extra_goods(self):
        order = self._create_order(2000.0, quantity=20, user_id=self.salesperson.id)
        order.action_confirm()
        order.credit_hold_ids.with_user(self.approver).action_release("ok")
        order.action_confirm()
        picking = order.picking_ids.with_user(self.warehouse_user)
        self.assertNotEqual(self._deliver_now(21, picking), "done")
        self.assertEqual(self._deliver_now(20, picking), "done")

    def test_extra_goods_are_no_decision_about_the_discount(self):
        self._create_rule("discount", 0.0)
        self.env["credit.discount.limit"].create(
            {
                "group_id": self.env.ref("sales_team.group_sale_manager").id,
                "max_discount": 50.0,
                "company_id": self.company.id,
            }
        )
        # A manager gives what neither salesperson nor warehouse may give
        self.order.order_line.discount = 40.0
        self.assertEqual(self.order.credit_state, "none")
        self.assertEqual(self._deliver_now(10), "done")

    def test_delivered_work_is_growth(self):
        work = self.env["product.product"].create(
            {
                "name": "Work",
                "type": "service",
                "invoice_policy": "delivery",
                "service_type": "manual",
                "taxes_id": [Command.clear()],
            }
        )
        order = self._create_order(
            order_line=[
                Command.create(
                    {"product_id": work.id, "product_uom_qty": 1, "price_unit": 10.0}
                )
            ],
            user_id=self.salesperson.id,
        )
        order.action_confirm()
        line = order.order_line.with_user(self.salesperson)
        line.qty_delivered = 9
        self.assertEqual(order.credit_state, "none")
        line.qty_delivered = 99
        self.assertEqual(order.credit_state, "hold")
