"""More goods than were ordered: found before they leave."""

from dataclasses import replace

from odoo import fields, models


class SaleOrder(models.Model):
    """A transfer with more than was ordered is growth of its order.

    Odoo bills what was delivered, and writes what was never ordered on the order after
    the goods left. So the transfer is examined by the rules for orders as well.
    """

    _inherit = "sale.order"

    def _get_credit_total(self):
        # What a release covers includes what was, or is about to be, delivered
        total = super()._get_credit_total()
        return total + self._get_overdelivery() if self.state == "sale" else total

    def _is_credit_watched(self, checkpoint):
        if super()._is_credit_watched(checkpoint):
            return True
        return (
            checkpoint == "delivery"
            and super()._is_credit_watched("order")
            and bool(self._get_overdelivery(pending_only=True))
        )

    def _is_credit_stopped(self, checkpoint=None):
        if checkpoint == "delivery" and super()._is_credit_watched("order"):
            # sudo: a warehouse user need not see what the goods cost
            if self.sudo()._get_overdelivery(pending_only=True):
                self._pass_credit("delivery", serialize=True)
                return self.credit_state == "hold"
        return super()._is_credit_stopped(checkpoint)

    def _examine_credit_case(self, case):
        extra = 0.0
        if case.checkpoint == "delivery" and self.state == "sale":
            extra = self._get_overdelivery(pending_only=True)
        if extra:
            case.amount += self._convert_to_exposure(extra)
        super()._examine_credit_case(case)
        if not extra:
            return
        as_order = replace(case, checkpoint="order", failures=[], warnings=[])
        super()._examine_credit_case(as_order)
        for name in ("failures", "warnings"):
            known = getattr(case, name)
            rules = {finding.rule for finding in known}
            known += [
                finding
                for finding in getattr(as_order, name)
                # Handing goods out is no decision about their price
                if finding.rule not in rules and finding.rule_type != "discount"
            ]

    def _convert_to_exposure(self, amount):
        return self.currency_id._convert(
            amount,
            self.company_id.root_id.currency_id,
            self.company_id,
            fields.Date.context_today(self),
        )

    def _get_overdelivery(self, pending_only=False):
        """Price of the goods beyond what was ordered, in the order's currency.

        Taxes included; only goods that are billed as delivered.

        :param pending_only: what open transfers would add to what was delivered
        :rtype: float
        """
        self.ensure_one()
        pending, unordered = self._get_pending_quantities()
        total = sum(
            line._get_overdelivery(pending.get(line, 0.0), pending_only)
            for line in self.order_line
        )
        total += sum(
            self._get_unordered_price(product, quantity)
            for product, quantity in unordered.items()
        )
        return self.currency_id.round(total)

    def _get_pending_quantities(self):
        """What open transfers would hand over, typed or reserved.

        :return: quantities by order line in its unit, and by product in its own unit
            for what no line asks for
        """
        moves = (self.order_line.move_ids | self.picking_ids.move_ids).filtered(
            lambda move: (
                move.state not in ("done", "cancel")
                and move.location_dest_usage == "customer"
                and move.quantity
            )
        )
        by_line, by_product = {}, {}
        for move in moves:
            line = move.sale_line_id or self._get_line_of(move.product_id)
            unit = line.product_uom_id or move.product_id.uom_id
            quantities, key = (by_line, line) if line else (by_product, move.product_id)
            quantities[key] = quantities.get(key, 0.0) + (
                move.product_uom._compute_quantity(move.quantity, unit, round=False)
            )
        return by_line, by_product

    def _get_line_of(self, product):
        """The line that Odoo counts a delivery of the product to."""
        return self.order_line.filtered(lambda line: line.product_id == product)[:1]

    def _get_unordered_price(self, product, quantity):
        """What Odoo will ask for goods that nobody ordered."""
        product = product.with_company(self.company_id)
        if product.invoice_policy != "delivery":
            return 0.0
        price = self.pricelist_id._get_product_price(
            product, quantity, currency=self.currency_id, date=self.date_order
        )
        taxes = product.taxes_id._filter_taxes_by_company(self.company_id)
        taxes = self.fiscal_position_id.map_tax(taxes)
        return taxes.compute_all(
            price, self.currency_id, quantity, product, self.partner_shipping_id
        )["total_included"]


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _get_overdelivery(self, pending, pending_only):
        """See :meth:`sale.order._get_overdelivery`; ``pending`` in the line's unit."""
        self.ensure_one()
        if self.product_id.invoice_policy != "delivery" or self.product_uom_qty < 0:
            return 0.0
        paid_for = self.product_uom_qty
        if pending_only:
            paid_for = max(paid_for, self.qty_delivered)
        quantity = self.qty_delivered + pending - paid_for
        if self.product_uom_id.compare(quantity, 0.0) <= 0:
            return 0.0
        if self.product_uom_qty:
            return quantity * self.price_total / self.product_uom_qty
        return quantity * self._get_net_price()
