from odoo import fields, models


class StockPicking(models.Model):
    """What the release of a transfer that has no order is bound to."""

    _inherit = "stock.picking"

    def _get_credit_total(self):
        """The goods at their sales prices, or at cost where that is more."""
        moves = self.move_ids.filtered(lambda move: move.state != "cancel")
        return self.company_id.currency_id.round(
            sum(move._get_credit_value() for move in moves)
        )


class StockMove(models.Model):
    _inherit = "stock.move"

    def _get_credit_value(self):
        """What is asked for or picked, whatever is more, in the company's currency."""
        self.ensure_one()
        product = self.product_id.with_company(self.company_id)
        picked = self.product_uom._compute_quantity(
            self.quantity, product.uom_id, round=False
        )
        price = product.currency_id._convert(
            product.lst_price,
            self.company_id.currency_id,
            self.company_id,
            fields.Date.context_today(self),
            round=False,
        )
        return max(self.product_qty, picked) * max(price, product.standard_price)
