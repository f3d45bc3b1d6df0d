from odoo import api, models
from odoo.exceptions import UserError


class StockMoveLine(models.Model):
    """A typed quantity reserves goods without asking for a reservation."""

    _inherit = "stock.move.line"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'stock'
        lines = super().create(vals_list)
        lines.filtered("quantity").move_id._check_typed_for_credit()
        return lines

    def write(self, vals):
        # EXTENDS 'stock'
        raised = self._get_raised(vals)
        result = super().write(vals)
        raised.move_id._check_typed_for_credit()
        return result

    def _get_raised(self, vals):
        """Lines that take more goods with these values: a number, a larger unit, or a
        move for a line that had none."""
        if not {"move_id", "product_uom_id", "quantity"} & vals.keys():
            return self.browse()
        if self.env["credit.rule"]._is_idle():
            return self.browse()
        loose = self.browse()
        if vals.get("move_id"):
            loose = self.filtered(lambda line: line.quantity and not line.move_id)
        unit = self.env["uom.uom"].browse(int(vals.get("product_uom_id") or 0))

        def is_raised(line):
            quantity = vals.get("quantity", line.quantity)
            quantity = (unit or line.product_uom_id)._compute_quantity(
                quantity, line.product_uom_id, round=False
            )
            return line.product_uom_id.compare(quantity, line.quantity) > 0

        return loose | self.filtered(is_raised)


class StockMove(models.Model):
    _inherit = "stock.move"

    def _check_typed_for_credit(self):
        """Refuse to take goods by hand for a document that is on hold.

        Whatever the state of the moves: Odoo takes goods for a line that is added to a
        done move at once, and moves may be created done.

        :raise UserError: names the document and what to do
        """
        if not self or self.env["credit.rule"]._is_idle():
            return
        outgoing = self.filtered(lambda move: move._ends_at_customer())
        if held := outgoing._filter_credit_stopped():
            document = held[0].sudo()._get_credit_document()
            raise UserError(
                self.env._(
                    "%(document)s is on credit hold: no goods can be taken for it until"
                    " the hold is released.",
                    document=document.display_name,
                )
            )
