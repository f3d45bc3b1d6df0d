from odoo import models

from .. import arguments


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _get_discount_excess(self):
        """Return by how many percentage points the order exceeds the maximum discount.

        The discount is measured against the price list of today: the typed discount,
        a unit price cut by hand and negative lines all count, what the price list or a
        promotion itself grants does not. The highest of the single lines and of the
        order as a whole is compared with the maximum of the person who decides.

        :return: percentage points, 0.0 if the order is within the maximum
        :rtype: float
        """
        self.ensure_one()
        return max(self._get_effective_discount() - self._get_maximum_discount(), 0.0)

    def _get_maximum_discount(self):
        """Return the percentage that the deciding person may give, 100 if unlimited.

        An employee decides for themselves, whoever sells: a manager who confirms an
        order thereby approves its discount. Where nobody of the company decides
        (portal signature, online payment, scheduled action), the lower maximum of
        salesperson and creator counts, so that nobody gains by naming another
        salesperson and letting the customer confirm.
        """
        self.ensure_one()
        limits = self.env["credit.discount.limit"]
        user = self.env.user
        if user._is_internal() and not user._is_superuser():
            return limits._get_maximum(user, self.company_id)
        sellers = (self.user_id | self.create_uid).filtered(
            lambda seller: seller._is_internal() and not seller._is_superuser()
        )
        return min(
            (limits._get_maximum(seller, self.company_id) for seller in sellers),
            default=limits._get_maximum(user, self.company_id),
        )

    def _get_effective_discount(self):
        """Return the largest discount in percent, of a line or of the whole order."""
        self.ensure_one()
        # A client's context could make the products seem to cost less than they do.
        lines = arguments.plain(self).order_line
        amounts = [
            (
                line._get_discount_reference() * line.product_uom_qty,
                line._get_net_price() * line.product_uom_qty,
            )
            for line in lines
            if line._counts_for_discount()
        ]
        amounts.append((sum(a[0] for a in amounts), sum(a[1] for a in amounts)))
        get_reduction = self.env["product.product"]._get_reduction
        # Discounts are typed with two decimals, differences below are rounding.
        return round(max(get_reduction(*pair) for pair in amounts), 2)
