from typing import NamedTuple

from odoo import models


class Commitment(NamedTuple):
    """What a confirmed order means for its customer at one moment."""

    payer: models.BaseModel
    amount: float
    discounts: dict

    def is_cheapened(self, before):
        """Whether any line, or the order as a whole, has more discount than before."""
        return any(
            discount > before.discounts.get(key, 0.0)
            for key, discount in self.discounts.items()
        )


class GrowthWatch:
    """Examines confirmed orders that cost the customer more after a change.

    ::

        with orders._watch_credit_growth() as watched:
            super(SaleOrder, watched).write(vals)

    Nested changes (an order's write that writes lines, be they its own or another
    order's) share the outermost watch, found in the context; launching stock rules for
    a larger quantity asks it to look at once, so that the goods are not reserved before
    the order is held. An order that became cheaper may free credit for others: their
    holds are looked at again; but it may owe that to a discount nobody allowed.
    """

    KEY = "credit_growth_watch"

    def __init__(self, orders):
        self.env = orders.env
        self.orders = orders
        self.outermost = self.get(self.env) or self
        self.is_running = False
        self.watched = orders.browse()
        self.before = {}

    @classmethod
    def get(cls, env):
        watch = env.context.get(cls.KEY)
        return watch if isinstance(watch, cls) and watch.is_running else None

    def __enter__(self):
        if not self.env["credit.rule"]._is_idle():
            self.outermost._add(self.orders)
        if not self.watched:
            return self.orders
        self.is_running = True
        return self.orders.with_context(**{self.KEY: self})

    def _add(self, orders):
        """Watch these orders, too, from now on."""
        # sudo: what decides is the order, not who may read it
        added = (
            (orders - self.watched)
            .sudo()
            .filtered(
                lambda order: order.state == "sale"
                and order._is_credit_watched("order")
            )
        )
        if added:
            added = added.with_env(self.env)
            self.watched |= added
            self.before.update(self._get_commitments(added))

    def __exit__(self, exc_type, exc_value, traceback):
        self.is_running = False
        if exc_type is None:
            self.examine()
        return False

    @staticmethod
    def _get_commitments(orders):
        # sudo: also a user who sees only some documents must not grow an order unseen
        orders_sudo = orders.exists().sudo()
        amounts = orders.env["credit.exposure"]._get_order_amounts(orders_sudo)
        return {
            order: Commitment(
                order._get_credit_payer(),
                amounts.get(order.id, 0.0),
                order._get_watched_discounts(),
            )
            for order in orders_sudo
        }

    def examine(self):
        """Hold orders that grew since the last look beyond what their credit allows."""
        if not self.before:
            return
        before, self.before = self.before, self._get_commitments(self.watched)
        for order, now in self.before.items():
            if order.state == "sale":
                self._examine_order(order, before.get(order, now), now)

    def _examine_order(self, order, before, now):
        currency = order.company_id.currency_id
        compare = currency.compare_amounts(now.amount, before.amount)
        if now.payer != before.payer or compare > 0:
            order._pass_credit("order", serialize=True)
        elif now.is_cheapened(before):
            order._pass_discount()
        if now.payer != before.payer or compare < 0:
            self.env["credit.recheck"]._request(order.company_id, before.payer)
