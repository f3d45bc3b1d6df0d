from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import arguments


class ProductProduct(models.Model):
    _inherit = "product.product"

    # ------------------------------------------------------------
    # PRICE OF AN ITEM
    # ------------------------------------------------------------

    @api.readonly
    def get_item_price(self, partner_id, quantity, pricelist_id=None):
        """Tell what one unit costs this customer when buying ``quantity`` of it.

        The answer is the price a sales order line would show: price list rule,
        quantity break, and the customer's fiscal position where prices include taxes.

        :param int partner_id: the customer (``res.partner``)
        :param float quantity: in the product's unit of measure, greater than zero
        :param int pricelist_id: a ``product.pricelist``; without it the customer's own
            price list, else the one Odoo would choose for the customer
        :return: ``unit_price`` and ``list_price`` (in ``currency``), ``quantity``,
            ``uom``, ``discount_percent`` (how far below the list price),
            ``source`` ('list_price', 'pricelist' or 'customer_pricelist'),
            ``pricelist_id``, ``pricelist``, ``rule_id``, ``rule``, ``min_quantity``
            (from which the rule applies; above 0 it is a quantity break),
            ``promotion`` (None, or what an automatic promotion gives on top, see
            :meth:`_get_promotion`) and ``net_unit_price`` (after the promotion)
        :rtype: dict
        :raises UserError: for a quantity that is no number above zero, several
            products, or a price list of another company
        :raises MissingError: if product, customer or price list do not exist
        :raises AccessError: if the user may not read them
        """
        arguments.check_internal(self.env)
        product = arguments.single(arguments.plain(self), self.env._("product"))
        partner = arguments.record(
            self.env, "res.partner", partner_id, self.env._("customer")
        )
        quantity = arguments.positive(self.env, quantity, self.env._("Quantity"))
        pricelist = product._get_pricelist_of(partner, pricelist_id)
        values = product._get_price_values(partner, quantity, pricelist)
        values["source"] = self._get_price_source(partner, pricelist, pricelist_id)
        if not values["rule_id"]:
            values["source"] = "list_price"
        promotion = product._get_promotion(partner, pricelist, values)
        net = promotion["net_unit_price"] if promotion else values["unit_price"]
        return {**values, "promotion": promotion, "net_unit_price": net}

    def _get_pricelist_of(self, partner, pricelist_id):
        if not pricelist_id:
            return partner.property_product_pricelist
        label = self.env._("price list")
        pricelist = arguments.record(self.env, "product.pricelist", pricelist_id, label)
        if not pricelist.active or (
            pricelist.company_id and pricelist.company_id != self.env.company
        ):
            raise UserError(
                self.env._(
                    "Price list %(pricelist)s cannot be used here: it is archived or "
                    "belongs to another company.",
                    pricelist=pricelist.display_name,
                )
            )
        return pricelist

    @api.model
    def _get_price_source(self, partner, pricelist, pricelist_id):
        own = partner.specific_property_product_pricelist
        if pricelist and not pricelist_id and pricelist == own:
            return "customer_pricelist"
        return "pricelist"

    def _get_price_values(self, partner, quantity, pricelist):
        currency = pricelist.currency_id or self.env.company.currency_id
        date = fields.Datetime.now()
        price, rule_id = pricelist._get_product_price_rule(
            self, quantity, currency=currency, date=date
        )
        rule = self.env["product.pricelist.item"].browse(rule_id or [])
        # A rule-less price is the list price, in the currency asked for.
        list_price = rule.browse()._compute_price(
            self, quantity, self.uom_id, date=date, currency=currency
        )
        unit_price, list_price = (
            self._as_shown_on_order(amount, partner) for amount in (price, list_price)
        )
        return {
            "unit_price": unit_price,
            "list_price": list_price,
            "currency": currency.name,
            "quantity": quantity,
            "uom": self.uom_id.name,
            "discount_percent": self._get_reduction(list_price, unit_price),
            "pricelist_id": pricelist.id,
            "pricelist": pricelist.name or "",
            "rule_id": rule.id,
            "rule": rule.name or "",
            "min_quantity": rule.min_quantity,
        }

    def _as_shown_on_order(self, amount, partner):
        """Adapt a price to the customer's taxes, rounded like a price unit."""
        position = self._get_fiscal_position_of(partner)
        amount = self._get_tax_included_unit_price_from_price(
            amount, self._get_sale_taxes(), fiscal_position=position
        )
        digits = self.env["decimal.precision"].precision_get("Product Price")
        return round(amount, digits)

    def _get_fiscal_position_of(self, partner):
        positions = self.env["account.fiscal.position"].with_company(self.env.company)
        return positions._get_fiscal_position(partner)

    def _get_sale_taxes(self):
        return self.taxes_id._filter_taxes_by_company(self.env.company)

    @api.model
    def _get_reduction(self, reference, price):
        """Percentage by which ``price`` is below ``reference``; 0 if it is not."""
        if reference <= 0 or price >= reference:
            return 0.0
        return round(min((reference - price) / reference * 100, 100.0), 4)

    # ------------------------------------------------------------
    # AMOUNTS OF A LINE
    # ------------------------------------------------------------

    @api.readonly
    def calculate_line_total(
        self, unit_price, quantity, discount_percent=0.0, tax_ids=(), currency_id=None
    ):
        """Compute what a sales line comes to, by the engine orders and invoices use.

        Call it on a product when a tax formula reads the product, else without ids.

        :param float unit_price: in the currency; includes the taxes that are
            configured as included in the price
        :param float quantity: greater than zero
        :param float discount_percent: 0 to 100
        :param list[int] tax_ids: ``account.tax`` of the current company
        :param int currency_id: default is the company's currency
        :return: amounts rounded to the currency: ``gross`` (before the discount,
            without taxes), ``discount``, ``subtotal`` (gross less discount), ``taxes``,
            ``total`` (subtotal plus taxes), ``tax_lines`` ([{id, name, amount}]) and
            ``currency``
        :rtype: dict
        :raises UserError: for values that are no numbers or out of range, or taxes of
            another company
        :raises MissingError: if a tax or the currency does not exist
        """
        arguments.check_internal(self.env)
        product = arguments.single(self, self.env._("product")) if self._ids else self
        line = {
            "price_unit": arguments.number(
                self.env, unit_price, self.env._("Unit price")
            ),
            "quantity": arguments.positive(self.env, quantity, self.env._("Quantity")),
            "discount": arguments.percentage(
                self.env, discount_percent, self.env._("Discount")
            ),
            "tax_ids": self._get_line_taxes(tax_ids),
            "currency_id": self._get_line_currency(currency_id),
            "product_id": product,
        }
        return product._get_line_amounts(line)

    @api.model
    def _get_line_taxes(self, tax_ids):
        label = self.env._("tax")
        taxes = arguments.records(self.env, "account.tax", tax_ids or [], label)
        allowed = taxes._check_company_domain(self.env.company)
        foreign = taxes - taxes.filtered_domain(allowed)
        if foreign:
            raise UserError(
                self.env._(
                    "Tax %(tax)s belongs to another company. Use the taxes of "
                    "%(company)s.",
                    tax=foreign[0].name,
                    company=self.env.company.name,
                )
            )
        return taxes

    @api.model
    def _get_line_currency(self, currency_id):
        if not currency_id:
            return self.env.company.currency_id
        label = self.env._("currency")
        return arguments.record(self.env, "res.currency", currency_id, label)

    @api.model
    def _get_line_amounts(self, line):
        currency = line["currency_id"]
        details = self._compute_taxes_of_line(line)
        subtotal = details["total_excluded_currency"]
        total = details["total_included_currency"]
        undiscounted = self._compute_taxes_of_line({**line, "discount": 0.0})
        gross = undiscounted["total_excluded_currency"]
        return {
            "gross": currency.round(gross),
            "discount": currency.round(gross - subtotal),
            "subtotal": currency.round(subtotal),
            "taxes": currency.round(total - subtotal),
            "total": currency.round(total),
            "tax_lines": [
                {
                    "id": data["tax"].id,
                    "name": data["tax"].name,
                    "amount": currency.round(data["tax_amount_currency"]),
                }
                for data in details["taxes_data"]
            ],
            "currency": currency.name,
        }

    @api.model
    def _compute_taxes_of_line(self, line):
        taxes = self.env["account.tax"]
        base_line = taxes._prepare_base_line_for_taxes_computation(None, **line)
        taxes._add_tax_details_in_base_line(base_line, self.env.company)
        taxes._round_base_lines_tax_details([base_line], self.env.company)
        return base_line["tax_details"]

    # ------------------------------------------------------------
    # DISCOUNT
    # ------------------------------------------------------------

    @api.readonly
    def validate_discount(self, discount_percent):
        """Tell whether the user may give this discount without approval.

        :param float discount_percent: 0 to 100
        :return: ``valid`` (within the user's maximum), ``max_discount`` (percent; 100
            where the company sets no maximum), ``requires_approval`` and ``message``
        :rtype: dict
        :raises UserError: if the discount is no number from 0 to 100
        """
        arguments.check_internal(self.env)
        label = self.env._("Discount")
        discount = arguments.percentage(self.env, discount_percent, label)
        maximum = self.env["credit.discount.limit"]._get_maximum(
            self.env.user, self.env.company
        )
        valid = discount <= maximum
        return {
            "valid": valid,
            "max_discount": maximum,
            "requires_approval": not valid,
            "message": self._get_discount_message(discount, maximum),
        }

    @api.model
    def _get_discount_message(self, discount, maximum):
        if discount <= maximum:
            return self.env._(
                "A discount of %(discount)s %% is within your maximum of %(maximum)s "
                "%%.",
                discount=discount,
                maximum=maximum,
            )
        return self.env._(
            "A discount of %(discount)s %% is above your maximum of %(maximum)s %% "
            "and needs approval.",
            discount=discount,
            maximum=maximum,
        )
