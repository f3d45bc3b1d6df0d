from odoo import models

from .. import arguments

SELLER_GROUP = "sales_team.group_sale_salesman"


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _get_discount_excess(self, checkpoint="order", percent=None):
        """Return by how many percentage points the order exceeds the maximum discount.

        The discount is measured against the price list of today: the typed discount,
        a unit price cut by hand and negative lines all count, what the price list or a
        promotion itself grants does not. The highest of the single lines and of the
        order as a whole is compared with the maximum of the person who decides.

        :param percent: the order's discount, where it is known already
        :return: percentage points, 0.0 if the order is within the maximum
        :rtype: float
        """
        self.ensure_one()
        if percent is None:
            percent = self._get_effective_discount()
        if not percent:
            return 0.0
        return max(percent - self._get_maximum_discount(checkpoint), 0.0)

    def _get_maximum_discount(self, checkpoint="order"):
        """Return the percentage that the deciding person may give, 100 if unlimited.

        Who sells decides for themselves, whoever's order it is: a manager who confirms
        an order thereby approves its discount. Where nobody who sells decides (portal
        signature, online payment, scheduled action, warehouse), the maximum of the
        order's sellers counts. Handing goods out is no decision about their price: at
        later checkpoints what somebody decided by confirming counts as well.
        """
        self.ensure_one()
        user = self.env.user
        if checkpoint != "order":
            return max(self._get_sellers_maximum(), self.credit_discount)
        if user.has_group(SELLER_GROUP) and not user._is_superuser():
            return self.env["credit.discount.limit"]._get_maximum(user, self.company_id)
        return self._get_sellers_maximum()

    def _get_sellers_maximum(self):
        """The lowest maximum of the sellers: nobody gains by naming another one and
        letting the customer confirm."""
        limits = self.env["credit.discount.limit"]
        return min(
            (
                limits._get_maximum(seller, self.company_id)
                for seller in self._get_discount_sellers()
            ),
            default=limits._get_maximum(self.env.user, self.company_id),
        )

    def _get_discount_sellers(self):
        """Salesperson and creator, as far as they are people of the company."""
        return (self.user_id | self.create_uid).filtered(
            lambda seller: seller._is_internal() and not seller._is_superuser()
        )

    def _get_effective_discount(self):
        """Return the largest discount in percent, of a line or of the whole order."""
        amounts = self._get_discount_pairs()
        amounts.append((sum(a[0] for a in amounts), sum(a[1] for a in amounts)))
        get_reduction = self.env["product.product"]._get_reduction
        # Discounts are typed with two decimals, differences below are rounding.
        return round(max(get_reduction(*pair) for pair in amounts), 2)

    def _get_discount_amount(self, maximum=0.0):
        """Return what the order would cost more at ``maximum`` percent discount.

        As for the percentage, line by line or as a whole, whatever is more.

        :return: amount in the order's currency, without taxes
        :rtype: float
        """
        pairs = self._get_discount_pairs()
        kept = 1 - maximum / 100.0
        lines = sum(
            max(reference * kept - price, 0.0)
            for reference, price in pairs
            if reference > 0
        )
        whole = sum(reference * kept - price for reference, price in pairs)
        return max(lines, whole)

    def _get_discount_pairs(self):
        """What each line would cost by the price list, and what it costs."""
        self.ensure_one()
        # A client's context could make the products seem to cost less than they do.
        lines = arguments.plain(self).order_line
        return [
            (
                line._get_discount_reference() * line.product_uom_qty,
                line._get_net_price() * line.product_uom_qty,
            )
            for line in lines
            if line._counts_for_discount()
        ]
