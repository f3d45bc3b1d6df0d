"""Limits: where the amount comes from, and changes that need somebody's approval.

The permanent limit is Odoo's own ``res.partner.credit_limit``, read for the document's
company and, where a branch has none of its own, for its root company. Odoo stores no
value when the amount equals the company's default, so it cannot tell "no limit" from
"a limit of zero"; ``credit_limit_policy`` on the customer says it where that matters:

=============  ==============================================================
policy         limit
=============  ==============================================================
(empty)        the amount; an amount of 0 that was never set apart from the
               company's default means unlimited, as in Odoo
``limit``      the amount, also when it is 0: no credit at all
``unlimited``  none, whatever the amount or the company's default
=============  ==============================================================

A limit whose expiry date has passed counts as 0 until it is renewed.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL, ormcache

from .. import arguments

MANAGER_GROUP = "credit_control.group_credit_manager"
USER_GROUP = "credit_control.group_credit_user"


class CreditLimit(models.Model):
    _name = "credit.limit"
    _description = "Credit Limit Change"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _allow_sudo_commands = False
    _mail_post_access = "read"

    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        ondelete="cascade",
        index=True,
        domain="[('parent_id', '=', False)]",
    )
    group_id = fields.Many2one("credit.group", ondelete="cascade", index=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company.root_id,
        help="Legal entity: the limit is shared with its branches.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    kind = fields.Selection(
        [("permanent", "Permanent"), ("temporary", "Temporary")],
        required=True,
        default="temporary",
    )
    amount = fields.Monetary(
        required=True, help="The new limit, in the company's currency."
    )
    date_from = fields.Date(default=fields.Date.context_today)
    date_to = fields.Date(help="Last day of a temporary limit.")
    reason = fields.Char(required=True)
    state = fields.Selection(
        [
            ("requested", "To Approve"),
            ("approved", "Approved"),
            ("refused", "Refused"),
            ("ended", "Ended"),
        ],
        default="requested",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    requested_by = fields.Many2one(
        "res.users", default=lambda self: self.env.user, readonly=True, copy=False
    )
    approved_by = fields.Many2one("res.users", readonly=True, copy=False)

    _amount_not_negative = models.Constraint(
        "CHECK (amount >= 0)", "A credit limit cannot be negative."
    )
    _one_owner = models.Constraint(
        "CHECK ((partner_id IS NULL) != (group_id IS NULL))",
        "A limit belongs to one customer or to one credit group.",
    )
    # Read by every credit decision: the temporary limits in force
    _in_force_idx = models.Index(
        "(company_id, partner_id, group_id, date_from, date_to)"
        " WHERE state = 'approved' AND kind = 'temporary'"
    )

    @api.constrains("kind", "date_from", "date_to")
    def _check_dates(self):
        today = fields.Date.context_today(self)
        for limit in self.filtered(lambda limit: limit.kind == "temporary"):
            if not (limit.date_from and limit.date_to):
                raise ValidationError(
                    self.env._("A temporary limit needs its first and its last day.")
                )
            if limit.date_to < limit.date_from:
                raise ValidationError(
                    self.env._("The last day of a limit cannot be before its first.")
                )
            if limit.state == "requested" and limit.date_to < today:
                raise ValidationError(
                    self.env._(
                        "The limit would already have expired on %(date)s."
                        " Choose a later last day.",
                        date=limit.date_to,
                    )
                )

    @api.constrains("company_id")
    def _check_root_company(self):
        for limit in self:
            if limit.company_id != limit.company_id.root_id:
                raise ValidationError(
                    self.env._(
                        "Limits are kept for the legal entity: choose %(company)s.",
                        company=limit.company_id.root_id.display_name,
                    )
                )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        """Record the request; it counts at once where the user's authority covers it.

        :raise AccessError: for users outside the credit team
        """
        arguments.check_amounts(self.env, vals_list, "amount")
        for vals in vals_list:
            if not self.env.su:
                vals.pop("approved_by", None)
                vals["state"] = "requested"
                vals["requested_by"] = self.env.uid
        limits = super().create(vals_list)
        limits.filtered(lambda limit: limit._is_within_own_authority())._set_approved()
        self.env.registry.clear_cache()
        return limits

    def write(self, vals):
        if not self.env.su and set(vals) - {"reason", "message_follower_ids"}:
            raise UserError(
                self.env._(
                    "A limit that was asked for is not edited: refuse it and ask again."
                )
            )
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_requested(self):
        if any(limit.state != "requested" for limit in self):
            raise UserError(
                self.env._("A decided limit stays on record; end it instead.")
            )

    # ------------------------------------------------------------------
    # Decisions
    # ------------------------------------------------------------------

    def _is_within_own_authority(self):
        self.ensure_one()
        return self.env["credit.authority"]._may_grant(
            self.requested_by, self.company_id, self.amount
        )

    def action_approve(self):
        """Let the limit count; needs an authority that covers it, and four eyes.

        :raise AccessError: authority too low
        :raise UserError: the requester approving their own request
        """
        self.check_access("read")
        for limit in self.filtered(lambda limit: limit.state == "requested"):
            limit._ensure_may_approve()
            limit._set_approved()
        return True

    def _ensure_may_approve(self):
        self.ensure_one()
        if self.requested_by == self.env.user:
            raise UserError(
                self.env._("Somebody else has to approve the limit you asked for.")
            )
        authority = self.env["credit.authority"]
        if not authority._may_grant(self.env.user, self.company_id, self.amount):
            raise AccessError(
                self.env._(
                    "Your authority does not cover a limit of %(amount)s.",
                    amount=self.currency_id.format(self.amount),
                )
            )

    def _set_approved(self):
        # sudo: the rights were checked above; the requester may not write limits
        for limit in self.sudo().filtered(lambda limit: limit.state == "requested"):
            limit.write({"state": "approved", "approved_by": self.env.uid})
            limit._apply_permanent()
            members = limit.partner_id or limit.group_id.partner_ids
            self.env["credit.recheck"]._request(limit.company_id, members)

    def _apply_permanent(self):
        self.ensure_one()
        if self.kind != "permanent":
            return
        if self.group_id:
            self.group_id.credit_limit = self.amount
            return
        partner = self.partner_id.commercial_partner_id.with_company(self.company_id)
        partner.write({"credit_limit": self.amount, "credit_limit_policy": "limit"})

    def action_refuse(self):
        """Refuse the requests; needs the same authority as approving them."""
        self.check_access("read")
        for limit in self.filtered(lambda limit: limit.state == "requested"):
            if limit.requested_by != self.env.user:
                limit._ensure_may_approve()
            # sudo: rights checked above, nobody writes limits directly
            limit.sudo().write({"state": "refused"})
        return True

    def action_end(self):
        """End temporary limits before their last day.

        :raise AccessError: for users who are not credit managers
        """
        self.check_access("read")
        if not self.env.user.has_group(MANAGER_GROUP):
            raise AccessError(self.env._("Only credit managers end a limit."))
        active = self.filtered(lambda limit: limit.state == "approved")
        # sudo: rights checked above, nobody writes limits directly
        active.sudo().write({"state": "ended"})
        return True

    # ------------------------------------------------------------------
    # SQL, for partners aliased "partner" and groups aliased "member"
    # ------------------------------------------------------------------

    @api.model
    @ormcache("root_id")
    def _has_temporary(self, root_id):
        # sudo: a plain fact that steers the shape of a query
        return bool(
            self.sudo().search_count(
                [
                    ("company_id", "=", root_id),
                    ("kind", "=", "temporary"),
                    ("state", "=", "approved"),
                ],
                limit=1,
            )
        )

    @api.model
    def _limit_expression(self, company, with_groups):
        """Limit of one customer for documents of ``company``; NULL is unlimited."""
        own = SQL(
            "CASE WHEN %s AND %s IS NOT NULL THEN 0 ELSE %s END",
            self._own_expired_expression(company),
            self._native_expression(company),
            self._native_expression(company),
        )
        limit = self._with_temporary(own, company, SQL("partner_id = partner.id"))
        if not with_groups:
            return limit
        shared = SQL(
            """CASE WHEN member.is_unlimited THEN NULL
                    WHEN member.limit_expiry < %s THEN 0
                    ELSE member.credit_limit END""",
            fields.Date.context_today(self),
        )
        return SQL(
            "CASE WHEN member.id IS NULL THEN %s ELSE %s END",
            limit,
            self._with_temporary(shared, company, SQL("group_id = member.id")),
        )

    @api.model
    def _expired_expression(self, company, with_groups):
        """Whether the customer's limit has passed its expiry date."""
        own = self._own_expired_expression(company)
        if not with_groups:
            return own
        return SQL(
            "CASE WHEN member.id IS NULL THEN %s"
            " ELSE COALESCE(member.limit_expiry < %s, FALSE) END",
            own,
            fields.Date.context_today(self),
        )

    @api.model
    def _with_temporary(self, permanent, company, owner):
        if not self._has_temporary(company.root_id.id):
            return permanent
        today = fields.Date.context_today(self)
        return SQL(
            """COALESCE((SELECT temporary.amount FROM credit_limit temporary
                          WHERE temporary.company_id = %(root)s
                            AND temporary.state = 'approved'
                            AND temporary.kind = 'temporary'
                            AND %(today)s BETWEEN temporary.date_from
                                              AND temporary.date_to
                            AND temporary.%(owner)s
                       ORDER BY temporary.id DESC LIMIT 1), %(permanent)s)""",
            root=company.root_id.id,
            today=today,
            owner=owner,
            permanent=permanent,
        )

    @api.model
    def _company_value(self, field_name, company):
        """A company-dependent value of the document's company, else of its root."""
        column = SQL.identifier("partner", field_name)
        return SQL(
            "COALESCE(%(column)s->>%(company)s, %(column)s->>%(root)s)",
            column=column,
            company=str(company.id),
            root=str(company.root_id.id),
        )

    @api.model
    def _own_expired_expression(self, company):
        return SQL(
            "COALESCE((%s)::date < %s, FALSE)",
            self._company_value("credit_limit_expiry", company),
            fields.Date.context_today(self),
        )

    @api.model
    def _native_expression(self, company):
        """Odoo's credit limit with the policy of this module applied."""
        default = self._get_default_limit(company)
        return SQL(
            """CASE %(policy)s
               WHEN 'unlimited' THEN NULL
               WHEN 'limit' THEN COALESCE(%(own)s, %(default)s)
               ELSE COALESCE(NULLIF(%(own)s, %(blank)s), NULLIF(%(default)s, 0))
               END""",
            policy=self._company_value("credit_limit_policy", company),
            own=SQL("(%s)::numeric", self._company_value("credit_limit", company)),
            default=SQL("%s::numeric", default),
            # 0 is an amount of its own only where the company's default is another
            blank=SQL("%s::numeric", 0 if not default else None),
        )

    @api.model
    def _get_default_limit(self, company):
        field = self.env["res.partner"]._fields["credit_limit"]
        for owner in (company, company.root_id):
            partners = self.env["res.partner"].with_company(owner)
            if default := field.get_company_dependent_fallback(partners):
                return default
        return 0.0
