from odoo import models


class StockMove(models.Model):
    _inherit = "stock.move"

    def _action_assign(self, force_qty=False):
        """Reserve for documents that are not on hold; never raise for those that are.

        The scheduler, a receipt or a purchase runs into held moves all the time: they
        keep their place in the queue (date, priority) and wait.
        """
        # EXTENDS 'stock'
        held = self._get_credit_held_moves("reservation")
        return super(StockMove, self - held)._action_assign(force_qty=force_qty)

    def _get_credit_held_moves(self, checkpoint=None):
        """Moves that bring goods to a customer and whose document is on hold.

        :param checkpoint: examine the documents at this checkpoint first
        """
        held = self.browse()
        if self.env["credit.rule"]._is_idle():
            return held
        # sudo: a warehouse user need not see the orders that their moves deliver
        outgoing_sudo = self.filtered(lambda move: move._is_for_customer()).sudo()
        documents = outgoing_sudo.grouped(lambda move: move._get_credit_document())
        for document, moves in documents.items():
            if document and document._is_credit_stopped(checkpoint):
                held |= self.browse(moves.ids)
        return held

    def _is_for_customer(self):
        """Whether the goods are on their way to a customer, in one step or several."""
        self.ensure_one()
        if self.state in ("done", "cancel"):
            return False
        if self.location_id.usage in ("customer", "supplier"):
            return False
        destination = self.location_final_id or self.location_dest_id
        return destination.usage == "customer"

    def _get_credit_document(self):
        """The document whose credit the goods use: the order, else the transfer."""
        self.ensure_one()
        order = self.sale_line_id.order_id or self.picking_id.sale_id
        return order or self.picking_id
