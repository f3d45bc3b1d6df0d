import psycopg2

from odoo.exceptions import ConcurrencyError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestTransferHold(CreditControlCommon):
    """Transfers to customers that no order stands behind."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_rule(check_delivery=True)
        cls.customer.credit_limit = 1000.0
        cls._create_credit_invoice(1500.0)
        cls.env["stock.quant"]._update_available_quantity(
            cls.product, cls.warehouse.lot_stock_id, 100
        )
        cls.picking = cls._create_transfer(5)

    @classmethod
    def _create_transfer(cls, quantity):
        picking = cls.env["stock.picking"].create(
            {
                "partner_id": cls.customer.id,
                "picking_type_id": cls.warehouse.out_type_id.id,
                "move_ids": [
                    Command.create(
                        {
                            "product_id": cls.product.id,
                            "product_uom_qty": quantity,
                            "location_id": cls.warehouse.lot_stock_id.id,
                            "location_dest_id": cls.env.ref(
                                "stock.stock_location_customers"
                            ).id,
                        }
                    )
                ],
            }
        )
        picking.action_confirm()
        picking.action_assign()
        return picking

    def _validate(self):
        self.picking.with_user(self.warehouse_user).button_validate()
        return self.picking.state

    def _release(self):
        self.assertNotEqual(self._validate(), "done")
        hold = self.picking.credit_hold_ids
        hold.with_user(self.approver).action_release("ok")
        return hold

    def test_release_lets_the_goods_go(self):
        hold = self._release()
        self.assertEqual(hold.approved_total, 500.0)
        self.assertEqual(self._validate(), "done")

    def test_release_covers_no_more_goods(self):
        self._release()
        self.picking.move_ids.quantity = 50
        self.assertNotEqual(self._validate(), "done")
        self.assertEqual(self.picking.credit_state, "hold")

    def test_release_covers_no_dearer_goods(self):
        self._release()
        dear = self.product.create(
            {"name": "Dear", "is_storable": True, "list_price": 9000.0}
        )
        self.env["stock.quant"]._update_available_quantity(
            dear, self.warehouse.lot_stock_id, 5
        )
        move = self.picking.move_ids
        move.copy({"product_id": dear.id, "picking_id": self.picking.id})
        self.picking.action_confirm()
        self.picking.action_assign()
        self.assertNotEqual(self._validate(), "done")

    def test_release_covers_a_part(self):
        self._release()
        self.picking.move_ids.quantity = 2
        self.picking.with_user(self.warehouse_user).with_context(
            skip_backorder=True
        ).button_validate()
        self.assertEqual(self.picking.state, "done")

    def test_one_open_hold_per_transfer(self):
        self._validate()
        hold = self.picking.credit_hold_ids
        [vals] = hold.copy_data()
        with mute_logger("odoo.sql_db"), self.assertRaises(ConcurrencyError):
            hold._open(self.picking, vals)

    def test_one_open_hold_per_invoice(self):
        invoice = self._create_credit_invoice(post=False)
        self._validate()
        [vals] = self.picking.credit_hold_ids.copy_data()
        vals |= {"picking_id": False, "move_id": invoice.id}
        holds = self.env["credit.hold"].sudo()
        holds.create(vals)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
        ):
            holds.create(vals)
