from odoo import models
from odoo.exceptions import UserError

from .. import arguments


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def allocate_inventory(self):
        """Check the customer's credit, then reserve stock for a confirmed order.

        Reserves through the order's own transfers, as far as stock reaches; lots and
        serial numbers are chosen by the removal strategy and named in the messages.
        A second call takes only what came in since, so with unchanged stock nothing.

        :return: ``message``, ``order_number`` and ``allocation_details``: one dict per
            order line with ``line_number`` (from 1), ``item``, ``success`` (nothing is
            missing for what is left to deliver), ``allocated_qty`` (reserved now, in
            the line's unit of measure) and ``message``
        :rtype: dict
        :raises UserError: if credit refuses (the error's arguments carry the check's
            figures), the order is not confirmed, or not exactly one order is given
        :raises MissingError: if the order does not exist
        :raises AccessError: if the user may not change the order
        """
        order = self._check_allocation_rights()
        order._check_credit_before_allocation()
        order._check_confirmed_for_allocation()
        order._get_moves_to_allocate()._action_assign()
        return order._prepare_allocation_result()

    def release_allocation(self):
        """Give back the stock reserved for the order; picked goods stay picked.

        Odoo's scheduler may reserve again later, at the order's usual priority. A
        second call changes nothing.

        :return: same as :meth:`allocate_inventory`, after the release
        :rtype: dict
        :raises UserError: if not exactly one order is given
        :raises MissingError: if the order does not exist
        :raises AccessError: if the user may not change the order
        """
        order = self._check_allocation_rights()
        order._get_moves_to_allocate()._do_unreserve()
        result = order._prepare_allocation_result()
        return {**result, "message": self.env._("Allocation released.")}

    def _check_allocation_rights(self):
        arguments.check_internal(self.env)
        order = arguments.single(self, self.env._("sales order"))
        order.check_access("write")
        return order

    def _check_credit_before_allocation(self):
        """Raise if the customer's credit does not allow to reserve for this order.

        Rules for reservations are asked here as well: one that holds while Odoo
        reserves would look like stock that is missing. An open hold refuses too, even
        if its reason is gone by now: until it is released Odoo would reserve nothing,
        and the caller would wonder why.
        """
        self.ensure_one()
        self._check_credit_or_refuse()
        self._check_credit_or_refuse("reservation")
        # Salespeople need no right to holds to learn that their order has one.
        hold_sudo = self.sudo().credit_hold_ids.filtered(lambda h: h.state == "open")
        if not hold_sudo:
            return
        message = self.env._(
            "%(order)s is on credit hold until it is released: %(reasons)s",
            order=self.name,
            reasons=hold_sudo[0].reasons or "",
        )
        check = self.check_credit_limit()
        arguments.refuse(message, {**check, "approved": False, "message": message})

    def _check_confirmed_for_allocation(self):
        self.ensure_one()
        if self.state == "sale":
            return
        if self.state == "cancel":
            raise UserError(
                self.env._(
                    "%(order)s is cancelled, there is nothing to allocate.",
                    order=self.name,
                )
            )
        raise UserError(
            self.env._(
                "%(order)s is a quotation. Confirm it first, then allocate its stock.",
                order=self.name,
            )
        )

    def _get_moves_to_allocate(self):
        """Open moves of the order's lines in the order Odoo would reserve them."""
        # Salespeople may write the order but not the stock it reserves; the right to
        # write this order has been checked, only its own moves are returned.
        moves_sudo = self.sudo().order_line._get_moves_to_allocate()
        return moves_sudo.sorted(lambda m: (-int(m.priority), m.date, m.id))

    def _prepare_allocation_result(self):
        lines = self.order_line.filtered(
            lambda line: not line.display_type and not line.is_downpayment
        )
        details = [
            line._prepare_allocation_detail(line_number)
            for line_number, line in enumerate(lines, start=1)
        ]
        return {
            "message": self._get_allocation_message(details),
            "order_number": self.name,
            "allocation_details": details,
        }

    def _get_allocation_message(self, details):
        complete = sum(detail["success"] for detail in details)
        if complete == len(details):
            return self.env._("Inventory allocated successfully")
        return self.env._(
            "Inventory allocated for %(complete)s of %(lines)s lines, not enough stock "
            "for the others",
            complete=complete,
            lines=len(details),
        )
