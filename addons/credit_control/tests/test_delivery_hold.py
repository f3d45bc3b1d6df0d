from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestDeliveryHold(CreditControlCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.credit_limit = 1000.0
        cls.stock = cls.warehouse.lot_stock_id
        cls.env["stock.quant"]._update_available_quantity(cls.product, cls.stock, 10)
        cls.order = cls._create_order(900.0, quantity=9, user_id=cls.salesperson.id)

    def _confirm_and_hold(self):
        self.order.action_confirm()
        self.order.apply_credit_hold("Cheque bounced")
        return self.order.picking_ids.with_user(self.warehouse_user)

    def test_held_order_is_not_reserved_by_anything(self):
        self._create_rule()
        self.order.action_confirm()
        picking = self.order.picking_ids
        picking.do_unreserve()
        self.order.apply_credit_hold("Cheque bounced")
        picking.with_user(self.warehouse_user).action_assign()
        self.env["stock.rule"].run_scheduler()
        self.env["stock.quant"]._update_available_quantity(self.product, self.stock, 10)
        picking.move_ids._trigger_assign()
        self.assertEqual(picking.move_ids.quantity, 0)
        self.assertEqual(picking.move_ids.state, "confirmed")

    def test_stock_priority_is_kept(self):
        self.order.action_confirm()
        picking = self.order.picking_ids
        picking.do_unreserve()
        before = picking.move_ids.read(["date", "priority", "date_deadline"])
        self.order.apply_credit_hold("Cheque bounced")
        picking.action_assign()
        self.order.credit_hold_ids.with_user(self.approver).action_release("paid")
        after = picking.move_ids.read(["date", "priority", "date_deadline"])
        self.assertEqual(before, after)
        self.assertEqual(picking.move_ids.quantity, 9)

    def _create_overdue_invoice(self, partner=None):
        invoice = self._create_credit_invoice(10.0, partner=partner, post=False)
        invoice.invoice_date_due = "2020-01-01"
        invoice.action_post()

    def test_reservation_rule_holds_before_goods_are_reserved(self):
        self._create_rule(
            "overdue_days", 30.0, check_order=False, check_reservation=True
        )
        self._create_overdue_invoice()
        other = self._create_order(
            100.0, partner=self.env["res.partner"].create({"name": "Prompt payer"})
        )
        (self.order | other).action_confirm()
        self.assertEqual(self.order.state, "sale")
        self.assertRecordValues(
            self.order.credit_hold_ids,
            [
                {
                    "state": "open",
                    "checkpoint": "reservation",
                    "reason_type": "overdue_days",
                }
            ],
        )
        self.assertEqual(self.order.picking_ids.move_ids.quantity, 0)
        self.assertEqual(other.picking_ids.move_ids.quantity, 1, "others go on")
        self.env["stock.rule"].run_scheduler()
        self.order.picking_ids.with_user(self.warehouse_user).action_assign()
        self.assertEqual(self.order.picking_ids.move_ids.quantity, 0)
        self.assertEqual(len(self.order.credit_hold_ids), 1)
        self.order.credit_hold_ids.with_user(self.approver).action_release("ok")
        self.assertEqual(self.order.picking_ids.move_ids.quantity, 9)

    def test_reservation_rule_lets_others_reserve(self):
        self._create_rule(
            "overdue_days", 30.0, check_order=False, check_reservation=True
        )
        self.order.action_confirm()
        self.assertEqual(self.order.credit_state, "none")
        self.assertEqual(self.order.picking_ids.move_ids.quantity, 9)

    def test_reservation_rule_that_warns_reserves(self):
        self._create_rule(
            "overdue_days",
            30.0,
            check_order=False,
            check_reservation=True,
            action="warn",
        )
        self._create_overdue_invoice()
        self.order.action_confirm()
        self.assertEqual(self.order.credit_state, "none")
        self.assertEqual(self.order.picking_ids.move_ids.quantity, 9)
        notes = " ".join(self.order.message_ids.mapped("body"))
        self.assertIn("Credit warning: overdue_days", notes)

    def test_immediate_transfer_is_examined(self):
        self._create_rule(check_delivery=True)
        self._create_credit_invoice(1500.0)
        picking = self._create_delivery().with_user(self.warehouse_user)
        self.assertEqual(picking.state, "draft")
        picking.move_ids.write({"quantity": 1, "picked": True})
        action = picking.button_validate()
        self.assertEqual(action["tag"], "display_notification")
        self.assertNotEqual(picking.state, "done")
        self.assertEqual(picking.sudo().credit_hold_ids.state, "open")
        with self.assertRaisesRegex(UserError, "Credit limit used"):
            picking._action_done()

    def test_immediate_transfer_for_a_held_order_takes_no_goods(self):
        self._confirm_and_hold()
        picking = self._create_delivery()
        picking.move_ids.sale_line_id = self.order.order_line
        with self.assertRaisesRegex(UserError, "credit hold"):
            picking.move_ids.with_user(self.warehouse_user).quantity = 1

    def test_typed_quantity_is_refused(self):
        self.order.action_confirm()
        self.order.picking_ids.do_unreserve()
        self.order.apply_credit_hold("Cheque bounced")
        move = self.order.picking_ids.move_ids.with_user(self.warehouse_user)
        with self.assertRaisesRegex(UserError, "credit hold"):
            move.quantity = 5
        with self.assertRaisesRegex(UserError, "credit hold"):
            self.env["stock.move.line"].with_user(self.warehouse_user).create(
                {
                    "move_id": move.id,
                    "picking_id": move.picking_id.id,
                    "product_id": self.product.id,
                    "quantity": 5,
                }
            )

    def test_validation_is_stopped_with_a_message(self):
        picking = self._confirm_and_hold()
        action = picking.button_validate()
        self.assertEqual(action["tag"], "display_notification")
        self.assertNotEqual(picking.state, "done")

    def test_hard_stop_below_the_button(self):
        picking = self._confirm_and_hold()
        picking.move_ids.picked = True
        with self.assertRaisesRegex(UserError, "Cheque bounced"):
            picking._action_done()

    def test_backorder_of_a_held_order_is_stopped(self):
        self.order.action_confirm()
        self._deliver(self.order, 4)
        backorder = self.order.picking_ids.filtered(lambda p: p.state != "done")
        self.order.apply_credit_hold("Cheque bounced")
        backorder.with_context(skip_backorder=True).button_validate()
        self.assertNotEqual(backorder.state, "done")

    def test_transfer_without_order_is_examined_at_delivery(self):
        self._create_rule(check_delivery=True)
        self._create_credit_invoice(1500.0)
        picking = self._create_delivery()
        picking.move_ids.quantity = 1
        picking.move_ids.picked = True
        picking.with_user(self.warehouse_user).button_validate()
        self.assertNotEqual(picking.state, "done")
        self.assertEqual(picking.credit_hold_ids.state, "open")
        picking.credit_hold_ids.with_user(self.approver).action_release("ok")
        picking.with_user(self.warehouse_user).button_validate()
        self.assertEqual(picking.state, "done")

    def _create_delivery(self):
        warehouse = self.warehouse
        return self.env["stock.picking"].create(
            {
                "partner_id": self.customer.id,
                "picking_type_id": warehouse.out_type_id.id,
                "location_id": self.stock.id,
                "location_dest_id": self.env.ref("stock.stock_location_customers").id,
                "move_ids": [
                    (
                        0,
                        0,
                        {
                            "product_id": self.product.id,
                            "product_uom_qty": 1,
                            "location_id": self.stock.id,
                            "location_dest_id": self.env.ref(
                                "stock.stock_location_customers"
                            ).id,
                        },
                    )
                ],
            }
        )

    def test_delivery_rule_holds_an_order_that_was_fine(self):
        self._create_rule("overdue_days", 30.0, check_order=False, check_delivery=True)
        self.order.action_confirm()
        self._create_overdue_invoice()
        picking = self.order.picking_ids.with_user(self.warehouse_user)
        picking.button_validate()
        self.assertEqual(self.order.credit_state, "hold")
        self.order.credit_hold_ids.with_user(self.approver).action_release("ok")
        picking.button_validate()
        self.assertEqual(picking.state, "done")

    def test_returns_and_receipts_are_free(self):
        self._create_rule(check_delivery=True, check_reservation=True)
        self.order.action_confirm()
        self._deliver(self.order)
        self._create_credit_invoice(5000.0)
        self.order.apply_credit_hold("Cheque bounced")
        wizard = (
            self.env["stock.return.picking"]
            .with_context(
                active_id=self.order.picking_ids.id, active_model="stock.picking"
            )
            .create({})
        )
        wizard.product_return_moves.quantity = 3
        returned = self.env["stock.picking"].browse(
            wizard.action_create_returns()["res_id"]
        )
        returned.move_ids.quantity = 3
        returned.move_ids.picked = True
        returned.button_validate()
        self.assertEqual(returned.state, "done")

    def test_transfer_shows_the_credit_of_who_pays(self):
        self._create_rule()
        payer = self.env["res.partner"].create({"name": "Payer", "credit_limit": 400})
        order = self._create_order(100.0, partner_invoice_id=payer.id)
        order.action_confirm()
        picking = order.picking_ids.with_user(self.salesperson)
        self.assertEqual(picking.credit_gauge, 25.0)
        self.assertIn("400.00", picking.credit_gauge_text)

    def test_warehouse_learns_of_the_hold_and_of_no_amount(self):
        self._create_rule(check_order=False, check_delivery=True)
        self._create_rule(
            "order_amount", 1.0, name="Large", check_delivery=True, action="warn"
        )
        self.order.action_confirm()
        self._create_credit_invoice(5000.0)
        picking = self.order.picking_ids.with_user(self.warehouse_user)
        picking.move_ids.write({"quantity": 3, "picked": True})
        message = picking.button_validate()["params"]["message"]
        self.assertEqual(message, f"{self.order.name}: Credit limit used")
        self.assertEqual(picking.credit_order_state, "hold")
        self.assertEqual(picking.credit_reasons, "Credit limit used")
        with self.assertRaisesRegex(UserError, "Credit limit used$"):
            picking._action_done()
        for field_name in ("credit_gauge", "credit_gauge_text"):
            with self.assertRaises(AccessError):
                picking.read([field_name])
        view = picking.get_view(view_type="form")["arch"]
        self.assertNotIn("credit_gauge", view)
        self.assertIn("credit_reasons", view)
        messages = picking.sudo().message_ids | self.order.message_ids
        for body in messages.mapped("body"):
            self.assertNotIn("5,", body)
        self.assertIn("5,", self.order.credit_reasons, "sellers know")
