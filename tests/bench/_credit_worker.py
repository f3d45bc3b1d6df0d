"""One Odoo process of the credit benchmark: reads commands, prints figures.

Started by ``bench_credit.py`` once per database; see ``_worker.py``.
"""

import time

from odoo.api import SUPERUSER_ID, Environment

from tests.bench._worker import Worker, read_options

LIMIT = 1e9
# What shows a salesperson how much a customer owes, on each side.
EXPOSURE_FIELDS = {
    "stock": ["credit", "credit_to_invoice"],
    "ours": ["credit_exposure"],
    "oca": ["risk_total"],
}
LIST_FIELDS = {"stock": ["credit"], "ours": ["credit_exposure"], "oca": ["risk_total"]}


class CreditWorker(Worker):
    """The commands; each runs in a transaction of its own."""

    def __init__(self, database, side):
        super().__init__(database)
        self.side = side

    def call(self, function, *args):
        with self.registry.cursor() as cr:
            root = Environment(cr, SUPERUSER_ID, {})
            admin = root.ref("base.user_admin")
            return function(Environment(cr, admin.id, {}), *args)

    # -- preparation -------------------------------------------------------

    def prepare(self, names):
        """Switch the side's credit check on; return {name: customer id}, product id."""
        return self.call(self._prepare, names)

    def _prepare(self, env, names):
        env.company.account_use_credit_limit = True
        customers = env["res.partner"].create([{"name": name} for name in names])
        customers.credit_limit = LIMIT
        if self.side == "ours":
            env["credit.rule"].create(
                {
                    "name": "Limit",
                    "rule_type": "limit_used",
                    "threshold": 100,
                    "check_order": True,
                    "action": "hold",
                }
            )
        if self.side == "oca":
            flags = ("invoice_draft", "invoice_open", "invoice_unpaid", "sale_order")
            customers.write({f"risk_{flag}_include": True for flag in flags})
        product = env["product.product"].create(
            {"name": "Service", "type": "service", "list_price": 7, "taxes_id": False}
        )
        return customers.ids, product.id

    def find(self, prefix):
        """Return the ids of the customers whose name begins with ``prefix``."""
        domain = [("name", "=like", f"{prefix}%")]
        return self.call(lambda env: env["res.partner"].search(domain).ids)

    def take_history(self):
        """Write the history that the driver inserted into the ledger."""
        if self.side != "ours":
            return None

        def start(env):
            jobs = env["subledger.backfill"]
            jobs.create({"company_id": 1, "mode": "full"}).action_start()

        self.call(start)
        with self.registry.cursor() as cr:
            Environment(cr, SUPERUSER_ID, {})["subledger.backfill"]._cron_run()
        with self.registry.cursor() as cr:
            Environment(cr, SUPERUSER_ID, {})["subledger.account"]._seal()
        return None

    # -- measurements: seconds ---------------------------------------------

    def confirm(self, customer, product):
        """Confirm an order of the customer, from the button to the commit."""
        line = {"product_id": product, "product_uom_qty": 1}
        values = {"partner_id": customer, "order_line": [(0, 0, line)]}
        order_id = self.call(lambda env: env["sale.order"].create(values).id)

        def press(env):
            order = env["sale.order"].browse(order_id)
            order.read(["state"])
            self.started = time.perf_counter()
            order.action_confirm()
            if order.state != "sale":
                raise SystemExit(f"{self.side}: the order was not confirmed")

        self.call(press)
        return time.perf_counter() - self.started

    def exposure(self, customer):
        """Read what one customer owes."""
        return self.call(self._read, [customer], EXPOSURE_FIELDS[self.side])

    def list(self, customers):
        """Read the exposure column of a list."""
        return self.call(self._read, customers, LIST_FIELDS[self.side])

    def filter(self, rows):
        """Open the list of customers who owe more than 10."""
        name = LIST_FIELDS[self.side][0]
        return self.call(self._search, rows, [(name, ">", 10)], "id")

    def sort(self, rows):
        """Open the list of all customers, the largest debtor first."""
        name = LIST_FIELDS[self.side][0]
        if self.side == "ours":
            return self.call(self._search, rows, [], f"{name} desc")
        return self.call(self._sort, rows, name)

    @staticmethod
    def _search(env, rows, domain, order):
        started = time.perf_counter()
        found = env["res.partner"].search(domain, limit=rows, order=order)
        seconds = time.perf_counter() - started
        if len(found) != rows:
            raise SystemExit(f"{len(found)} customers found, expected {rows}")
        return seconds

    @staticmethod
    def _sort(env, rows, name):
        started = time.perf_counter()
        partners = env["res.partner"].search([])
        found = partners.sorted(name, reverse=True)[:rows]
        found.mapped(name)
        return time.perf_counter() - started

    @staticmethod
    def _read(env, customers, names):
        partners = env["res.partner"].browse(customers)
        partners.read(["name"])
        started = time.perf_counter()
        partners.read(names)
        return time.perf_counter() - started


def main():
    options = read_options("side")
    CreditWorker(options.database, options.side).serve()


if __name__ == "__main__":
    main()
