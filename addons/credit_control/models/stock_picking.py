from odoo import fields, models
from odoo.exceptions import UserError


class StockPicking(models.Model):
    _name = "stock.picking"
    _inherit = ["stock.picking", "credit.checkpoint"]

    credit_hold_ids = fields.One2many(
        "credit.hold", "picking_id", string="Credit Holds", copy=False
    )
    credit_order_state = fields.Selection(
        related="sale_id.credit_state",
        string="Credit State of the Order",
        # sudo: warehouse users need not see the order to know that it is on hold
        related_sudo=True,
    )

    # ------------------------------------------------------------------
    # Checkpoint
    # ------------------------------------------------------------------

    def _get_credit_partner(self):
        return self.partner_id

    def _get_credit_order(self):
        return self.sale_id

    def _get_credit_salesperson(self):
        return self.sale_id.user_id or self.user_id

    def _get_credit_currency(self):
        return self.company_id.currency_id

    def _after_credit_release(self):
        self.move_ids.filtered(
            lambda move: move.state in ("confirmed", "partially_available")
        )._action_assign()

    def _get_credit_documents(self):
        """What decides about each transfer that brings goods to a customer.

        sudo: a warehouse user need not see the orders that they deliver.

        :return: ``{document: transfers}``; a transfer may have several orders
        """
        documents = {}
        for picking in self.sudo():
            moves = picking.move_ids.filtered(lambda move: move._is_for_customer())
            for document in {move._get_credit_document() for move in moves}:
                documents[document] = documents.get(document, self.browse()) | picking
        return documents

    def _is_credit_final(self):
        """Whether the transfer hands goods over; picking and packing do not.

        What was sold over the counter has left already: closing the till never fails.
        """
        self.ensure_one()
        if "pos_session_id" in self._fields and self.sudo().pos_session_id:
            return False
        return any(move.location_dest_usage == "customer" for move in self.move_ids)

    def _get_credit_stopped(self):
        """Transfers of ``self`` that may not be delivered now."""
        stopped = self.browse()
        if self.env["credit.rule"]._is_idle():
            return stopped
        final = self.filtered(
            lambda picking: picking._is_credit_final() and picking.state != "done"
        )
        for document, pickings in final._get_credit_documents().items():
            if document._is_credit_stopped("delivery"):
                stopped |= self.browse(pickings.ids)
        return stopped

    def _pre_action_done_hook(self):
        """Stop a delivery on hold before it starts, with a message and not an error,

        so that the hold that was just found stays.
        """
        # EXTENDS 'stock'
        if stopped := self._get_credit_stopped():
            return stopped._get_credit_notification()
        return super()._pre_action_done_hook()

    def _action_done(self):
        """The hard stop, for every path that does not come through the button.

        :raise UserError: a transfer to a customer is on hold
        """
        # EXTENDS 'stock'
        if stopped := self._get_credit_stopped():
            raise UserError(stopped._get_credit_notification()["params"]["message"])
        return super()._action_done()
