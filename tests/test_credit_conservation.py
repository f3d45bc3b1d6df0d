from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.credit_control.tests.common import CreditControlCommon

# What a walk may do; the second part only changes the stage of what exists.
COMMITMENTS = (
    "order_delivery",
    "order_ordered",
    "order_foreign",
    "order_branch",
    "order_elsewhere",
)
STAGES = (
    "invoice",
    "post",
    "reset",
    "down_payment",
    "deliver",
    "deliver_all",
    "reconcile",
    "unreconcile",
)
EVENTS = ("pay", "credit_note", "cancel_draft", "cancel_order", "return")
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
        cls.elsewhere = cls.setup_other_company()["company"]
        cls.env.user.company_ids |= cls.elsewhere

    @given(st.lists(ACTIONS, min_size=3, max_size=9))
    @settings(
        max_examples=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def test_walks(self, actions):
        with self.env.cr.savepoint() as savepoint:
            self.orders = self.far_orders = self.env["sale.order"]
            self.far_exposure = 0.0
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
        self._check_companies(figures.exposure)

    def _check_decision(self, expected):
        decided = self.env["credit.exposure"]._get_decision_exposure(
            self.company, self.customer.ids
        )
        self.assertAlmostEqual(decided, expected, 2)
        self.assertAlmostEqual(self._fresh_exposure(), expected, 2)
        self.assertAlmostEqual(self._listed_exposure(), expected, 2)

    def _check_companies(self, expected):
        """Whatever companies are active, each sees what it is owed and no more."""
        self.assertAlmostEqual(
            self._figures(company=self.elsewhere).exposure, self.far_exposure, 2
        )
        everywhere = (self.elsewhere | self.branch | self.company).ids
        for company in (self.company, self.branch, self.elsewhere):
            others = [id_ for id_ in everywhere if id_ != company.id]
            customer = self.customer.with_context(
                allowed_company_ids=[company.id, *others]
            )
            customer.invalidate_recordset()
            far = company == self.elsewhere
            self.assertAlmostEqual(
                customer.credit_exposure, self.far_exposure if far else expected, 2
            )

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

    def _do_order_elsewhere(self, quantity, pick):
        """Another company's customer by chance: here nothing moves."""
        orders, self.orders = self.orders, self.far_orders
        self.far_exposure += self._confirm(
            quantity, self.ordered, company_id=self.elsewhere.id
        )
        self.far_orders, self.orders = self.orders, orders

    def _choose(self, records, pick):
        return records[pick % len(records)] if records else records

    def _do_deliver(self, quantity, pick):
        order = self._choose(self.orders.filtered(lambda o: o.state == "sale"), pick)
        open_moves = order.picking_ids.move_ids.filtered(
            lambda move: move.state not in ("done", "cancel")
        )
        if open_moves and quantity < min(open_moves.mapped("product_uom_qty")):
            self._deliver(order, quantity)

    def _do_deliver_all(self, quantity, pick):
        order = self._choose(self._get_undelivered(), pick)
        if order:
            self._deliver(order)

    def _get_undelivered(self):
        return self.orders.filtered(
            lambda order: any(
                picking.state not in ("done", "cancel") for picking in order.picking_ids
            )
        )

    def _do_return(self, quantity, pick):
        """Goods that come back before they are billed are not owed any more.

        Where the ordered quantity is billed, they are.
        """
        orders = self.orders - self._get_returned() - self._get_undelivered()
        deliveries = orders.picking_ids.filtered(
            lambda picking: (
                picking.state == "done"
                and picking.sale_id.state == "sale"
                and not picking.sale_id.invoice_ids
            )
        )
        if not (picking := self._choose(deliveries, pick)):
            return 0.0
        quantity = min(quantity, picking.move_ids.quantity)
        self._return(picking, quantity)
        is_billed_on_delivery = picking.move_ids.product_id == self.product
        return -90.0 * quantity if is_billed_on_delivery else 0.0

    def _return(self, picking, quantity):
        context = {"active_id": picking.id, "active_model": picking._name}
        wizard = self.env["stock.return.picking"].with_context(**context).create({})
        wizard.product_return_moves.write({"quantity": quantity, "to_refund": True})
        returned = self.env["stock.picking"].browse(
            wizard.action_create_returns()["res_id"]
        )
        returned.move_ids.write({"quantity": quantity, "picked": True})
        returned.button_validate()
        self.assertEqual(returned.state, "done")

    def _get_returned(self):
        return self.orders.filtered(
            lambda order: order.picking_ids.filtered("return_id")
        )

    def _get_receivables(self):
        """Items that can be reconciled with each other."""
        return self.env["account.move.line"].search(
            [
                ("partner_id", "=", self.customer.id),
                ("account_id.account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
                ("company_id", "=", self.company.id),
                ("currency_id", "=", self.company.currency_id.id),
            ]
        )

    def _do_reconcile(self, quantity, pick):
        items = self._get_receivables().filtered(lambda item: not item.reconciled)
        # Only a payment or a credit note can be allocated to an invoice
        if any(items.filtered("credit")) and any(items.filtered("debit")):
            items.reconcile()

    def _do_unreconcile(self, quantity, pick):
        self._get_receivables().remove_move_reconcile()

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
