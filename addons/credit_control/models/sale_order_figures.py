"""Figures that decide about credit follow from lines and invoices, nobody types them.

Odoo's "readonly" binds its screens only: whoever may write an order can write any
stored figure of it by RPC. Odoo's own code does so as superuser, or with values that
hide nothing.
"""

from odoo import api, models
from odoo.exceptions import UserError

from .. import arguments

ORDER_FIGURES = {"amount_total", "currency_rate", "invoice_status", "transaction_ids"}
LINE_FIGURES = {
    "invoice_lines",
    "invoice_status",
    "is_downpayment",
    "price_total",
    "qty_invoiced",
    "qty_to_invoice",
    "state",
}
# An order or a line in one of these states still counts
OPEN_STATUSES = {"no", "to invoice", "upselling"}


def refuse_typed(records, vals, figures):
    """Refuse to write figures unless they say what is true anyway.

    :raise UserError: names the first of them
    """
    names = figures & vals.keys()
    env = records.env
    if not names or env.su or env["credit.rule"]._is_idle():
        return
    fields = [records._fields[name] for name in sorted(names)]
    numbers = [field.name for field in fields if field.type in ("float", "monetary")]
    arguments.check_amounts(env, [vals], *numbers)
    for field in fields:
        if records._is_typed_figure(field, vals[field.name]):
            refuse(records, field)


def refuse_links(model, vals_list, name):
    """The same for new records, where Odoo computes all figures but these links."""
    if model.env.su or model.env["credit.rule"]._is_idle():
        return
    if any(arguments.given(model, vals, name) for vals in vals_list):
        refuse(model, model._fields[name])


def refuse(model, field):
    """Raise, naming the field."""
    raise UserError(
        model.env._(
            "%(field)s follows from the order's lines, invoices and payments, it is"
            " not typed.",
            field=field._description_string(model.env),
        )
    )


def differs(records, field, value):
    """Whether writing ``value`` would change anything."""
    if field.type == "many2many":
        return bool(value)
    return any(
        field.convert_to_cache(value, record, validate=False) != record[field.name]
        for record in records
    )


class SaleOrder(models.Model):
    _inherit = "sale.order"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'sale'
        refuse_links(self, vals_list, "transaction_ids")
        return super().create(vals_list)

    def write(self, vals):
        # EXTENDS 'sale'
        refuse_typed(self, vals, ORDER_FIGURES)
        return super().write(vals)

    def _is_typed_figure(self, field, value):
        if field.name == "invoice_status" and value in OPEN_STATUSES:
            return False
        return differs(self, field, value)


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'sale'
        refuse_links(self, vals_list, "invoice_lines")
        lines = super().create(vals_list)
        lines._refuse_goods_as_down_payment()
        return lines

    def write(self, vals):
        # EXTENDS 'sale'
        refuse_typed(self, vals, LINE_FIGURES)
        result = super().write(vals)
        if "product_uom_qty" in vals:
            self._refuse_goods_as_down_payment()
        return result

    def _refuse_goods_as_down_payment(self):
        """A down payment is ordered zero times: what is owed never counts its goods."""
        if self.env.su or self.env["credit.rule"]._is_idle():
            return
        if any(line.is_downpayment and line.product_uom_qty for line in self):
            raise UserError(
                self.env._(
                    "A down payment is billed, not ordered: its quantity is zero."
                )
            )

    def _is_typed_figure(self, field, value):
        if field.name == "invoice_status" and value in OPEN_STATUSES:
            return False
        if field.name == "qty_to_invoice":
            return any(line._hides_quantity(value) for line in self)
        return differs(self, field, value)

    def _hides_quantity(self, to_invoice):
        """Whether less would be left to invoice than Odoo itself ever types.

        It types what was ordered and not invoiced before it bills a paid order, and
        timesheets of a period only.
        """
        self.ensure_one()
        if self.qty_delivered_method == "timesheet":
            return False
        lowest = min(self.product_uom_qty - self.qty_invoiced, self.qty_to_invoice)
        return float(to_invoice or 0.0) < lowest
