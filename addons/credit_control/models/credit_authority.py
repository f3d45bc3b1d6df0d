from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from .. import arguments


class CreditAuthority(models.Model):
    """How much excess somebody may release, and how high a limit they may grant.

    Given to one user or to a group of users, for one legal entity. A user's authority
    is the highest of those that reach them. Where no authority is set up, nobody can
    release a hold: a credit manager gives it first.
    """

    _name = "credit.authority"
    _description = "Credit Authority"
    _inherit = ["mail.thread"]
    _order = "company_id, amount desc"
    _allow_sudo_commands = False

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company.root_id
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one("res.users", string="User", ondelete="cascade")
    group_id = fields.Many2one("res.groups", string="User Group", ondelete="cascade")
    amount = fields.Monetary(
        string="Release up to",
        required=True,
        tracking=True,
        help="Highest excess over a rule that may be released, company currency.",
    )
    limit_amount = fields.Monetary(
        string="Grant Limits up to",
        tracking=True,
        help="Highest credit limit that may be granted, in the company's currency.",
    )
    active = fields.Boolean(default=True)

    _amounts_not_negative = models.Constraint(
        "CHECK (amount >= 0 AND limit_amount >= 0)",
        "An authority cannot be negative.",
    )

    @api.depends("user_id", "group_id", "amount")
    def _compute_display_name(self):
        for authority in self:
            owner = authority.user_id or authority.group_id
            authority.display_name = self.env._(
                "%(owner)s: up to %(amount)s",
                owner=owner.display_name or "",
                amount=authority.currency_id.format(authority.amount),
            )

    @api.constrains("user_id", "group_id")
    def _check_owner(self):
        for authority in self:
            if bool(authority.user_id) == bool(authority.group_id):
                raise ValidationError(
                    self.env._("Give the authority to one user or to one user group.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        arguments.check_amounts(self.env, vals_list, "amount", "limit_amount")
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        arguments.check_amounts(self.env, [vals], "amount", "limit_amount")
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    @ormcache("root_id")
    def _is_used(self, root_id):
        """Whether the legal entity has set up authorities.

        sudo: a plain fact, asked on behalf of every user who writes a limit.
        """
        domain = [("company_id", "child_of", root_id)]
        return bool(self.sudo().search_count(domain, limit=1))

    @api.model
    def _get_reaching(self, user, company):
        # sudo: a user's own rights may be read for them
        return self.sudo().search(
            [
                ("company_id", "in", (company | company.root_id).ids),
                "|",
                ("user_id", "=", user.id),
                ("group_id", "in", user.sudo().all_group_ids.ids),
            ]
        )

    @api.model
    def _may_release(self, user, company, amount):
        """Whether ``user`` may release an excess of ``amount`` (company currency)."""
        reaching = self._get_reaching(user, company)
        currency = company.currency_id
        return any(
            currency.compare_amounts(authority.amount, amount) >= 0
            for authority in reaching
        )

    @api.model
    def _may_grant(self, user, company, amount):
        """Whether ``user`` may grant a limit of ``amount`` (company currency).

        A credit manager, who hands out the authorities, may grant any limit until an
        authority is given to them, too. ``amount`` None stands for unlimited credit,
        which is more than any authority covers.
        """
        reaching = self._get_reaching(user, company)
        if not reaching:
            return user.has_group("credit_control.group_credit_manager")
        return amount is not None and any(
            company.currency_id.compare_amounts(authority.limit_amount, amount) >= 0
            for authority in reaching
        )

    @api.model
    def _get_approvers(self, company, amount, excluded):
        """Approvers who may release ``amount``, those with the least authority first.

        :param excluded: users who may not, whatever their authority
        """
        # sudo: the requester need not see who the approvers are
        authorities = self.sudo().search(
            [
                ("company_id", "in", (company | company.root_id).ids),
                ("amount", ">=", amount),
            ],
            order="amount, id",
        )
        users = self.env["res.users"].sudo()
        for authority in authorities:
            users |= authority.user_id or authority.group_id.all_user_ids
        users &= self._get_members("credit_control.group_credit_approver")
        return self._filter_acting(users - excluded, company)

    @api.model
    def _get_managers(self, company, excluded):
        """Credit managers, who give authorities; others than ``excluded`` first."""
        managers = self._get_members("credit_control.group_credit_manager")
        managers = self._filter_acting(managers, company)
        return (managers - excluded) + (managers & excluded)

    @api.model
    def _get_members(self, group):
        # sudo: the requester need not see who the approvers are
        return self.env.ref(group).sudo().all_user_ids

    @api.model
    def _filter_acting(self, users, company):
        return users.filtered(
            lambda user: (
                user.active and company in user.company_ids | user.company_ids.root_id
            )
        )
