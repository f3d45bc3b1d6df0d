from odoo import models
from odoo.exceptions import UserError

# What makes goods those of a customer's document
TIES = {
    "location_dest_id",
    "location_final_id",
    "location_id",
    "picking_id",
    "product_id",
    "sale_line_id",
}


class StockMove(models.Model):
    _inherit = "stock.move"

    def write(self, vals):
        # EXTENDS 'sale_stock'
        names = TIES & vals.keys()
        if not names or self.env["credit.rule"]._is_idle():
            return super().write(vals)
        if names == {"picking_id"} and not self.picking_id:
            return super().write(vals)
        held = self._get_credit_held_moves()
        result = super().write(vals)
        held._refuse_loosened()
        return result

    def _refuse_loosened(self):
        """Refuse to part goods from the document that holds them.

        :raise UserError: they would not be on hold any more
        """
        open_moves = self.filtered(lambda move: move.state not in ("done", "cancel"))
        if open_moves - open_moves._get_credit_held_moves():
            raise UserError(
                self.env._(
                    "These goods are on credit hold: they stay with their order and"
                    " transfer until the hold is released."
                )
            )

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
        if self.env["credit.rule"]._is_idle():
            return self.browse()
        outgoing = self.filtered(lambda move: move._is_for_customer())
        return outgoing._filter_credit_stopped(checkpoint)

    def _filter_credit_stopped(self, checkpoint=None):
        """Moves whose document is on hold, wherever and whenever they go."""
        held = self.browse()
        # sudo: a warehouse user need not see the orders that their moves deliver
        documents = self.sudo().grouped(lambda move: move._get_credit_document())
        for document, moves in documents.items():
            if document and document._is_credit_stopped(checkpoint):
                held |= self.browse(moves.ids)
        return held

    def _is_for_customer(self):
        """Whether the goods are on their way to a customer, in one step or several."""
        self.ensure_one()
        return self.state not in ("done", "cancel") and self._ends_at_customer()

    def _ends_at_customer(self):
        """Whether the goods go, or went, to a customer, in one step or several."""
        if self.location_id.usage == "customer":
            return False
        if self.location_id.usage == "supplier":
            # A receipt, whoever it is for in the end; a vendor may also deliver himself
            return self.location_dest_usage == "customer"
        destination = self.location_final_id or self.location_dest_id
        return destination.usage == "customer"

    def _get_credit_document(self):
        """The document whose credit the goods use: the order, else the transfer."""
        self.ensure_one()
        order = self.sale_line_id.order_id or self.picking_id.sale_id
        return order or self.picking_id
