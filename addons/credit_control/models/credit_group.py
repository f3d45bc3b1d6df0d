from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, ormcache

from .. import arguments


class CreditGroup(models.Model):
    """Customers that share one limit: exposure of all members counts against it.

    A customer is in at most one group per legal entity. Members give up their own
    limit for the group's.
    """

    _name = "credit.group"
    _description = "Credit Group"
    _inherit = ["mail.thread"]
    _order = "name"
    _allow_sudo_commands = False

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company.root_id,
        help="Legal entity whose documents count, with all its branches.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_ids = fields.Many2many(
        "res.partner",
        "credit_group_partner_rel",
        "group_id",
        "partner_id",
        string="Members",
        domain="[('parent_id', '=', False)]",
        tracking=True,
    )
    credit_limit = fields.Monetary(
        tracking=True, help="Shared by all members, in the company's currency."
    )
    is_unlimited = fields.Boolean(string="Unlimited", tracking=True)
    limit_expiry = fields.Date(
        tracking=True, help="Last day of the limit; from then on it counts as zero."
    )
    exposure = fields.Monetary(compute="_compute_exposure")

    _limit_not_negative = models.Constraint(
        "CHECK (credit_limit >= 0)", "A credit limit cannot be negative."
    )

    def _compute_exposure(self):
        for group in self:
            figures = self.env["credit.exposure"]._get_figures(
                group.company_id, group.partner_ids
            )
            group.exposure = sum(figure.exposure for figure in figures.values())

    @api.constrains("partner_ids", "company_id", "active")
    def _check_one_group(self):
        for group in self.filtered("active"):
            # sudo: groups of the same legal entity the user may not see count, too
            others = self.sudo().search(
                [("company_id", "=", group.company_id.id), ("id", "!=", group.id)]
            )
            if shared := others.partner_ids & group.partner_ids:
                raise ValidationError(
                    self.env._(
                        "%(partner)s is already in another credit group.",
                        partner=shared[0].display_name,
                    )
                )

    @api.constrains("partner_ids")
    def _check_commercial(self):
        for partner in self.partner_ids:
            if partner != partner.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "%(contact)s is a contact of %(partner)s: add that one.",
                        contact=partner.display_name,
                        partner=partner.commercial_partner_id.display_name,
                    )
                )

    @api.constrains("company_id")
    def _check_root_company(self):
        for group in self:
            if group.company_id != group.company_id.root_id:
                raise ValidationError(
                    self.env._(
                        "Limits are kept for the legal entity: choose %(company)s.",
                        company=group.company_id.root_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        """
        :raise AccessError: more credit than the user may grant
        """
        arguments.check_amounts(self.env, vals_list, "credit_limit")
        for vals in vals_list:
            self._check_last_day(vals)
        before = self.browse()._get_grants()
        groups = super().create(vals_list)
        self.env.registry.clear_cache()
        groups._check_grants(before)
        groups._request_recheck()
        return groups

    def write(self, vals):
        """
        :raise AccessError: more credit than the user may grant
        """
        arguments.check_amounts(self.env, [vals], "credit_limit")
        self._check_last_day(vals)
        before = self._get_grants()
        self._request_recheck()
        result = super().write(vals)
        self.env.registry.clear_cache()
        self._check_grants(before)
        self._request_recheck()
        return result

    def unlink(self):
        """
        :raise AccessError: the members' own limits are more than the user may grant
        """
        before = self._get_grants()
        self._request_recheck()
        result = super().unlink()
        self.env.registry.clear_cache()
        self.browse()._check_grants(before)
        return result

    def _check_last_day(self, vals):
        """Refuse a new last day in the past; the one that has passed may come again.

        :raise ValidationError: nobody would have the limit any more
        """
        arguments.check_days(self.env, [vals], "limit_expiry")
        last_day = fields.Date.to_date(vals.get("limit_expiry"))
        if not self or any(group.limit_expiry != last_day for group in self):
            self.env["credit.limit"]._check_last_day(last_day)

    def _request_recheck(self):
        """Ask for the holds of the members, which share a limit now or did before."""
        for group in self:
            members = group.partner_ids
            self.env["credit.recheck"]._request(group.company_id, members)

    @api.model
    @ormcache("root_id")
    def _has_groups(self, root_id):
        """Whether the legal entity uses groups at all: else their joins are left out.

        sudo: a plain fact that steers the shape of a query.
        """
        domain = [("company_id", "=", root_id)]
        return bool(self.sudo().search_count(domain, limit=1))

    @api.model
    def _get_fellow_ids(self, root, partner_ids):
        """``partner_ids`` and everybody who shares a group with one of them."""
        if not self._has_groups(root.id):
            return sorted(set(partner_ids))
        rows = self.env.execute_query(
            SQL(
                """
                SELECT fellow.partner_id
                  FROM credit_group_partner_rel rel
                  JOIN credit_group ON credit_group.id = rel.group_id
                   AND credit_group.active AND credit_group.company_id = %s
                  JOIN credit_group_partner_rel fellow
                    ON fellow.group_id = rel.group_id
                 WHERE rel.partner_id = ANY(%s)
                """,
                root.id,
                list(partner_ids),
            )
        )
        return sorted({*partner_ids, *(partner_id for (partner_id,) in rows)})

    @api.model
    def _get_group_of(self, root, partners):
        """Map each of ``partners`` that is in a group to that group."""
        if not self._has_groups(root.id):
            return {}
        # sudo: who shares a limit decides, whether or not the user may see it
        groups = self.sudo().search(
            [("company_id", "=", root.id), ("partner_ids", "in", partners.ids)]
        )
        return {partner: group for group in groups for partner in group.partner_ids}
