from contextlib import contextmanager

from odoo import models
from odoo.exceptions import AccessError, UserError

from .. import arguments
from .credit_limit import USER_GROUP


class SaleOrder(models.Model):
    """What other programs call, by JSON-2 with an API key as well."""

    _inherit = "sale.order"

    def check_credit_limit(self):
        """Tell whether the order would pass the credit check now; changes nothing.

        All amounts are in the company's currency, for the customer who pays the order
        (commercial entity of the invoice address) or its credit group.

        :return: ``approved``; ``credit_limit`` and ``available_credit``, both null for
            unlimited credit; ``outstanding_balance``, what is owed without this order;
            ``order_amount``, what the order adds; ``message``, the explanation.
            Limit and balances are null, and the message names none, for users who
            neither sell, bill nor belong to the credit team
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
        if not self.env["credit.exposure"]._may_read_figures():
            return self._prepare_bare_answer(case)
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

    def _prepare_bare_answer(self, case):
        """The decision alone, for users who may not know what customers owe."""
        message = self.env._("Within the customer's credit.")
        if case.failures:
            message = self.env._("Not approved by credit control.")
        return {
            "approved": not case.failures,
            "credit_limit": None,
            "outstanding_balance": None,
            "available_credit": None,
            "order_amount": case.currency.round(case.amount),
            "message": message,
        }

    def _check_credit_or_refuse(self, checkpoint="order"):
        """Raise with the figures where a credit rule holds the order.

        :param checkpoint: whose rules are asked
        :raise UserError: its arguments are the message and the answer of
            :meth:`check_credit_limit`
        """
        for order in self:
            # sudo: the rules bind also users who may not read the figures
            for case in order.sudo()._examine_credit(checkpoint):
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
        :raise UserError: no reason, a cancelled order, not exactly one order; both
            errors carry the answer of :meth:`check_credit_limit`
        """
        arguments.check_internal(self.env)
        order = arguments.single(self, self.env._("sales order"))
        with order._refusing_with_figures():
            order._check_may_hold()
            hold = order._hold_manually(self.env["credit.hold"]._clean_reason(reason))
        return order._prepare_hold_answer(hold)

    def _check_may_hold(self):
        if not self.env.su and not self.env.user.has_group(USER_GROUP):
            raise AccessError(self.env._("Only the credit team puts orders on hold."))
        if self.state == "cancel":
            raise UserError(
                self.env._(
                    "%(order)s is cancelled, there is nothing to hold.",
                    order=self.name,
                )
            )

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
            # Whoever asked for the order first stays the one who cannot decide
            hold.write(vals)
        return hold

    def release_credit_hold(self, reason):
        """Release the order's open hold; see :meth:`credit.hold.action_release`.

        :param str reason: why; kept on record
        :return: ``hold_id``, ``order_number``, ``credit_state``, ``message``
        :rtype: dict
        :raise AccessError: no approver, authority too low, the requester, the seller
            or the creator of the order
        :raise UserError: no reason, no open hold, not exactly one order; both errors
            carry the answer of :meth:`check_credit_limit`
        """
        arguments.check_internal(self.env)
        order = arguments.single(self, self.env._("sales order"))
        with order._refusing_with_figures():
            hold = order._get_open_hold()
            hold.action_release(reason)
        return order._prepare_hold_answer(hold)

    def _get_open_hold(self):
        # sudo to find it; it is released with the user's own rights
        hold_sudo = self.sudo().credit_hold_ids.filtered(lambda h: h.state == "open")
        if not hold_sudo:
            raise UserError(
                self.env._("%(order)s has no open credit hold.", order=self.name)
            )
        return self.env["credit.hold"].browse(hold_sudo.ids)

    @contextmanager
    def _refusing_with_figures(self):
        """Refusals inside carry the answer of :meth:`check_credit_limit`."""
        try:
            yield
        except UserError as error:
            # sudo: figures of the customer may be read, the documents behind them not
            [case] = self.sudo()._examine_credit("order")
            answer = self._prepare_credit_answer(case)
            arguments.refuse(error.args[0], answer, type(error))

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
