from odoo import api, models
from odoo.exceptions import UserError

from .. import arguments
from .sale_order_growth import GrowthWatch

GROWTH_FIELDS = {
    "discount",
    "order_id",
    "price_unit",
    "product_id",
    "product_uom_id",
    "product_uom_qty",
    "qty_delivered",
    "tax_ids",
    "technical_price_unit",
}


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'sale'
        order_ids = {arguments.given(self, vals, "order_id") for vals in vals_list}
        orders = self.env["sale.order"].browse(filter(None, order_ids))
        with orders._watch_credit_growth() as watched:
            lines = super(SaleOrderLine, self.with_env(watched.env)).create(vals_list)
        return lines.with_env(self.env)

    def write(self, vals):
        # EXTENDS 'sale'
        if not GROWTH_FIELDS & vals.keys():
            return super().write(vals)
        if "order_id" in vals:
            self._refuse_leaving_hold(vals["order_id"])
        # A line that goes to another order makes that one grow
        orders = self.order_id.union(self.order_id.browse(vals.get("order_id")))
        with orders._watch_credit_growth() as watched:
            return super(SaleOrderLine, self.with_env(watched.env)).write(vals)

    def _refuse_leaving_hold(self, order_id):
        """Refuse to take lines from a held order: its goods would be free."""
        # sudo: what decides is the order, not who may read it
        orders_sudo = self.sudo().order_id.filtered(
            lambda order: order.credit_state == "hold" and order.id != order_id
        )
        if orders_sudo:
            raise UserError(
                self.env._(
                    "%(order)s is on credit hold: its lines stay with it until the hold"
                    " is released.",
                    order=orders_sudo[0].name,
                )
            )

    def _action_launch_stock_rule(self, *, previous_product_uom_qty=False):
        # EXTENDS 'sale_stock': a line that grew is held before its goods are reserved
        if watch := GrowthWatch.get(self.env):
            watch.examine()
        return super()._action_launch_stock_rule(
            previous_product_uom_qty=previous_product_uom_qty
        )
