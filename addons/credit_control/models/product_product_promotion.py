from odoo import api, fields, models
from odoo.fields import Domain


class ProductProduct(models.Model):
    _inherit = "product.product"

    def _get_promotion(self, partner, pricelist, price):
        """Return what an automatic promotion gives on an order of this item alone.

        Coupons, codes, gift cards and loyalty points depend on more than the item and
        are left to the order. Where several promotions apply, the largest discount
        counts; a free product is named only if there is no discount.

        :param price: the dict of :meth:`_get_price_values`
        :return: None without the loyalty app or without a promotion, else a dict of
            ``program``, ``program_id``, ``reward``, ``discount_percent``,
            ``net_unit_price``, ``free_product`` and ``free_quantity``
        """
        if "loyalty.program" not in self.env:
            return None
        amounts = self._get_promotion_base(partner, price)
        rewards = [
            self._prepare_promotion(reward, points, amounts, price)
            for program in self._get_promotion_programs(pricelist)
            for points in [self._get_promotion_points(program, amounts, price)]
            for reward in program.reward_ids.filtered("active")
            if points and points >= reward.required_points
        ]
        rewards = [reward for reward in rewards if reward]
        return max(rewards, key=lambda r: r["discount_percent"], default=None)

    def _get_promotion_base(self, partner, price):
        """Return the amounts of an order with only this item, in the price's currency.

        Minimum amounts of promotions are compared with or without taxes.
        """
        currency = self.env["res.currency"].search([("name", "=", price["currency"])])
        taxes = self._get_sale_taxes()
        position = self._get_fiscal_position_of(partner)
        line = {
            "price_unit": price["unit_price"],
            "quantity": price["quantity"],
            "discount": 0.0,
            "tax_ids": position.map_tax(taxes) if position else taxes,
            "currency_id": currency,
            "product_id": self,
        }
        amounts = self._get_line_amounts(line)
        return {**amounts, "currency_id": currency}

    @api.model
    def _get_promotion_programs(self, pricelist):
        today = fields.Date.context_today(self)
        domain = Domain("program_type", "in", ("promotion", "buy_x_get_y"))
        domain &= Domain("trigger", "=", "auto") & Domain("applies_on", "=", "current")
        domain &= Domain("company_id", "in", [False, *self.env.company.parent_ids.ids])
        domain &= Domain("pricelist_ids", "in", [False, *pricelist.ids])
        domain &= Domain("date_from", "=", False) | Domain("date_from", "<=", today)
        domain &= Domain("date_to", "=", False) | Domain("date_to", ">=", today)
        if "sale_ok" in self.env["loyalty.program"]._fields:
            domain &= Domain("sale_ok", "=", True)
        # Loyalty programs are closed to most internal users; who may ask for the price
        # may know the promotion every customer sees.
        programs_sudo = self.env["loyalty.program"].sudo().search(domain)
        return programs_sudo.filtered(
            lambda p: not p.limit_usage or p.total_order_count < p.max_usage
        )

    def _get_promotion_points(self, program, amounts, price):
        """Points the item earns; 0 if no automatic rule of the program matches."""
        points = 0.0
        for rule in program.rule_ids.filtered(lambda r: r.mode == "auto"):
            if not self._matches_promotion_rule(rule, amounts, price):
                continue
            factor = {"money": amounts["total"], "unit": price["quantity"]}
            points += rule.reward_point_amount * factor.get(rule.reward_point_mode, 1.0)
        return points

    def _matches_promotion_rule(self, rule, amounts, price):
        key = "total" if rule.minimum_amount_tax_mode == "incl" else "subtotal"
        minimum = rule._compute_amount(amounts["currency_id"])
        return (
            price["quantity"] >= rule.minimum_qty
            and amounts["currency_id"].compare_amounts(amounts[key], minimum) >= 0
            and bool(self.filtered_domain(rule._get_valid_product_domain()))
        )

    def _prepare_promotion(self, reward, points, amounts, price):
        values = {
            "program": reward.program_id.name,
            "program_id": reward.program_id.id,
            "reward": reward.description,
            "discount_percent": 0.0,
            "net_unit_price": price["unit_price"],
            "free_product": "",
            "free_quantity": 0.0,
        }
        if reward.reward_type == "product":
            claims = points // reward.required_points if reward.required_points else 1
            values["free_product"] = reward.reward_product_ids[:1].display_name
            values["free_quantity"] = reward.reward_product_qty * claims
            return values
        percent = self._get_promotion_percent(reward, points, amounts, price)
        net = price["unit_price"] * (1 - percent / 100)
        digits = self.env["decimal.precision"].precision_get("Product Price")
        values.update(discount_percent=percent, net_unit_price=round(net, digits))
        return values if percent else None

    def _get_promotion_percent(self, reward, points, amounts, price):
        """Share of the item's total that the reward takes off, 0 to 100."""
        total, currency = amounts["total"], amounts["currency_id"]
        if reward.reward_type != "discount" or total <= 0:
            return 0.0
        base = total
        if reward.discount_applicability == "specific":
            concerned = self.filtered_domain(reward._get_discount_product_domain())
            base = total if concerned else 0.0
        elif reward.discount_applicability == "cheapest":
            base = total / max(price["quantity"], 1.0)
        amount = base * reward.discount / 100
        if reward.discount_mode != "percent":
            factor = points if reward.discount_mode == "per_point" else 1.0
            amount = min(
                base,
                self._convert_promotion(reward, reward.discount * factor, currency),
            )
        if reward.discount_max_amount:
            cap = self._convert_promotion(reward, reward.discount_max_amount, currency)
            amount = min(amount, cap)
        return round(min(amount / total * 100, 100.0), 4)

    @api.model
    def _convert_promotion(self, reward, amount, currency):
        today = fields.Date.context_today(self)
        return reward.currency_id._convert(amount, currency, self.env.company, today)
