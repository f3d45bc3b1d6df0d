from odoo import api, fields, models


class CreditDiscountLimit(models.Model):
    _name = "credit.discount.limit"
    _description = "Maximum Discount of a User Group"
    _order = "company_id, max_discount, id"
    _rec_name = "group_id"

    group_id = fields.Many2one(
        "res.groups",
        string="User Group",
        required=True,
        ondelete="cascade",
        help="Members of this group, also through other groups, may give the discount. "
        "A user in several groups has the highest of their maxima.",
    )
    max_discount = fields.Float(
        string="Maximum Discount",
        required=True,
        digits="Discount",
        help="Percent below the price list that the group gives without approval.",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        help="The maximum counts for sales orders of this company.",
    )

    _group_company_unique = models.UniqueIndex(
        "(group_id, company_id)",
        "This user group already has a maximum discount in this company.",
    )
    _max_discount_range = models.Constraint(
        "CHECK (max_discount >= 0 AND max_discount <= 100)",
        "The maximum discount must be between 0 and 100 percent.",
    )

    @api.model
    def _get_maximum(self, user, company):
        """Return the percentage this user may give without approval.

        A company without any maximum does not limit discounts: 100. As soon as it has
        one, users in none of the listed groups may give no discount of their own.

        :rtype: float
        """
        # Everybody's own maximum may be known to them; the list belongs to managers.
        limits_sudo = self.sudo().search_fetch(
            [("company_id", "=", company.id)], ["group_id", "max_discount"]
        )
        if not limits_sudo:
            return 100.0
        own = limits_sudo.filtered(lambda limit: limit.group_id in user.all_group_ids)
        return max(own.mapped("max_discount"), default=0.0)
