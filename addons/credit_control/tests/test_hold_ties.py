from contextlib import contextmanager

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestHoldTies(CreditControlCommon):
    """Goods on hold cannot be parted from what holds them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stock = cls.warehouse.lot_stock_id
        cls.customers = cls.env.ref("stock.stock_location_customers")
        cls.suppliers = cls.env.ref("stock.stock_location_suppliers")
        cls.env["stock.quant"]._update_available_quantity(cls.product, cls.stock, 20)
        cls.order = cls._create_order(900.0, quantity=9, user_id=cls.salesperson.id)
        cls.other = cls._create_order(900.0, quantity=9, user_id=cls.salesperson.id)
        (cls.order | cls.other).action_confirm()
        cls.picking = cls.order.picking_ids
        cls.move = cls.picking.move_ids
        cls.order.apply_credit_hold("Cheque bounced")

    @contextmanager
    def _assert_refused(self):
        with (
            self.assertRaisesRegex(UserError, "on credit hold|Cheque bounced"),
            self.env.cr.savepoint(),
        ):
            yield
        self.env.invalidate_all()

    def _get_detachments(self):
        other_line, other_picking = self.other.order_line, self.other.picking_ids
        another = self.env["product.product"].create({"name": "Else"})
        yield self.move, {"sale_line_id": False}
        yield self.move, {"sale_line_id": other_line.id}
        yield self.move, {"sale_line_id": False, "picking_id": other_picking.id}
        yield self.move, {"product_id": another.id}
        yield self.move, {"location_dest_id": self.stock.id, "location_final_id": False}
        yield self.move, {"location_id": self.customers.id}
        yield self.picking, {"sale_id": False}
        yield self.picking, {"sale_id": self.other.id}
        yield (
            self.picking,
            {"move_ids": [Command.update(self.move.id, {"sale_line_id": 0})]},
        )
        yield other_line, {"move_ids": [Command.link(self.move.id)]}
        yield self.order.order_line, {"order_id": self.other.id}
        yield self.other, {"order_line": [Command.link(self.order.order_line.id)]}

    def test_held_goods_are_not_detached(self):
        for record, values in self._get_detachments():
            with self.subTest(record=record, values=values), self._assert_refused():
                record.with_user(self.warehouse_user).write(values)
        self.picking.with_user(self.warehouse_user).button_validate()
        self.assertNotEqual(self.picking.state, "done")

    def test_what_is_not_on_hold_is_free(self):
        self.order.credit_hold_ids.with_user(self.approver).action_release("ok")
        move = self.move.with_user(self.warehouse_user)
        move.sale_line_id = False
        self.assertFalse(self.picking.sale_id)

    def test_held_goods_may_change_shelf_and_transfer(self):
        shelf = self.env["stock.location"].create(
            {"name": "Shelf", "location_id": self.stock.id}
        )
        move = self.move.with_user(self.warehouse_user)
        move.location_id = shelf
        move.picking_id = self.picking.copy({"move_ids": []})
        self.assertEqual(move.sale_line_id.order_id, self.order)

    def test_goods_of_a_held_transfer_stay_with_it(self):
        self._create_rule(check_delivery=True)
        self.customer.credit_limit = 1.0
        picking = self._create_transfer(self.stock)
        other = picking.copy({"move_ids": []})
        picking._pass_credit("delivery")
        self.assertEqual(picking.credit_state, "hold")
        with self._assert_refused():
            picking.move_ids.with_user(self.warehouse_user).picking_id = other

    def _create_transfer(self, source, **values):
        move = {
            "product_id": self.product.id,
            "product_uom_qty": 9,
            "location_id": source.id,
            "location_dest_id": self.customers.id,
            **values,
        }
        return self.env["stock.picking"].create(
            {
                "partner_id": self.customer.id,
                "picking_type_id": self.warehouse.out_type_id.id,
                "location_id": source.id,
                "location_dest_id": self.customers.id,
                "move_ids": [Command.create(move)],
            }
        )

    def test_vendor_does_not_deliver_for_a_held_order(self):
        line = self.order.order_line
        picking = self._create_transfer(self.suppliers, sale_line_id=line.id)
        picking.action_confirm()
        self.assertEqual(picking.sale_id, self.order)
        self.assertEqual(picking.move_ids.state, "confirmed")
        with self._assert_refused():
            picking.move_ids.with_user(self.warehouse_user).quantity = 9
        with self._assert_refused():
            picking.with_user(self.warehouse_user)._action_done()
        self.order.credit_hold_ids.with_user(self.approver).action_release("ok")
        self.assertEqual(picking.move_ids.state, "assigned")
        picking.with_user(self.warehouse_user).button_validate()
        self.assertEqual(picking.state, "done")

    def test_receipts_for_a_held_order_come_in(self):
        picking = self._create_transfer(
            self.suppliers,
            sale_line_id=self.order.order_line.id,
            location_dest_id=self.stock.id,
            location_final_id=self.customers.id,
        )
        picking.action_confirm()
        picking.move_ids.write({"quantity": 9, "picked": True})
        picking.with_user(self.warehouse_user).button_validate()
        self.assertEqual(picking.move_ids.state, "done")

    def test_goods_are_not_born_delivered(self):
        values = {"quantity": 5, "picked": True}
        typed = {
            **values,
            "product_id": self.product.id,
            "location_id": self.stock.id,
            "location_dest_id": self.customers.id,
            "sale_line_id": self.order.order_line.id,
        }
        for user in (self.salesperson, self.warehouse_user):
            move = self.move.with_user(user)
            for state in ("done", "cancel"):
                forged = move.with_context(default_state=state)
                with self.subTest(user=user.login, state=state):
                    with self._assert_refused():
                        forged.copy(values)
                    with self._assert_refused():
                        forged.create(typed)
                    with self._assert_refused():
                        move.create({**typed, "state": state})

    def test_delivered_goods_do_not_grow_on_hold(self):
        picking = self.other.picking_ids
        self._deliver(self.other)
        self.other.apply_credit_hold("Cheque bounced")
        move = picking.move_ids.with_user(self.warehouse_user)
        line = move.move_line_ids
        for record in (move, line):
            with self._assert_refused():
                record.quantity = 11
        for document in ({"move_id": move.id}, {"picking_id": picking.id}):
            values = {"product_id": self.product.id, "quantity": 1, **document}
            with self._assert_refused():
                line.create(values)
        move.quantity = 8
        self.assertEqual(line.quantity, 8, "what did not leave may be corrected")
        self.other.credit_hold_ids.with_user(self.approver).action_release("ok")
        move.quantity = 10
        self.assertEqual(self.other.order_line.qty_delivered, 10)

    def test_larger_unit_takes_no_more_goods(self):
        dozens = self.env.ref("uom.product_uom_dozen")
        self._deliver(self.other)
        self.other.apply_credit_hold("Cheque bounced")
        for move in self.move | self.other.picking_ids.move_ids:
            line = move.move_line_ids.with_user(self.warehouse_user)
            with self.subTest(state=move.state), self._assert_refused():
                line.product_uom_id = dozens

    def test_loose_line_does_not_join_goods_on_hold(self):
        self._deliver(self.other)
        self.other.apply_credit_hold("Cheque bounced")
        for move in self.move | self.other.picking_ids.move_ids:
            line = self.env["stock.move.line"].create(
                {
                    "company_id": self.company.id,
                    "product_id": self.product.id,
                    "quantity": 2,
                    "location_id": self.stock.id,
                    "location_dest_id": self.customers.id,
                }
            )
            self.assertFalse(line.move_id)
            with self.subTest(state=move.state), self._assert_refused():
                line.with_user(self.warehouse_user).write(
                    {"move_id": move.id, "picking_id": move.picking_id.id}
                )
