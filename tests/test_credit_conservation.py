from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.credit_control.tests.common import CreditControlCommon

# What a walk may do; the second part only changes the stage of what exists.
COMMITMENTS = ("order_delivery", "order_ordered", "order_foreign", "order_branch")
STAGES = ("invoice", "post", "reset", "down_payment", "deliver")
EVENTS = ("pay", "credit_note", "cancel_draft", "cancel_order")
ACTIONS = st.tuples(
    st.sampled_from(COMMITMENTS + STAGES + EVENTS), st.integers(1, 9), st.integers(0, 5)
)


@tagged("post_install", "-at_install")
class TestConservation(CreditControlCommon):
    """Random walks: each amount sits in one bucket, stages move nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch = cls.env["res.company"].create(
            {"name": "Branch", "parent_id": cls.company.id}
        )
        cls.cr.precommit.run()
        cls.env.user.company_ids |= cls.branch
        currency = cls.setup_other_currency("EUR", rates=[("2000-01-01", 3.0)])
        cls.foreign = cls.env["product.pricelist"].create(
            {"name": "EUR", "currency_id": currency.id}
        )
        cls.ordered = cls.product.copy({"invoice_policy": "order"})
        cls.ordered.taxes_id = cls.product.taxes_id = False

    @given(st.lists(ACTIONS, min_size=3, max_size=9))
    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def test_walks(self, actions):
        with self.env.cr.savepoint() as savepoint:
            self.orders = self.env["sale.order"]
            for name, quantity, pick in actions:
                self._step(name, quantity, pick)
            savepoint.rollback()
        self.env.invalidate_all()

    def _step(self, name, quantity, pick):
        before = self._exposure()
        moved = getattr(self, f"_do_{name}")(quantity, pick) or 0.0
        figures = self._figures()
        # A cent per document may come from rounding taxes and rates
        self.assertAlmostEqual(figures.exposure, before + moved, delta=0.05, msg=name)
        self.assertAlmostEqual(
            figures.exposure,
            figures.open_items + figures.orders + figures.draft_invoices,
            2,
        )
        self._check_decision(figures.exposure)

    def _check_decision(self, expected):
        decided = self.env["credit.exposure"]._get_decision_exposure(
            self.company, self.customer.ids
        )
        self.assertAlmostEqual(decided, expected, 2)
        self.assertAlmostEqual(self._fresh_exposure(), expected, 2)
        self.assertAlmostEqual(self._listed_exposure(), expected, 2)

    def _confirm(self, quantity, product=None, rate=1.0, **values):
        line = {
            "product_id": (product or self.product).id,
            "product_uom_qty": quantity,
            "price_unit": 90.0,
            "tax_ids": [Command.clear()],
        }
        order = self._create_order(order_line=[Command.create(line)], **values)
        order.action_confirm()
        self.orders |= order
        return 90.0 * quantity / rate

    def _do_order_delivery(self, quantity, pick):
        return self._confirm(quantity)

    def _do_order_ordered(self, quantity, pick):
        return self._confirm(quantity, self.ordered)

    def _do_order_foreign(self, quantity, pick):
        return self._confirm(quantity, self.ordered, 3.0, pricelist_id=self.foreign.id)

    def _do_order_branch(self, quantity, pick):
        return self._confirm(quantity, self.ordered, company_id=self.branch.id)

    def _choose(self, records, pick):
        return records[pick % len(records)] if records else records

    def _do_deliver(self, quantity, pick):
        order = self._choose(self.orders.filtered(lambda o: o.state == "sale"), pick)
        open_moves = order.picking_ids.move_ids.filtered(
            lambda move: move.state not in ("done", "cancel")
        )
        if open_moves and quantity < min(open_moves.mapped("product_uom_qty")):
            self._deliver(order, quantity)

    def _do_invoice(self, quantity, pick):
        orders = self.orders.filtered(lambda o: o.invoice_status == "to invoice")
        if order := self._choose(orders, pick):
            order._create_invoices(final=True)

    def _do_down_payment(self, quantity, pick):
        orders = self.orders.filtered(lambda o: o.state == "sale" and not o.invoice_ids)
        if order := self._choose(orders, pick):
            self.env["sale.advance.payment.inv"].with_context(
                active_model="sale.order", active_ids=order.ids
            ).create(
                {"advance_payment_method": "percentage", "amount": 10 * quantity}
            ).create_invoices()

    def _get_invoices(self, state):
        return self.orders.invoice_ids.filtered(lambda move: move.state == state)

    def _do_post(self, quantity, pick):
        if invoice := self._choose(self._get_invoices("draft"), pick):
            invoice.action_post()

    def _do_reset(self, quantity, pick):
        if invoice := self._choose(self._get_invoices("posted"), pick):
            invoice.button_draft()

    def _do_cancel_draft(self, quantity, pick):
        """The order takes back what the cancelled draft billed."""
        if invoice := self._choose(self._get_invoices("draft"), pick):
            invoice.button_cancel()

    def _do_credit_note(self, quantity, pick):
        """So does it take back what a credit note takes off its invoice."""
        invoices = self._get_invoices("posted").filtered(
            lambda move: (
                move.move_type == "out_invoice"
                and not move.reversal_move_ids
                and not move.line_ids.sale_line_ids.filtered("is_downpayment")
            )
        )
        if invoice := self._choose(invoices, pick):
            invoice._reverse_moves()

    def _do_pay(self, quantity, pick):
        self._pay(10.0 * quantity)
        return -10.0 * quantity

    def _do_cancel_order(self, quantity, pick):
        orders = self.orders.filtered(lambda o: o.state == "sale" and not o.invoice_ids)
        if order := self._choose(orders, pick):
            amounts = self.env["credit.exposure"]._get_order_amounts(order)
            order._action_cancel()
            return -amounts[order.id]
