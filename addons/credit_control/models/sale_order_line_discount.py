from odoo import models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _counts_for_discount(self):
        """Whether the seller decides about the price of this line.

        Sections, promotions and lines without quantity (down payments among them) have
        no price of the seller's choice. Deliveries are priced by the carrier.
        """
        self.ensure_one()
        is_reward = "reward_id" in self._fields and self.reward_id
        carrier_line = self._is_delivery() and self.product_id.type == "service"
        return bool(
            not self.display_type
            and self.product_id
            and self.product_uom_qty
            and not is_reward
            and not carrier_line
        )

    def _get_net_price(self):
        """Unit price after the line's discount, in the order's currency."""
        self.ensure_one()
        return self.price_unit * (1 - (self.discount or 0.0) / 100)

    def _get_discount_reference(self):
        """Return the unit price that needs nobody's approval, in the order's currency.

        It is the price list's price; of a product with no price there (sold at a price
        typed by hand) the typed price, and 0 for negative lines: they are discounts as
        a whole. The price the line was created with is not used, as anybody who may
        edit the line may also edit that. What only rounding takes off is no discount.
        """
        self.ensure_one()
        if self.combo_item_id:
            # Parts of a combo share the combo's price; only the order can be compared.
            price = self._get_display_price()
        else:
            price = self.with_company(self.company_id)._get_pricelist_price()
        price = self._adapt_to_order_taxes(price)
        if self.currency_id.compare_amounts(price, 0.0) <= 0:
            return max(self.price_unit, 0.0)
        digits = self.env["decimal.precision"].precision_get("Product Price")
        net = self._get_net_price()
        return net if abs(price - net) <= 10**-digits else price

    def _adapt_to_order_taxes(self, price):
        taxes = self.product_id.taxes_id._filter_taxes_by_company(self.company_id)
        return self.product_id._get_tax_included_unit_price_from_price(
            price, taxes, fiscal_position=self.order_id.fiscal_position_id
        )
