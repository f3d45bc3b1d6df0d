from odoo import models

from .. import arguments


class SaleOrder(models.Model):
    """Discounts given after the confirmation: they make the order no dearer."""

    _inherit = "sale.order"

    def _get_watched_discounts(self):
        """Discount of each line in percent, under ``None`` that of the whole order.

        Nothing where no rule on discounts watches orders.

        :rtype: dict
        """
        self.ensure_one()
        rules = self.env["credit.rule"]._get_rules(self.company_id, "order")
        if "discount" not in rules.mapped("rule_type"):
            return {}
        get_reduction = self.env["product.product"]._get_reduction
        discounts = {
            line.id: get_reduction(
                line._get_discount_reference(), line._get_net_price()
            )
            for line in arguments.plain(self).order_line
            if line._counts_for_discount()
        }
        discounts[None] = self._get_effective_discount()
        return discounts

    def _pass_discount(self):
        """Hold a confirmed order whose discount grew beyond what is allowed.

        What else could be said against the order was said when it was confirmed.
        """
        self.ensure_one()
        [case] = self._prepare_credit_cases("order")
        self._examine_credit_case(case)
        if any(failure.rule_type == "discount" for failure in case.failures):
            self.env["credit.hold"]._hold(case)
        else:
            self._note_credit_decision(case)
