"""Sales orders that are settled at the point of sale, on customer account.

Runs in a database of its own, with ``pos_sale`` installed: see
``tests/test_point_of_sale.py``.
"""

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.point_of_sale.tests.test_frontend import TestPointOfSaleHttpCommon

from tests.pos.common import PosCreditCommon, create_rule


@tagged("post_install", "-at_install")
class TestPosSettlement(PosCreditCommon):
    def setUp(self):
        super().setUp()
        self.down_payment = self.env.ref("pos_sale.default_downpayment_product")
        self.config.down_payment_product_id = self.down_payment

    def _order(self, quantity=2, confirm=True, **values):
        """An order over 100 per piece, taxes included."""
        # The cashier may not sell by orders
        order = self.env["sale.order"].sudo()
        line = {
            "product_id": self.product.id,
            "product_uom_qty": quantity,
            "tax_ids": False,
            **values.pop("line", {}),
        }
        order = order.create(
            {
                "partner_id": self.customer.id,
                "order_line": [Command.create(line)],
                **values,
            }
        )
        if confirm:
            order.action_confirm()
            self.assertEqual(order.state, "sale")
        return order

    def _item(self, order, quantity):
        return {
            "product": self.product,
            "quantity": quantity,
            "sale_order_origin_id": order.id,
            "sale_order_line_id": order.order_line[0].id,
        }

    def _advance(self, order, amount, quantity=1):
        """A down payment; settled with quantity -1, when it has its order line."""
        line = order.order_line.filtered(
            lambda line: line.is_downpayment and not line.display_type
        )
        item = {
            "product": self.down_payment,
            "quantity": quantity,
            "price_unit": amount,
            "price_subtotal": amount * quantity,
            "price_subtotal_incl": amount * quantity,
            "sale_order_origin_id": order.id,
        }
        if quantity < 0:
            item["sale_order_line_id"] = line.id
        return item

    def _sell(self, items, amount, method=None, **kwargs):
        data = {
            "pos_order_lines_ui_args": items,
            "payments": [(method or self.pay_later_pm, amount)],
            "customer": self.customer,
            **kwargs,
        }
        [sale] = self._create_orders([data]).values()
        self.assertEqual(sale.state, "done" if sale.is_invoiced else "paid")
        self.assertEqual(sale.amount_total, amount)
        return sale

    def _assert_owed(self, amount, message=None):
        self.assertAlmostEqual(self._figures().exposure, amount, 2, message)
        self.assertAlmostEqual(self._decide(), amount, 2, message)

    def _ask(self, amount, *settles, user=None):
        customer = self.customer.with_user(user or self.env.user)
        return customer.check_account_sale(amount, None, list(settles))

    def _settles(self, order, quantity):
        return {"line_id": order.order_line[0].id, "quantity": quantity}

    # ------------------------------------------------------------------
    # Exposure from stage to stage
    # ------------------------------------------------------------------

    def test_settled_order_is_owed_once(self):
        order = self._order()
        self._assert_owed(200.0)
        session = self._open()
        self._sell([self._item(order, 1)], 100.0)
        self._assert_owed(200.0, "half of it settled")
        self._sell([self._item(order, 1)], 100.0)
        self._assert_owed(200.0, "all of it settled")
        self.assertEqual(self._figures().open_items, 0.0)
        self._close(session)
        self._assert_owed(200.0, "booked")
        self.assertEqual(self._figures().open_items, 200.0)

    def test_dozens_are_settled_by_the_piece(self):
        dozen = self.env.ref("uom.product_uom_dozen")
        line = {"product_uom_id": dozen.id, "price_unit": 240.0}
        order = self._order(1, line=line)
        self._assert_owed(240.0)
        answer = self._ask(120.0, self._settles(order, 6))
        self.assertTrue(answer["approved"])
        self._open()
        item = {"price_unit": 20.0, "price_subtotal": 120.0}
        item = {**self._item(order, 6), **item, "price_subtotal_incl": 120.0}
        self._sell([item], 120.0)
        self._assert_owed(240.0)

    def test_down_payment_on_account_and_settlement(self):
        order = self._order()
        session = self._open()
        self._sell([self._advance(order, 50.0)], 50.0)
        self._assert_owed(200.0)
        self._close(session)
        self._assert_owed(200.0)
        advance = {"order_id": order.id, "amount": -50.0}
        answer = self._ask(150.0, self._settles(order, 2), advance)
        self.assertEqual(answer["outstanding_balance"], 50.0)
        session = self._open()
        self._sell([self._item(order, 2), self._advance(order, 50.0, -1)], 150.0)
        self._assert_owed(200.0)
        self._close(session)
        self._assert_owed(200.0)
        self.assertEqual(self._figures().open_items, 200.0)

    def test_down_payment_in_cash_is_owed_no_more(self):
        order = self._order()
        session = self._open()
        self._sell([self._advance(order, 50.0)], 50.0, self.cash_pm1)
        self._assert_owed(150.0)
        self._close(session, 50)
        self._assert_owed(150.0)
        self._open()
        self._sell([self._item(order, 2), self._advance(order, 50.0, -1)], 150.0)
        self._assert_owed(150.0)

    def test_down_payment_at_the_till_and_invoice_of_the_office(self):
        order = self._order()
        self._open()
        self._sell([self._advance(order, 50.0)], 50.0, is_invoiced=True)
        self._assert_owed(200.0)
        invoice = order._create_invoices(final=True)
        self.assertEqual(invoice.amount_total, 150.0)
        self._assert_owed(200.0, "drafted")
        invoice.action_post()
        self._assert_owed(200.0, "posted")

    # ------------------------------------------------------------------
    # The question of the payment screen
    # ------------------------------------------------------------------

    def test_question_does_not_count_the_order_twice(self):
        order = self._order()
        self.assertFalse(self._ask(200.0)["approved"], "something else, on top")
        settles = self._settles(order, 2)
        self.assertTrue(self._ask(250.0, settles)["approved"])
        answer = self._ask(250.01, settles)
        self.assertFalse(answer["approved"])
        half = self._settles(order, 1)
        self.assertTrue(self._ask(150.0, half)["approved"])
        self.assertFalse(self._ask(150.01, half)["approved"])
        advance = {"order_id": order.id, "amount": 100.0}
        self.assertTrue(self._ask(150.0, advance)["approved"])
        self.assertFalse(self._ask(150.01, advance)["approved"])
        self._assert_owed(200.0, "nothing was changed")

    def test_question_about_more_than_was_ordered(self):
        """Neither a line nor a return makes room for more than there is of it."""
        order = self._order()
        self.assertFalse(self._ask(5000.0, self._settles(order, 50))["approved"])
        self.customer.credit_limit = 1000.0
        line = {"product_id": self.product.id, "tax_ids": False}
        order.order_line = [Command.create({**line, "product_uom_qty": -1})]
        back = order.order_line.filtered(lambda line: line.product_uom_qty < 0)
        answer = self._ask(5000.0, {"line_id": back.id, "quantity": 50})
        self.assertFalse(answer["approved"])

    def test_question_about_what_settles_nothing(self):
        """Neither quotations nor what others owe make room for a sale."""
        other = self.env["res.partner"].create({"name": "Other", "credit_limit": 1e6})
        order, quotation = self._order(), self._order(confirm=False)
        foreign = self._order(partner_id=other.id)
        foreign_settled = self._settles(foreign, 2)
        for settles in (
            foreign_settled,
            {"order_id": foreign.id, "amount": 100.0},
            self._settles(quotation, 2),
            {"line_id": 2**31 - 1, "quantity": 1},
        ):
            self.assertFalse(self._ask(100.0, settles)["approved"], settles)
        cashier = new_test_user(
            self.env, "till_only", "base.group_user,point_of_sale.group_pos_user"
        )
        cashier.company_ids = cashier.company_id = self.env.company
        settles = self._settles(order, 2)
        answer = self._ask(100.0, settles, user=cashier)
        self.assertFalse(answer["approved"], "who may not read the order")
        for bad in (
            "x",
            ["x"],
            [{}],
            [{"line_id": 1}],
            [{**settles, "quantity": float("nan")}],
            [{**settles, "line_id": "1 OR 1=1"}],
            [{"order_id": order.id, "amount": "much"}],
        ):
            with self.subTest(bad=bad), self.assertRaises(UserError):
                self.customer.check_account_sale(1.0, None, bad)

    def test_question_follows_decisions_on_the_order(self):
        """A release holds at the till as well, and so does a hold by hand."""
        order = self._order(5, confirm=False)
        order.action_confirm()
        self.assertEqual(order.credit_state, "hold")
        settles = self._settles(order, 5)
        self.assertFalse(self._ask(500.0, settles)["approved"])
        approver = new_test_user(
            self.env, "till_approver", "credit_control.group_credit_approver"
        )
        approver.company_ids = approver.company_id = self.env.company
        self.env["credit.authority"].sudo().create(
            {
                "user_id": approver.id,
                "amount": 1000.0,
                "limit_amount": 0.0,
                "company_id": self.env.company.id,
            }
        )
        order.credit_hold_ids.with_user(approver).action_release("Known for years")
        self.assertTrue(self._ask(500.0, settles)["approved"], "before it is confirmed")
        more = self._settles(order, 50)
        self.assertFalse(self._ask(5000.0, more)["approved"], "typed at the till")
        twice = self._ask(1000.0, settles, settles)
        self.assertFalse(twice["approved"], "loaded twice")
        order.action_confirm()
        self.assertTrue(self._ask(500.0, settles)["approved"], "and after it")
        self.assertFalse(self._ask(501.0, settles)["approved"], "but no more than that")
        order._hold_manually("Dispute")
        self.assertFalse(self._ask(500.0, settles)["approved"])

    def test_question_about_a_confirmed_order_that_grew_too_large(self):
        order = self._order()
        order.order_line.product_uom_qty = 5
        self.assertEqual((order.state, order.credit_state), ("sale", "hold"))
        settles = self._settles(order, 5)
        self.assertFalse(self._ask(500.0, settles)["approved"])
        self.customer.credit_limit = 500.0
        self.assertTrue(self._ask(500.0, settles)["approved"])

    # ------------------------------------------------------------------
    # Balance Guard
    # ------------------------------------------------------------------

    def test_released_order_settled_on_account_is_no_finding(self):
        order = self._confirm_by_release(1000.0)
        session = self._open()
        item = {**self._item(order, 1), "price_unit": 1000.0}
        item.update(price_subtotal=1000.0, price_subtotal_incl=1000.0)
        self._sell([item], 1000.0)
        self.assertFalse(self._guard())
        self._close(session)
        self.assertFalse(self._guard())
        self._open()
        self._sell([{"product": self.product, "quantity": 3}], 300.0)
        finding = self._guard()
        self.assertEqual((finding.actual, finding.difference), (1300.0, -50.0))


@tagged("post_install", "-at_install")
class TestPosSettlementScreen(TestPointOfSaleHttpCommon):
    def test_order_is_settled_on_account(self):
        """With room for the order once, not twice."""
        self.main_pos_config.payment_method_ids = self.env["pos.payment.method"].create(
            {"name": "Customer Account", "split_transactions": True}
        )
        customer = self.env["res.partner"].create(
            {"name": "AAA On Account", "credit_limit": 100.0}
        )
        product = self.env["product.product"].create(
            {"name": "Lamp on order", "available_in_pos": True}
        )
        create_rule(self.env, self.main_pos_config.company_id)
        line = {"product_id": product.id, "price_unit": 100.0, "tax_ids": False}
        # The cashier may not sell by orders
        order = self.env["sale.order"].sudo()
        order = order.create(
            {"partner_id": customer.id, "order_line": [Command.create(line)]}
        )
        order.action_confirm()
        self.assertEqual(order.state, "sale")
        self.main_pos_config.with_user(self.pos_user).open_ui()
        self.start_pos_tour("credit_order_is_settled_on_account")
        sale = self.env["pos.order"].search([("state", "=", "paid")])
        self.assertEqual(sale.lines.sale_order_line_id, order.order_line)
        self.assertEqual(customer.sudo().credit_exposure, 100.0)
