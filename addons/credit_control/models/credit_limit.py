"""Limits: changes that need somebody's approval, and temporary ones.

Where the amount that counts comes from is told in ``credit_limit_in_force``.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

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
        help="Legal entity, whose limit its branches share. A permanent limit of a"
        " customer may also be for one branch.",
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
    date_to = fields.Date(
        string="Last Day",
        help="Of the limit. A permanent one without it has no end; afterwards it counts"
        " as zero.",
    )
    reason = fields.Char(required=True, tracking=True)
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
        for limit in self.filtered(lambda limit: limit.kind == "temporary"):
            if not (limit.date_from and limit.date_to):
                raise ValidationError(
                    self.env._("A temporary limit needs its first and its last day.")
                )
            if limit.date_to < limit.date_from:
                raise ValidationError(
                    self.env._("The last day of a limit cannot be before its first.")
                )
        for limit in self.filtered(lambda limit: limit.state == "requested"):
            self._check_last_day(limit.date_to)

    @api.model
    def _check_last_day(self, last_day):
        """Refuse a limit that nobody would have any more.

        :raise ValidationError: ``last_day`` has passed
        """
        if last_day and last_day < fields.Date.context_today(self):
            raise ValidationError(
                self.env._(
                    "The limit would already have expired on %(date)s."
                    " Choose a later last day.",
                    date=last_day,
                )
            )

    @api.constrains("partner_id")
    def _check_commercial(self):
        for limit in self:
            payer = limit.partner_id.commercial_partner_id
            if limit.partner_id != payer:
                raise ValidationError(
                    self.env._(
                        "%(contact)s has no limit of their own: choose %(partner)s.",
                        contact=limit.partner_id.display_name,
                        partner=payer.display_name,
                    )
                )

    @api.constrains("company_id", "kind", "group_id")
    def _check_root_company(self):
        for limit in self:
            if limit.kind == "permanent" and not limit.group_id:
                continue  # Odoo keeps it per company, branches included
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
        arguments.check_days(self.env, vals_list, "date_from", "date_to")
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
        if "reason" in vals and any(limit.state != "requested" for limit in self):
            raise UserError(
                self.env._("The reason of a decided limit stays on record as it is.")
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
            limit._check_last_day(limit.date_to)
            limit.write({"state": "approved", "approved_by": self.env.uid})
            limit._apply_permanent()
            limit._request_recheck()

    def _request_recheck(self):
        for limit in self:
            members = limit.partner_id or limit.group_id.partner_ids
            self.env["credit.recheck"]._request(limit.company_id, members)

    def _apply_permanent(self):
        self.ensure_one()
        if self.kind != "permanent":
            return
        if self.group_id:
            self.group_id.write(
                {"credit_limit": self.amount, "limit_expiry": self.date_to}
            )
            return
        payer = self.partner_id.commercial_partner_id
        payer.with_company(self.company_id).write(
            {
                "credit_limit": self.amount,
                "credit_limit_policy": "limit",
                "credit_limit_expiry": self.date_to,
            }
        )

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
        active._request_recheck()
        return True
