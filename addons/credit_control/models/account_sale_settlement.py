from collections import defaultdict

from odoo.exceptions import UserError
from odoo.tools import SQL

from .. import arguments


class Settlement:
    """What a sale that is no document yet settles of sales orders.

    As the client tells it: it relieves the orders of ``orders`` of ``quantities`` (by
    order line, in the line's unit) and of ``down_payments`` (by order, taxes included,
    in the order's currency). Orders that are gone or that the user may not read are
    left out: then the sale is simply looked at as if it did not settle them.
    """

    def __init__(self, env, items=None):
        """Check and read what the client sent.

        :param items: list of ``{"line_id", "quantity"}``, in the unit of the product,
            and, for down payments, of ``{"order_id", "amount"}``; or nothing
        :raise UserError: anything else
        """
        self.env = env
        self.orders = env["sale.order"]
        self.quantities = defaultdict(float)
        self.down_payments = defaultdict(float)
        for item in self._check_items(items or []):
            if "line_id" in item:
                self._add_line(item)
            else:
                self._add_down_payment(item)
        # sudo: the user may read the orders, their amounts are compared as a whole
        self.orders = self.orders.sudo()

    def _check_items(self, items):
        keys = ({"line_id", "quantity"}, {"order_id", "amount"})
        if not isinstance(items, (list, tuple)) or not all(
            isinstance(item, dict) and set(item) in keys for item in items
        ):
            raise UserError(
                self.env._(
                    "What is settled is a list, each item with `line_id` and"
                    " `quantity` or, for a down payment, `order_id` and `amount`."
                )
            )
        return items

    def _add_line(self, item):
        label = self.env._("sales order line")
        line = arguments.visible(self.env, "sale.order.line", item["line_id"], label)
        label = self.env._("The quantity")
        quantity = arguments.number(self.env, item["quantity"], label)
        # sudo: units of measure tell nothing about the order
        line_sudo = line.sudo()
        unit = line_sudo.product_id.uom_id
        if line:
            self.orders |= line.order_id
            self.quantities[line.id] += unit._compute_quantity(
                quantity, line_sudo.product_uom_id, round=False
            )

    def _add_down_payment(self, item):
        label = self.env._("sales order")
        order = arguments.visible(self.env, "sale.order", item["order_id"], label)
        amount = arguments.number(self.env, item["amount"], self.env._("The amount"))
        if order:
            self.orders |= order
            self.down_payments[order.id] += amount

    def get_line_sql(self):
        """SQL of the quantity that is settled of the order line ``line``."""
        return SQL("COALESCE(%s, 0)", self._pick_sql(self.quantities, "line"))

    def get_down_payment_sql(self):
        """SQL query of the down payment made on the order ``sale``."""
        return SQL("SELECT %s AS amount", self._pick_sql(self.down_payments, "sale"))

    def _pick_sql(self, values, table):
        return SQL(
            """(SELECT settled.value
                  FROM unnest(%s::integer[], %s::numeric[]) AS settled(id, value)
                 WHERE settled.id = %s)""",
            list(values),
            list(values.values()),
            SQL.identifier(table, "id"),
        )
