from odoo import Command
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import tagged

from .common_api import CreditApiCommon


@tagged("post_install", "-at_install")
class TestAllocateInventory(CreditApiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Reserving waits for the call, as where a planner decides what goes first.
        cls.warehouse.out_type_id.reservation_method = "manual"
        cls.bolt = cls._create_goods(quantity=10)
        cls.nut = cls._create_goods("Nut", quantity=3)

    def _allocate(self, order):
        return order.with_user(self.salesman).allocate_inventory()

    def _release(self, order):
        return order.with_user(self.salesman).release_allocation()

    def _reserved(self, product):
        quants = self.env["stock.quant"].search(
            [("product_id", "=", product.id), ("location_id", "=", self.stock.id)]
        )
        return sum(quants.mapped("reserved_quantity"))

    def test_confirmed_order_is_reserved_by_its_salesperson(self):
        order = self._create_order((self.bolt, 8), (self.nut, 2), confirm=True)
        self.assertEqual(self._reserved(self.bolt), 0)
        answer = self._allocate(order)
        self.assertEqual(
            answer,
            {
                "message": "Inventory allocated successfully",
                "order_number": order.name,
                "allocation_details": [
                    {
                        "line_number": 1,
                        "item": "Bolt",
                        "success": True,
                        "allocated_qty": 8.0,
                        "message": "Successfully allocated 8.0 Units",
                    },
                    {
                        "line_number": 2,
                        "item": "Nut",
                        "success": True,
                        "allocated_qty": 2.0,
                        "message": "Successfully allocated 2.0 Units",
                    },
                ],
            },
        )
        self.assertEqual(self._reserved(self.bolt), 8)
        self.assertEqual(order.picking_ids.state, "assigned")

    def test_a_second_call_changes_nothing(self):
        order = self._create_order((self.bolt, 8), (self.nut, 5), confirm=True)
        first = self._allocate(order)
        move_lines = order.picking_ids.move_line_ids
        self.assertEqual(self._allocate(order), first)
        self.assertEqual(order.picking_ids.move_line_ids, move_lines)
        self.assertEqual(self._reserved(self.bolt), 8)

    def test_as_far_as_stock_reaches(self):
        order = self._create_order((self.bolt, 8), (self.nut, 5), confirm=True)
        details = self._allocate(order)["allocation_details"]
        self.assertTrue(details[0]["success"])
        self.assertFalse(details[1]["success"])
        self.assertEqual(details[1]["allocated_qty"], 3)
        self.assertIn("Only 3.0 of 5.0", details[1]["message"])
        self._add_stock(self.nut, 10)
        details = self._allocate(order)["allocation_details"]
        self.assertEqual(details[1]["allocated_qty"], 5)
        self.assertTrue(details[1]["success"])

    def test_nothing_left_for_the_second_order(self):
        first = self._create_order((self.bolt, 10), confirm=True)
        second = self._create_order((self.bolt, 1), confirm=True)
        self._allocate(first)
        answer = self._allocate(second)
        self.assertFalse(answer["allocation_details"][0]["success"])
        self.assertEqual(answer["allocation_details"][0]["allocated_qty"], 0)
        self.assertIn("0 of 1 lines", answer["message"])

    def test_release_gives_the_stock_back(self):
        order = self._create_order((self.bolt, 8), confirm=True)
        self._allocate(order)
        answer = self._release(order)
        self.assertEqual(answer["allocation_details"][0]["allocated_qty"], 0)
        self.assertEqual(self._reserved(self.bolt), 0)
        self.assertEqual(self._release(order), answer)
        self.assertTrue(self._allocate(order)["allocation_details"][0]["success"])

    def test_release_gives_lots_and_serial_numbers_back(self):
        for tracking, quantity in (("serial", 1), ("lot", 5)):
            product = self._create_goods(tracking, tracking=tracking)
            lots = self.env["stock.lot"].create(
                [
                    {"name": f"back-{index}", "product_id": product.id}
                    for index in (1, 2)
                ]
            )
            for lot in lots:
                self._add_stock(product, quantity, lot=lot)
            order = self._create_order((product, 2 * quantity), confirm=True)
            self._allocate(order)
            detail = self._release(order)["allocation_details"][0]
            with self.subTest(tracking=tracking):
                self.assertEqual(detail["allocated_qty"], 0)
                self.assertNotIn("back-", detail["message"])
                self.assertFalse(order.picking_ids.move_line_ids)
                self.assertEqual(self._reserved(product), 0)
                # Another order may have the very same ones now
                second = self._create_order((product, 2 * quantity), confirm=True)
                detail = self._allocate(second)["allocation_details"][0]
                self.assertTrue(detail["success"])
                self.assertEqual(second.picking_ids.move_line_ids.lot_id, lots)

    def test_release_leaves_what_was_picked(self):
        order = self._create_order((self.bolt, 8), (self.nut, 2), confirm=True)
        self._allocate(order)
        bolts, nuts = order.order_line.move_ids
        bolts.picked = True
        details = self._release(order)["allocation_details"]
        self.assertEqual([d["allocated_qty"] for d in details], [8, 0])
        self.assertEqual((bolts.quantity, nuts.quantity), (8, 0))
        self.assertEqual(self._reserved(self.bolt), 8)
        self.assertEqual(self._reserved(self.nut), 0)
        order.picking_ids.with_context(skip_backorder=True).button_validate()
        self.assertEqual(bolts.state, "done")

    def test_shipping_makes_a_native_move(self):
        order = self._create_order((self.bolt, 8), confirm=True)
        self._allocate(order)
        order.picking_ids.button_validate()
        move = order.order_line.move_ids
        self.assertEqual(move.state, "done")
        self.assertEqual(move.location_dest_id.usage, "customer")
        self.assertEqual(
            self.bolt.with_context(location=self.stock.id).qty_available, 2
        )
        detail = self._allocate(order)["allocation_details"][0]
        self.assertTrue(detail["success"])
        self.assertEqual(detail["allocated_qty"], 0)
        self.assertIn("everything is delivered", detail["message"])
        # Releasing after shipping takes nothing back either.
        self._release(order)
        self.assertEqual(move.state, "done")

    def test_partial_delivery_and_backorder(self):
        order = self._create_order((self.bolt, 8), confirm=True)
        self._allocate(order)
        order.picking_ids.move_ids.quantity = 5
        order.picking_ids.with_context(skip_backorder=True).button_validate()
        detail = self._allocate(order)["allocation_details"][0]
        self.assertEqual(detail["allocated_qty"], 3)
        self.assertTrue(detail["success"])

    def test_serial_numbers_and_lots_are_named(self):
        for tracking, quantity in (("serial", 1), ("lot", 5)):
            product = self._create_goods(tracking, tracking=tracking)
            lots = self.env["stock.lot"].create(
                [
                    {"name": f"{tracking}-{index}", "product_id": product.id}
                    for index in (1, 2)
                ]
            )
            for lot in lots:
                self._add_stock(product, quantity, lot=lot)
            order = self._create_order((product, 2 * quantity), confirm=True)
            detail = self._allocate(order)["allocation_details"][0]
            with self.subTest(tracking=tracking):
                self.assertTrue(detail["success"])
                self.assertEqual(order.picking_ids.move_line_ids.lot_id, lots)
                for lot in lots:
                    self.assertIn(lot.name, detail["message"])

    def test_in_the_unit_of_the_line(self):
        dozen = self.env.ref("uom.product_uom_dozen")
        self._add_stock(self.bolt, 14)
        order = self._create_order(
            (self.bolt, 2, {"product_uom_id": dozen.id}), confirm=True
        )
        detail = self._allocate(order)["allocation_details"][0]
        self.assertEqual(detail["allocated_qty"], 2)
        self.assertEqual(self._reserved(self.bolt), 24)

    def test_pick_and_ship(self):
        self.warehouse.delivery_steps = "pick_ship"
        self.warehouse.pick_type_id.reservation_method = "manual"
        order = self._create_order((self.bolt, 4), confirm=True)
        detail = self._allocate(order)["allocation_details"][0]
        self.assertEqual(detail["allocated_qty"], 4)
        order.picking_ids.button_validate()
        self.assertEqual(len(order.picking_ids), 2)
        detail = self._allocate(order)["allocation_details"][0]
        self.assertEqual(detail["allocated_qty"], 4)
        self.assertTrue(detail["success"])

    def test_services_and_notes(self):
        service = self.env["product.product"].create(
            {"name": "Advice", "type": "service"}
        )
        order = self._create_order((service, 1), (self.bolt, 1))
        order.order_line = [
            Command.create({"display_type": "line_note", "name": "x", "sequence": 1})
        ]
        order.action_confirm()
        details = self._allocate(order)["allocation_details"]
        self.assertEqual([d["line_number"] for d in details], [1, 2])
        self.assertTrue(all(d["success"] for d in details))

    def _assert_credit_refuses(self, order):
        with self.assertRaises(UserError) as caught:
            self._allocate(order)
        message, check = caught.exception.args
        self.assertFalse(check["approved"])
        self.assertEqual(self._reserved(self.bolt), 0)
        return message, check

    def test_credit_is_checked_first(self):
        """Before anything else, and the refusal carries the check's figures."""
        self._limit_credit(50)
        order = self._create_order((self.bolt, 8))
        message, check = self._assert_credit_refuses(order)
        self.assertEqual(
            {name: check[name] for name in check if name != "message"},
            {
                "approved": False,
                "credit_limit": 50.0,
                "outstanding_balance": 0.0,
                "available_credit": 50.0,
                "order_amount": 80.0,
            },
        )
        self.assertEqual(message, check["message"])
        self.customer.sudo().credit_limit = 80
        order.action_confirm()
        self.assertTrue(self._allocate(order)["allocation_details"][0]["success"])

    def test_credit_lost_after_confirmation(self):
        order = self._create_order((self.bolt, 8), confirm=True)
        self._limit_credit(50)
        self._assert_credit_refuses(order)

    def test_order_on_hold_by_hand(self):
        order = self._create_order((self.bolt, 8), confirm=True)
        controller = self._create_user(
            "api_controller",
            "sales_team.group_sale_salesman_all_leads,credit_control.group_credit_user",
        )
        order.with_user(controller).apply_credit_hold("Cheque bounced")
        message, _check = self._assert_credit_refuses(order)
        self.assertIn("Cheque bounced", message)

    def test_rules_for_reservations_are_asked_as_well(self):
        """Refused with the figures, instead of "not enough stock" and a silent hold."""
        order = self._create_order((self.bolt, 8), confirm=True)
        rule = self._limit_credit(50)
        rule.write({"check_order": False, "check_reservation": True})
        _message, check = self._assert_credit_refuses(order)
        self.assertEqual(check["credit_limit"], 50.0)
        self.assertEqual(check["order_amount"], 80.0)
        self.assertFalse(order.credit_hold_ids)
        self.customer.sudo().credit_limit = 80
        self.assertTrue(self._allocate(order)["allocation_details"][0]["success"])

    def test_quotation_and_cancelled_order(self):
        order = self._create_order((self.bolt, 1))
        with self.assertRaisesRegex(UserError, "Confirm it first"):
            self._allocate(order)
        order.action_confirm()
        order._action_cancel()
        with self.assertRaisesRegex(UserError, "cancelled"):
            self._allocate(order)
        self.assertEqual(self._reserved(self.bolt), 0)

    def test_unknown_or_several_orders(self):
        orders = self.env["sale.order"].with_user(self.salesman)
        for order_id in (2**31 - 1, 10**30):
            for method in (
                orders.browse(order_id).allocate_inventory,
                orders.browse(order_id).release_allocation,
            ):
                with self.assertRaises(MissingError):
                    method()
        for order_ids in ([], [1, 2], ["x"]):
            with self.subTest(ids=order_ids), self.assertRaises(UserError):
                orders.browse(order_ids).allocate_inventory()

    def test_users_who_may_not_change_the_order(self):
        order = self._create_order((self.bolt, 1), confirm=True)
        order.partner_id = self.customer
        other = self._create_company(name="Elsewhere Ltd")
        users = [
            self._create_user("api_other", "sales_team.group_sale_salesman"),
            self._create_user("api_away", "sales_team.group_sale_manager", other),
            self._create_user("api_portal", "base.group_portal"),
            self._create_user("api_clerk", "base.group_user"),
        ]
        for user in users:
            for method in ("allocate_inventory", "release_allocation"):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    getattr(order.with_user(user), method)()
        self.assertEqual(self._reserved(self.bolt), 0)
