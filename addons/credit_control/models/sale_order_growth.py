class GrowthWatch:
    """Examines confirmed orders that cost the customer more after a change.

    ::

        with orders._watch_credit_growth() as watched:
            super(SaleOrder, watched).write(vals)

    Nested changes (an order's write that writes lines, be they its own or another
    order's) share the outermost watch, found in the context; launching stock rules for
    a larger quantity asks it to look at once, so that the goods are not reserved before
    the order is held. An order that became cheaper may free credit for others: their
    holds are looked at again.
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
            order: (order._get_credit_payer(), amounts.get(order.id, 0.0))
            for order in orders_sudo
        }

    def examine(self):
        """Hold orders that grew since the last look beyond what their credit allows."""
        if not self.before:
            return
        before, self.before = self.before, self._get_commitments(self.watched)
        for order, (payer, amount) in self.before.items():
            old_payer, old_amount = before.get(order, (payer, 0.0))
            compare = order.company_id.currency_id.compare_amounts(amount, old_amount)
            if order.state != "sale":
                continue
            if payer != old_payer or compare > 0:
                order._pass_credit("order", serialize=True)
            if payer != old_payer or compare < 0:
                self.env["credit.recheck"]._request(order.company_id, old_payer)
