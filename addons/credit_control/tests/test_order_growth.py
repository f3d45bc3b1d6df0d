from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestOrderGrowth(CreditControlCommon):
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
        cls.line = cls.order.order_line

    def _assert_held(self, held=True):
        self.assertEqual(self.order.credit_state, "hold" if held else "none")
        self.assertEqual(self.order.state, "sale")

    def test_growth_within_the_limit(self):
        self.line.product_uom_qty = 10
        self._assert_held(False)
        self.assertEqual(sum(self.order.picking_ids.move_ids.mapped("quantity")), 10)

    def test_quantity_over_the_limit_is_held_and_not_reserved(self):
        self.line.with_user(self.salesperson).product_uom_qty = 20
        self._assert_held()
        moves = self.order.picking_ids.move_ids
        self.assertEqual(sum(moves.mapped("product_uom_qty")), 20)
        self.assertEqual(sum(moves.mapped("quantity")), 9)

    def test_price_tax_and_new_line_are_growth(self):
        changes = (
            lambda: self.line.write({"price_unit": 200.0}),
            lambda: self.order.write(
                {"order_line": [Command.update(self.line.id, {"price_unit": 200.0})]}
            ),
            lambda: self.line.write({"tax_ids": [Command.set(self.tax_sale_a.ids)]}),
            lambda: self.env["sale.order.line"].create(
                {
                    "order_id": self.order.id,
                    "product_id": self.product.id,
                    "product_uom_qty": 5,
                    "price_unit": 100.0,
                }
            ),
            lambda: self.order.write(
                {
                    "order_line": [
                        Command.create(
                            {
                                "product_id": self.product.id,
                                "product_uom_qty": 5,
                                "price_unit": 100.0,
                            }
                        )
                    ]
                }
            ),
        )
        self.tax_sale_a.amount = 50.0
        for number, change in enumerate(changes):
            with self.subTest(number), self.env.cr.savepoint() as savepoint:
                change()
                self._assert_held()
                savepoint.rollback()
                self.env.invalidate_all()

    def test_line_whose_order_is_a_default_is_growth(self):
        values = {"product_id": self.product.id, "product_uom_qty": 5}
        lines = self.env["sale.order.line"].with_user(self.salesperson)
        personal = self.env["ir.default"].with_user(self.salesperson)
        changes = (
            lambda: lines.with_context(default_order_id=self.order.id).create(values),
            lambda: (
                personal.create(
                    {
                        "field_id": self.env["ir.model.fields"]
                        ._get("sale.order.line", "order_id")
                        .id,
                        "json_value": str(self.order.id),
                        "user_id": self.salesperson.id,
                    }
                ),
                lines.create(values),
            ),
        )
        for number, change in enumerate(changes):
            with self.subTest(number), self.env.cr.savepoint() as savepoint:
                change()
                self._assert_held()
                moves = self.order.picking_ids.move_ids
                self.assertEqual(sum(moves.mapped("quantity")), 9)
                savepoint.rollback()
                self.env.invalidate_all()
                self.env.registry.clear_cache()

    def test_line_of_another_order_is_growth_of_its_own_order(self):
        other = self._create_order(100.0, user_id=self.salesperson.id)
        other.action_confirm()
        other.with_user(self.salesperson).write(
            {"order_line": [Command.update(self.line.id, {"product_uom_qty": 99})]}
        )
        self._assert_held()
        self.assertEqual(other.credit_state, "none")

    def test_line_moved_from_another_order_is_growth(self):
        draft = self._create_order(5000.0, user_id=self.salesperson.id)
        moved = draft.order_line
        with self.env.cr.savepoint() as savepoint:
            moved.with_user(self.salesperson).order_id = self.order
            self._assert_held()
            savepoint.rollback()
            self.env.invalidate_all()
        self.order.write({"order_line": [Command.link(moved.id)]})
        self.assertEqual(moved.order_id, self.order)
        self._assert_held()

    def test_confirming_again_is_no_way_around_the_examination(self):
        other = self.env["res.partner"].create({"name": "Poor", "credit_limit": 10.0})
        update = Command.update(self.line.id, {"product_uom_qty": 99})
        draft = self._create_order(1.0, user_id=self.salesperson.id)
        for orders, values in (
            (self.order, {"partner_invoice_id": other.id}),
            (self.order | draft, {"partner_invoice_id": other.id}),
            (self.order, {"order_line": [update]}),
        ):
            with self.subTest(values), self.env.cr.savepoint() as savepoint:
                orders.with_user(self.salesperson).write({"state": "sale", **values})
                self._assert_held()
                savepoint.rollback()
                self.env.invalidate_all()

    def test_a_watch_that_is_over_examines_the_next_change(self):
        with self.order._watch_credit_growth() as watched:
            pass
        watched.order_line.product_uom_qty = 99
        self._assert_held()

    def test_another_payer_is_examined(self):
        other = self.env["res.partner"].create({"name": "Poor", "credit_limit": 10.0})
        self.order.partner_invoice_id = other
        self._assert_held()
        self.assertEqual(self.order.credit_hold_ids.partner_id, other)

    def test_shrinking_then_growing_again_is_growth(self):
        self.line.product_uom_qty = 1
        self._create_order(900.0).action_confirm()
        self.line.product_uom_qty = 9
        self._assert_held()

    def test_cancelled_order_is_examined_when_confirmed_again(self):
        self.order._action_cancel()
        self.assertEqual(self._exposure(), 0.0)
        self._create_order(900.0).action_confirm()
        self.order.action_draft()
        self.order.action_confirm()
        self.assertEqual(self.order.state, "draft")
        self.assertEqual(self.order.credit_state, "hold")

    def test_release_ends_with_the_order(self):
        self.line.product_uom_qty = 20
        hold = self.order.credit_hold_ids
        hold.with_user(self.approver).action_release("good customer")
        self.order._action_cancel()
        self.assertEqual(hold.state, "expired")
        self.assertEqual(hold.release_reason, "good customer")
        self.assertEqual(self.order.credit_state, "none")
        self.order.action_draft()
        self.order.action_confirm()
        self.assertEqual(self.order.state, "draft")
        self.assertEqual(self.order.credit_state, "hold")

    def test_copy_is_free_and_unchecked_until_confirmed(self):
        self.line.product_uom_qty = 20
        copy = self.order.copy()
        self.assertEqual(copy.credit_state, "none")
        self.assertFalse(copy.credit_hold_ids)
        copy.action_confirm()
        self.assertEqual(copy.state, "draft")

    def test_release_covers_the_amount_and_not_more(self):
        self.line.product_uom_qty = 20
        self.order.credit_hold_ids.with_user(self.approver).action_release("ok")
        self.assertEqual(self.order.credit_state, "released")
        self.assertEqual(sum(self.order.picking_ids.move_ids.mapped("quantity")), 20)
        self.line.product_uom_qty = 19
        self.line.product_uom_qty = 20
        self.assertEqual(self.order.credit_state, "released")
        self.line.product_uom_qty = 21
        self.assertEqual(self.order.credit_state, "hold")

    def test_expired_release_is_examined_again(self):
        self.line.product_uom_qty = 20
        hold = self.order.credit_hold_ids
        hold.with_user(self.approver).action_release("ok")
        hold.sudo().expires_at = "2020-01-01"
        self.line.price_unit = 100.01
        self.assertEqual(self.order.credit_state, "hold")
