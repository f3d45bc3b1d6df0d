from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestTypedFigures(CreditControlCommon):
    """Figures that decide about credit follow from lines and invoices."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls._create_rule()
        cls.customer.credit_limit = 1000.0
        cls.order = cls._create_order(5000.0, user_id=cls.salesperson.id)
        cls.confirmed = cls._create_order(900.0, quantity=9, user_id=cls.salesperson.id)
        cls.confirmed.action_confirm()

    def _get_forgeries(self):
        """What would make credit look free, per record."""
        invoice = self._create_credit_invoice(5000.0, post=False)
        # The salesperson's own invoice: it may be read and so linked
        invoice.invoice_user_id = self.salesperson
        item = invoice.invoice_line_ids
        for order in self.order | self.confirmed:
            line = order.order_line
            yield order, {"amount_total": 0.01}
            yield order, {"invoice_status": "invoiced"}
            yield order, {"invoice_status": False}
            yield order, {"currency_rate": 1000.0}
            yield line, {"price_total": 0.01}
            yield line, {"qty_invoiced": 9.0}
            yield line, {"qty_to_invoice": -9.0}
            yield line, {"qty_to_invoice": float("nan")}
            yield line, {"invoice_status": "invoiced"}
            yield line, {"invoice_lines": [Command.link(item.id)]}
            yield order, {"order_line": [Command.update(line.id, {"price_total": 0})]}
        yield self.order.order_line, {"state": "sale"}
        yield self.confirmed.order_line, {"is_downpayment": True}

    def test_typed_figures_are_refused(self):
        for record, values in self._get_forgeries():
            with (
                self.subTest(model=record._name, values=values),
                self.assertRaisesRegex(UserError, "not typed|ordinary number"),
            ):
                record.with_user(self.salesperson).write(values)

    def test_warehouse_users_type_no_figures_either(self):
        order = self.order.with_user(self.warehouse_user)
        for record, values in (
            (order, {"amount_total": 0.01}),
            (order.order_line, {"qty_invoiced": 9.0}),
        ):
            with self.assertRaisesRegex(UserError, "not typed"):
                record.write(values)

    def test_figures_of_new_lines_are_computed(self):
        invoice = self._create_credit_invoice(5000.0, post=False)
        invoice.invoice_user_id = self.salesperson
        item = invoice.invoice_line_ids
        lines = self.env["sale.order.line"].with_user(self.salesperson)
        values = {"order_id": self.order.id, "product_id": self.product.id}
        links = [Command.link(item.id)]
        with self.assertRaisesRegex(UserError, "not typed"):
            lines.create({**values, "invoice_lines": links})
        with self.assertRaisesRegex(UserError, "not typed"):
            lines.with_context(default_invoice_lines=links).create(values)
        forged = {
            "amount_total": 0.01,
            "currency_rate": 1000.0,
            "invoice_status": "invoiced",
            "price_total": 0.01,
            "qty_invoiced": 9.0,
            "state": "sale",
        }
        values["price_unit"] = 100.0
        line = lines.create({**values, "price_total": 0.01, "qty_invoiced": 9.0})
        self.assertEqual((line.price_total, line.qty_invoiced), (100.0, 0.0))
        line = lines.with_context(
            **{f"default_{name}": value for name, value in forged.items()}
        ).create(values)
        self.assertEqual((line.price_total, line.qty_invoiced), (100.0, 0.0))
        self.assertEqual((line.state, line.invoice_status), ("draft", "no"))
        order = self.order.with_user(self.salesperson).copy(
            {name: forged[name] for name in ("amount_total", "invoice_status")}
        )
        self.assertEqual((order.amount_total, order.invoice_status), (5200.0, "no"))
        order.action_confirm()
        self.assertEqual(order.state, "draft")

    def test_true_figures_and_what_odoo_types_itself_pass(self):
        order = self.confirmed.with_user(self.salesperson)
        line = order.order_line
        order.write({"amount_total": 900.0, "invoice_status": "no"})
        order.write({"invoice_status": "to invoice"})
        line.write({"price_total": 900.0, "qty_invoiced": 0.0, "invoice_lines": []})
        order._force_lines_to_invoice_policy_order()
        self.assertEqual(line.qty_to_invoice, 9.0)
        self.assertEqual(self._exposure(), 900.0)

    def test_without_rules_odoo_decides(self):
        self.rule.active = False
        self.env["credit.hold"].sudo().search([]).unlink()
        self.confirmed.with_user(self.salesperson).amount_total = 1.0
        self.assertEqual(self.confirmed.amount_total, 1.0)

    def test_goods_are_no_down_payment(self):
        order = self.order.with_user(self.salesperson)
        values = {
            "order_id": order.id,
            "product_id": self.product.id,
            "is_downpayment": True,
        }
        lines = order.order_line.browse()
        for quantity in ({"product_uom_qty": 5}, {}):
            with self.assertRaisesRegex(UserError, "billed, not ordered"):
                lines.create({**values, **quantity})
        line = lines.create({**values, "product_uom_qty": 0})
        with self.assertRaisesRegex(UserError, "billed, not ordered"):
            line.product_uom_qty = 5

    def test_down_payments_are_billed_as_before(self):
        order = self.confirmed.with_user(self.salesperson)
        wizard = self.env["sale.advance.payment.inv"].with_user(self.salesperson)
        wizard = wizard.with_context(active_ids=order.ids).create(
            {"advance_payment_method": "fixed", "fixed_amount": 100.0}
        )
        wizard.create_invoices()
        line = order.order_line.filtered("is_downpayment")
        self.assertTrue(line)
        self.assertEqual(set(line.mapped("product_uom_qty")), {0.0})
        self.assertEqual(self._exposure(), 900.0)
