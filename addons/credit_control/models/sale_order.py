from odoo import api, fields, models

from .. import arguments
from .sale_order_growth import GrowthWatch

# Changes of an order that can raise what its customer owes, or change who owes it
GROWTH_FIELDS = {
    "company_id",
    "currency_id",
    "fiscal_position_id",
    "order_line",
    "partner_id",
    "partner_invoice_id",
    "pricelist_id",
}


class ClearedOrders:
    """Orders that passed the checkpoint earlier in the same call.

    Travels in the context so that the write at the end of the confirmation is not
    examined again. A context that comes from a client is JSON and cannot hold it.
    """

    KEY = "credit_cleared_orders"

    def __init__(self, ids):
        self.ids = frozenset(ids)

    @classmethod
    def get(cls, env):
        cleared = env.context.get(cls.KEY)
        return cleared.ids if isinstance(cleared, cls) else frozenset()


class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["sale.order", "credit.checkpoint"]

    credit_hold_ids = fields.One2many(
        "credit.hold", "order_id", string="Credit Holds", copy=False
    )

    # Open orders of one customer for the exposure; finished ones are not in it, so
    # that it stays as short as what is really open
    _credit_open_idx = models.Index(
        "(partner_invoice_id, company_id)"
        " WHERE state = 'sale' AND invoice_status != 'invoiced'"
    )

    # ------------------------------------------------------------------
    # Checkpoint
    # ------------------------------------------------------------------

    def _get_credit_partner(self):
        return self.partner_invoice_id or self.partner_id

    def _get_credit_order(self):
        return self

    def _get_credit_amounts(self):
        amounts = self.env["credit.exposure"]._get_order_amounts(self)
        return {
            order.id: (amounts.get(order.id, 0.0), order.state == "sale")
            for order in self
        }

    def _get_credit_total(self):
        return self.amount_total

    def _get_credit_currency(self):
        return self.currency_id

    def _after_credit_release(self):
        if self.state == "sale":
            self.order_line.move_ids.filtered(
                lambda move: move.state in ("confirmed", "partially_available")
            )._action_assign()
        elif (
            self.state in ("draft", "sent")
            and self.company_id.root_id.credit_confirm_on_release
        ):
            self.action_confirm()

    # ------------------------------------------------------------------
    # Confirmation, by whatever path
    # ------------------------------------------------------------------

    def action_confirm(self):
        """Confirm the orders whose customers have credit; hold the others.

        Nothing is raised for a held order: it stays a quotation "on credit hold" and
        the client is told why.
        """
        # EXTENDS 'sale'
        if self.env["credit.rule"]._is_idle():
            return super().action_confirm()
        pending = self.filtered(lambda order: order.state in ("draft", "sent"))
        cleared = pending._pass_credit("order", serialize=True)
        held = pending - cleared
        if not held and not pending._is_any_credit_watched():
            return super().action_confirm()
        result = super(SaleOrder, (self - held)._with_cleared(cleared)).action_confirm()
        return held._get_credit_notification() if held else result

    def _is_any_credit_watched(self):
        return any(order._is_credit_watched("order") for order in self)

    def _with_cleared(self, cleared):
        return self.with_context(**{ClearedOrders.KEY: ClearedOrders(cleared.ids)})

    def write(self, vals):
        # EXTENDS 'sale'
        if vals.get("state") == "sale":
            return self._write_confirmation(vals)
        if not GROWTH_FIELDS & vals.keys():
            return super().write(vals)
        return self._write_watched(vals)

    def _write_watched(self, vals):
        """Write; confirmed orders that grow by it are examined."""
        with self._watch_credit_growth() as orders:
            return super(SaleOrder, orders).write(vals)

    def _write_confirmation(self, vals):
        """Confirm by a write of the state: the same check, whoever writes it."""
        cleared_ids = ClearedOrders.get(self.env)
        unchecked = self.filtered(
            lambda order: (
                order.state != "sale"
                and order.id not in cleared_ids
                and order._is_credit_watched("order")
            )
        )
        if not unchecked:
            return self._write_watched(vals)
        # The other values first: the amounts that are checked are the new ones
        if rest := {name: value for name, value in vals.items() if name != "state"}:
            self._write_watched(rest)
        held = unchecked - unchecked._pass_credit("order", serialize=True)
        return super(SaleOrder, self - held).write({"state": "sale"})

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'sale'
        wanted = [self._is_born_confirmed(vals) for vals in vals_list]
        if not any(wanted):
            return super().create(vals_list)
        orders = super().create(
            [
                {**vals, "state": "draft"} if confirmed else vals
                for vals, confirmed in zip(vals_list, wanted, strict=True)
            ]
        )
        born_confirmed = orders.browse(
            order.id
            for order, confirmed in zip(orders, wanted, strict=True)
            if confirmed
        )
        born_confirmed.write({"state": "sale"})
        # Odoo launches the stock rules of lines that are created confirmed
        born_confirmed.filtered(
            lambda order: order.state == "sale"
        ).order_line._action_launch_stock_rule()
        return orders

    @api.model
    def _is_born_confirmed(self, vals):
        """Whether the order would be created confirmed where that is examined."""
        rules = self.env["credit.rule"]
        if rules._is_idle() or arguments.given(self, vals, "state") != "sale":
            return False
        company_id = arguments.given(self, vals, "company_id") or self.env.company.id
        return bool(rules._get_rule_ids(company_id, "order"))

    def _action_cancel(self):
        # EXTENDS 'sale'
        result = super()._action_cancel()
        if self.env["credit.rule"]._is_idle():
            return result
        for order in self.filtered(lambda order: order._is_credit_used_here()):
            order._end_credit_holds(self.env._("The order was cancelled."))
            order._request_credit_recheck()
        return result

    def _is_credit_used_here(self):
        return self.credit_state != "none" or self.env["credit.rule"]._is_used(
            self.company_id
        )

    def _request_credit_recheck(self):
        for order in self:
            self.env["credit.recheck"]._request(
                order.company_id, order.sudo()._get_credit_partner()
            )

    # ------------------------------------------------------------------
    # Growth of confirmed orders
    # ------------------------------------------------------------------

    def _watch_credit_growth(self):
        """Context manager around a change of the orders; see :class:`GrowthWatch`."""
        return GrowthWatch(self)

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def action_open_credit_holds(self):
        """Open the holds of the order that the user may see."""
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_control.credit_hold_action"
        )
        holds = self.env["credit.hold"].search([("order_id", "in", self.ids)])
        action["domain"] = [("id", "in", holds.ids)]
        action["context"] = {}
        if len(holds) == 1:
            action.update(views=[(False, "form")], res_id=holds.id)
        return action
