from psycopg2.errors import CheckViolation

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestBadInput(CreditControlCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.credit_limit = 1000.0
        cls._create_rule(
            check_reservation=True, check_delivery=True, check_invoice=True
        )

    @mute_logger("odoo.sql_db")
    def test_negative_amounts(self):
        limits = self.env["credit.limit"]
        for refused in (
            lambda: self.env["credit.group"].create({"name": "x", "credit_limit": -1}),
            lambda: self._give_authority(self.salesperson, -1),
            lambda: self._give_authority(self.salesperson, 1, limit_amount=-1),
            lambda: limits.create(
                {
                    "partner_id": self.customer.id,
                    "kind": "permanent",
                    "amount": -1,
                    "reason": "x",
                }
            ),
        ):
            # Clients are told the words of the constraint
            with self.assertRaises(CheckViolation) as caught:
                refused()
            self.assertIn("negative", caught.exception.diag.constraint_name)

    def test_last_day_that_is_no_day(self):
        group = self.env["credit.group"].create({"name": "Family"})
        limits = self.env["credit.limit"]
        values = {"partner_id": self.customer.id, "amount": 5.0, "reason": "x"}
        for bad in ("tomorrow", "2990-13-01", 5, True, [1], {"a": 1}):
            for write in (
                lambda day: self.customer.write({"credit_limit_expiry": day}),
                lambda day: self.customer.create(
                    {"name": "x", "credit_limit_expiry": day}
                ),
                lambda day: group.write({"limit_expiry": day}),
                lambda day: limits.create({**values, "date_to": day}),
                lambda day: limits.create({**values, "date_from": day}),
            ):
                with (
                    self.subTest(bad=bad),
                    self.assertRaisesRegex(UserError, "no day"),
                ):
                    write(bad)

    def _hold_order(self):
        order = self._create_order(1300.0)
        order.action_confirm()
        return order.credit_hold_ids

    def _tick(self):
        with self.enter_registry_test_mode():
            self.env.ref("credit_control.cron_recheck").method_direct_trigger()
        self.env.invalidate_all()

    @mute_logger("odoo.sql_db")
    def test_payment_of_nothing_and_of_less(self):
        hold = self._hold_order()
        self._pay(0.0)
        self._tick()
        self.assertEqual((hold.state, hold.amount_over), ("open", 300.0))
        self.assertEqual(self._exposure(), 0.0)
        with self.assertRaises(CheckViolation):
            self._pay(-300.0)
        self._tick()
        self.assertEqual(hold.state, "open")

    def _assert_closed_with(self, document):
        hold = document.credit_hold_ids
        self.assertEqual(hold.state, "open")
        name = document.display_name
        document.unlink()
        self.assertEqual(hold.state, "cancelled")
        self.assertEqual(hold.document_name, name)
        self.assertFalse(hold._get_document())
        with self.assertRaisesRegex(UserError, "deleted"):
            hold.action_open_document()
        with self.assertRaisesRegex(UserError, "closed"):
            hold.with_user(self.approver).action_release("ok")
        hold.action_recheck()
        self.assertEqual(hold.state, "cancelled")

    def test_deleted_transfer(self):
        self._create_credit_invoice(1500.0, post=False)
        stock = self.warehouse.lot_stock_id
        self.env["stock.quant"]._update_available_quantity(self.product, stock, 10)
        customers = self.env.ref("stock.stock_location_customers")
        move = {
            "product_id": self.product.id,
            "product_uom_qty": 1,
            "location_id": stock.id,
            "location_dest_id": customers.id,
        }
        picking = self.env["stock.picking"].create(
            {
                "partner_id": self.customer.id,
                "picking_type_id": self.warehouse.out_type_id.id,
                "location_id": stock.id,
                "location_dest_id": customers.id,
                "move_ids": [(0, 0, move)],
            }
        )
        picking.action_confirm()
        picking.action_assign()
        self.assertEqual(picking.move_ids.quantity, 0)
        self._assert_closed_with(picking)

    def test_deleted_invoice(self):
        invoice = self._create_credit_invoice(1500.0, post=False)
        invoice.action_post()
        self.assertEqual(invoice.state, "draft")
        self._assert_closed_with(invoice)

    def test_limit_without_an_owner_or_with_two(self):
        group = self.env["credit.group"].create({"name": "Family"})
        values = {"kind": "permanent", "amount": 5.0, "reason": "x"}
        for owners in ({}, {"partner_id": self.customer.id, "group_id": group.id}):
            with mute_logger("odoo.sql_db"), self.assertRaises(CheckViolation):
                self.env["credit.limit"].create({**values, **owners})
