from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common_attack import AttackCommon


@tagged("post_install", "-at_install")
class TestAttempts(AttackCommon):
    """Ways around the gate in several steps, each by who has the ordinary rights."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.small = cls._create_order(1.0, user_id=cls.salesperson.id)
        cls.small.action_confirm()
        cls.env.flush_all()

    def _attempt(self, user, *steps):
        """Take the steps as far as they are not refused, then go on as usual.

        :param steps: (records, method, arguments)
        """
        with self.env.cr.savepoint() as savepoint:
            for records, method, *arguments in steps:
                try:
                    with self.env.cr.savepoint():
                        getattr(records.with_user(user), method)(*arguments)
                        self.env.flush_all()
                except UserError:
                    continue
            self.assertEqual(self._look_around(), [])
            savepoint.rollback()
        self.env.invalidate_all()

    def _get_goods(self, **values):
        return {"product_id": self.product.id, "product_uom_qty": 50, **values}

    def test_line_whose_order_is_a_default(self):
        lines = self.env["sale.order.line"]
        lines = lines.with_context(default_order_id=self.confirmed.id)
        goods = self._get_goods(price_unit=100.0)
        self._attempt(self.salesperson, (lines, "create", goods))

    def test_line_of_another_order(self):
        line = self.confirmed.order_line
        update = Command.update(line.id, {"product_uom_qty": 9999})
        self._attempt(self.salesperson, (self.small, "write", {"order_line": [update]}))

    def test_line_moved_to_a_confirmed_order(self):
        values = {"order_id": self.confirmed.id}
        self._attempt(self.salesperson, (self.order.order_line, "write", values))

    def test_figures_are_typed(self):
        line = self.order.order_line
        for user in self.salesperson | self.warehouse_user:
            for record, values in (
                (self.order, {"amount_total": 0.01}),
                (self.order, {"invoice_status": "invoiced"}),
                (line, {"price_total": 0.01}),
                (line, {"qty_invoiced": 1.0}),
                (line, {"qty_to_invoice": 0.0}),
                (line, {"is_downpayment": True}),
            ):
                with self.subTest(user=user.login, **values):
                    self._attempt(user, (record, "write", values))

    def test_confirmed_once_more(self):
        update = Command.update(self.confirmed.order_line.id, {"product_uom_qty": 99})
        values = {"state": "sale", "order_line": [update]}
        self._attempt(self.salesperson, (self.confirmed, "write", values))

    def test_born_confirmed(self):
        values = {
            "partner_id": self.customer.id,
            "order_line": [Command.create(self._get_goods(price_unit=100.0))],
        }
        orders = self.env["sale.order"]
        for step in (
            (orders.with_context(default_state="sale"), "create", values),
            (orders, "create", {**values, "state": "sale"}),
        ):
            self._attempt(self.salesperson, step)

    def test_more_is_delivered_than_ordered(self):
        move = self.small.order_line.move_ids
        self._attempt(
            self.warehouse_user,
            (move, "write", {"quantity": 9999, "picked": True}),
            (move.picking_id, "button_validate"),
        )

    def test_delivered_quantity_is_typed(self):
        line = self.confirmed.order_line
        for user in self.salesperson | self.warehouse_user:
            self._attempt(user, (line, "write", {"qty_delivered": 9e6}))

    def test_transfer_detached_from_its_order(self):
        moves = self.env["stock.move"].browse(self.held_move_ids)
        values = {"sale_line_id": False}
        for user in self.salesperson | self.warehouse_user:
            self._attempt(user, (moves, "write", values))

    def test_limit_by_default(self):
        forged = {"default_credit_limit": 9e6, "default_credit_limit_policy": "limit"}
        partners = self.env["res.partner"].with_context(**forged)
        for user in self._get_attackers():
            self._attempt(user, (partners, "create", {"name": "New"}))

    def test_cancelled_and_confirmed_again(self):
        order = self.order
        self._attempt(
            self.salesperson, (order, "_action_cancel"), (order, "action_draft")
        )
