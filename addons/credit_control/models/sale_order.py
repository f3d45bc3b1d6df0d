from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .. import arguments
from .credit_limit import USER_GROUP

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
            return super().write(vals)
        # The other values first: the amounts that are checked are the new ones
        if rest := {name: value for name, value in vals.items() if name != "state"}:
            super().write(rest)
        held = unchecked - unchecked._pass_credit("order", serialize=True)
        return super(SaleOrder, self - held).write({"state": "sale"})

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'sale'
        wanted = [vals.get("state") == "sale" for vals in vals_list]
        if not any(wanted) or not self._is_credit_used(vals_list):
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
    def _is_credit_used(self, vals_list):
        company_ids = {
            vals.get("company_id") or self.env.company.id for vals in vals_list
        }
        rules = self.env["credit.rule"]
        return any(
            rules._get_rule_ids(company_id, "order") for company_id in company_ids
        )

    def _action_cancel(self):
        # EXTENDS 'sale'
        result = super()._action_cancel()
        if self.env["credit.rule"]._is_idle():
            return result
        for order in self.filtered(lambda order: order._is_credit_used_here()):
            # sudo: whoever may cancel the order ends its holds with it
            order.sudo().credit_hold_ids._set_state(
                "cancelled", self.env._("The order was cancelled.")
            )
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

    # ------------------------------------------------------------------
    # API
    # ------------------------------------------------------------------

    def check_credit_limit(self):
        """Tell whether the order would pass the credit check now; changes nothing.

        All amounts are in the company's currency, for the customer who pays the order
        (commercial entity of the invoice address) or its credit group.

        :return: ``approved``; ``credit_limit`` and ``available_credit``, both null for
            unlimited credit; ``outstanding_balance``, what is owed without this order;
            ``order_amount``, what the order adds; ``message``, the explanation
        :rtype: dict
        :raise AccessError: portal users, or users who may not read the order
        :raise MissingError: the order does not exist
        :raise UserError: not exactly one order is given
        """
        arguments.check_internal(self.env)
        order = arguments.single(self, self.env._("sales order"))
        # sudo: figures of the customer may be read, the documents behind them not
        [case] = order.sudo()._examine_credit("order")
        return order._prepare_credit_answer(case)

    def _prepare_credit_answer(self, case):
        round_ = case.currency.round
        limit = None if case.limit is None else round_(case.limit)
        findings = case.failures or case.warnings
        message = "\n".join(finding.text for finding in findings)
        return {
            "approved": not case.failures,
            "credit_limit": limit,
            "outstanding_balance": round_(case.exposure),
            "available_credit": (
                None if limit is None else round_(limit - case.exposure)
            ),
            "order_amount": round_(case.amount),
            "message": message or self.env._("Within the customer's credit."),
        }

    def _check_credit_or_refuse(self):
        """Raise with the figures where a credit rule holds the order.

        :raise UserError: its arguments are the message and the answer of
            :meth:`check_credit_limit`
        """
        for order in self:
            # sudo: the rules bind also users who may not read the figures
            for case in order.sudo()._examine_credit("order"):
                if case.failures:
                    answer = order._prepare_credit_answer(case)
                    arguments.refuse(answer["message"], answer)

    def apply_credit_hold(self, reason):
        """Put the order on hold by hand, whatever the rules say.

        A quotation cannot be confirmed, a confirmed order cannot be reserved or
        delivered until an approver releases it. A second call changes nothing.

        :param str reason: why; kept on record and shown to the salesperson
        :return: ``hold_id``, ``order_number``, ``credit_state``, ``message``
        :rtype: dict
        :raise AccessError: users outside the credit team
        :raise UserError: no reason, a cancelled order, not exactly one order
        """
        order = self._check_credit_api_rights()
        reason = self.env["credit.hold"]._clean_reason(reason)
        if order.state == "cancel":
            raise UserError(
                self.env._(
                    "%(order)s is cancelled, there is nothing to hold.",
                    order=order.name,
                )
            )
        return order._prepare_hold_answer(order._hold_manually(reason))

    def _hold_manually(self, reason):
        """Open a manual hold, or make the open one a manual one."""
        # sudo: the caller's rights were checked; holds are only written here
        order_sudo = self.sudo()
        [case] = order_sudo._examine_credit("order")
        vals = self.env["credit.hold"]._prepare_hold_vals(case, order_sudo)
        vals |= {
            "source": "manual",
            "reason_type": "manual",
            "reasons": reason,
            "amount_over": case.over,
        }
        hold = order_sudo.credit_hold_ids.filtered(lambda hold: hold.state == "open")
        if not hold:
            return self.env["credit.hold"]._open(order_sudo, vals)
        if hold.source != "manual":
            hold.write({**vals, "requested_by": self.env.uid})
        return hold

    def release_credit_hold(self, reason):
        """Release the order's open hold; see :meth:`credit.hold.action_release`.

        :param str reason: why; kept on record
        :return: ``hold_id``, ``order_number``, ``credit_state``, ``message``
        :rtype: dict
        :raise AccessError: no approver, authority too low, or the requester
        :raise UserError: no reason, no open hold, not exactly one order
        """
        arguments.check_internal(self.env)
        order = arguments.single(self, self.env._("sales order"))
        # sudo to find it; the release itself runs with the user's own rights
        hold_sudo = order.sudo().credit_hold_ids.filtered(lambda h: h.state == "open")
        if not hold_sudo:
            raise UserError(
                self.env._("%(order)s has no open credit hold.", order=order.name)
            )
        hold = self.env["credit.hold"].browse(hold_sudo.ids)
        hold.action_release(reason)
        return order._prepare_hold_answer(hold)

    def _check_credit_api_rights(self):
        arguments.check_internal(self.env)
        order = arguments.single(self, self.env._("sales order"))
        if not self.env.su and not self.env.user.has_group(USER_GROUP):
            raise AccessError(self.env._("Only the credit team puts orders on hold."))
        return order

    def _prepare_hold_answer(self, hold):
        # sudo: the answer names the hold, also to a user who may not open it
        hold_sudo = hold.sudo()
        labels = dict(hold_sudo._fields["state"]._description_selection(self.env))
        return {
            "hold_id": hold_sudo.id,
            "order_number": self.name,
            "credit_state": self.sudo().credit_state,
            "message": self.env._(
                "Credit hold of %(order)s: %(state)s",
                order=self.name,
                state=labels[hold_sudo.state],
            ),
        }


class GrowthWatch:
    """Examines confirmed orders that cost the customer more after a change.

    ::

        with orders._watch_credit_growth() as watched:
            super(SaleOrder, watched).write(vals)

    Nested changes (an order's write that writes its lines) share the outermost watch,
    found in the context; launching stock rules for a larger quantity asks it to look
    at once, so that the goods are not reserved before the order is held. An order that
    became cheaper may free credit for others: their holds are looked at again.
    """

    KEY = "credit_growth_watch"

    def __init__(self, orders):
        self.env = orders.env
        running = self.get(self.env)
        rules = self.env["credit.rule"]
        self.is_outermost = running is None and not rules._is_idle()
        self.orders = orders
        self.watched = orders.browse()
        self.before = {}

    @classmethod
    def get(cls, env):
        watch = env.context.get(cls.KEY)
        return watch if isinstance(watch, cls) else None

    def __enter__(self):
        if self.is_outermost:
            self.watched = self.orders.filtered(
                lambda order: (
                    order.state == "sale" and order._is_credit_watched("order")
                )
            )
        if not self.watched:
            return self.orders
        self.before = self._get_commitments()
        return self.orders.with_context(**{self.KEY: self})

    def __exit__(self, exc_type, exc_value, traceback):
        if exc_type is None:
            self.examine()
        return False

    def _get_commitments(self):
        # sudo: also a user who sees only some documents must not grow an order unseen
        watched_sudo = self.watched.exists().sudo()
        amounts = self.env["credit.exposure"]._get_order_amounts(watched_sudo)
        return {
            order: (order._get_credit_payer(), amounts.get(order.id, 0.0))
            for order in watched_sudo
        }

    def examine(self):
        """Hold orders that grew since the last look beyond what their credit allows."""
        if not self.before:
            return
        before, self.before = self.before, self._get_commitments()
        for order, (payer, amount) in self.before.items():
            old_payer, old_amount = before.get(order, (payer, 0.0))
            compare = order.company_id.currency_id.compare_amounts(amount, old_amount)
            if order.state != "sale":
                continue
            if payer != old_payer or compare > 0:
                order._pass_credit("order", serialize=True)
            if payer != old_payer or compare < 0:
                self.env["credit.recheck"]._request(order.company_id, old_payer)
