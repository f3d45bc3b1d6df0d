"""Kits (phantom bills of materials): what can be had of them, and reserved.

Runs in a database of its own, with ``sale_mrp`` installed: see
``tests/test_extras.py``.
"""

from odoo import Command
from odoo.tests import tagged

from odoo.addons.credit_control.tests.common_api import CreditApiCommon


@tagged("post_install", "-at_install")
class TestKits(CreditApiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Two legs and one seat make a stool: enough for three
        cls.leg = cls._create_goods("Leg", quantity=7)
        cls.seat = cls._create_goods("Seat", quantity=5)
        cls.stool = cls.env["product.product"].create(
            {"name": "Stool", "type": "consu", "taxes_id": [Command.clear()]}
        )
        parts = ((cls.leg, 2), (cls.seat, 1))
        cls.env["mrp.bom"].sudo().create(
            {
                "product_tmpl_id": cls.stool.product_tmpl_id.id,
                "type": "phantom",
                "bom_line_ids": [
                    Command.create({"product_id": part.id, "product_qty": quantity})
                    for part, quantity in parts
                ],
            }
        )

    def _check(self, quantity):
        stool = self.stool.with_user(self.salesman)
        return stool.check_availability(self.stock.id, quantity)

    def test_as_many_kits_as_the_scarcest_part_makes(self):
        answer = self._check(3)
        self.assertTrue(answer["tracked"])
        self.assertTrue(answer["available"])
        self.assertEqual(answer["available_qty"], 3)
        answer = self._check(4)
        self.assertFalse(answer["available"])
        self.assertEqual(answer["shortage"], 1)

    def test_reserved_parts_are_not_available(self):
        self._order(2).allocate_inventory()
        self.assertEqual(self._check(1)["available_qty"], 1)

    def test_complete_kits_are_allocated(self):
        order = self._order(4)
        order.release_allocation()
        [detail] = order.allocate_inventory()["allocation_details"]
        self.assertEqual(detail["item"], self.stool.display_name)
        self.assertFalse(detail["success"])
        self.assertEqual(detail["allocated_qty"], 3)
        self._add_stock(self.leg, 1)
        [detail] = order.allocate_inventory()["allocation_details"]
        self.assertTrue(detail["success"])
        self.assertEqual(detail["allocated_qty"], 4)
        [detail] = order.release_allocation()["allocation_details"]
        self.assertEqual(detail["allocated_qty"], 0)

    def _order(self, quantity):
        line = {"product_id": self.stool.id, "product_uom_qty": quantity}
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "user_id": self.salesman.id,
                "order_line": [Command.create(line)],
            }
        )
        order.action_confirm()
        return order.with_user(self.salesman)
