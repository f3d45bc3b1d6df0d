from odoo import api, models
from odoo.exceptions import ValidationError

from .. import arguments

LIMIT_FIELDS = {"credit_limit", "credit_limit_policy", "credit_limit_expiry"}


class ResPartner(models.Model):
    """Changes of a customer's limit, within the authority of whoever makes them."""

    _inherit = "res.partner"

    @api.constrains("credit_limit")
    def _check_credit_limit(self):
        # sudo: the amount may be negative whether or not the user may read it
        if any(partner.sudo().credit_limit < 0 for partner in self):
            raise ValidationError(self.env._("A credit limit cannot be negative."))

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'account'
        arguments.check_amounts(self.env, vals_list, "credit_limit")
        limits = [
            {name: vals[name] for name in LIMIT_FIELDS & vals.keys()}
            for vals in vals_list
        ]
        authority, root = self.env["credit.authority"], self.env.company.root_id
        if self.env.su or not any(limits) or not authority._is_used(root.id):
            return super().create(vals_list)
        partners = super().create(
            [
                {name: value for name, value in vals.items() if name not in limit}
                for vals, limit in zip(vals_list, limits, strict=True)
            ]
        )
        # A limit given with the new customer is a raise like any other
        for partner, limit in zip(partners, limits, strict=True):
            if limit:
                partner.write(limit)
        return partners

    def write(self, vals):
        # EXTENDS 'account'
        if not LIMIT_FIELDS & vals.keys():
            return super().write(vals)
        arguments.check_amounts(self.env, [vals], "credit_limit")
        vals = self._keep_credit_limit_in_authority(vals)
        result = super().write(vals)
        self.env["credit.recheck"]._request(self.env.company, self)
        return result

    def _keep_credit_limit_in_authority(self, vals):
        """Turn a raise beyond the user's authority into a request for approval.

        Only where the legal entity has set up authorities; else as in Odoo. The rest
        of the values is written at once.
        """
        authority, company = self.env["credit.authority"], self.env.company
        if self.env.su or not authority._is_used(company.root_id.id):
            return vals
        asked = {name: vals[name] for name in LIMIT_FIELDS & vals.keys()}
        if not self._raises_credit_limit(asked):
            return vals
        amount = asked.get("credit_limit", max(self.mapped("credit_limit"), default=0))
        wanted = None if asked.get("credit_limit_policy") == "unlimited" else amount
        if authority._may_grant(self.env.user, company, wanted):
            return vals
        self._request_credit_limit(amount, unlimited=wanted is None)
        return {name: value for name, value in vals.items() if name not in LIMIT_FIELDS}

    def _raises_credit_limit(self, asked):
        """Whether the values give any of the customers more credit than before."""
        if "credit_limit_expiry" in asked or "credit_limit_policy" in asked:
            return asked.get("credit_limit_policy") != "limit" or (
                asked.get("credit_limit", 0.0) > 0
            )
        # sudo: compare with the amount in force, readable or not
        return any(
            asked["credit_limit"] > partner.sudo().credit_limit
            or not asked["credit_limit"]
            for partner in self
        )

    def _request_credit_limit(self, amount, unlimited):
        if unlimited:
            raise ValidationError(
                self.env._("Only a credit manager gives unlimited credit.")
            )
        # sudo: asking is allowed to whoever may write the limit
        self.env["credit.limit"].sudo().create(
            [
                {
                    "partner_id": partner.commercial_partner_id.id,
                    "company_id": self.env.company.root_id.id,
                    "kind": "permanent",
                    "amount": amount,
                    "requested_by": self.env.uid,
                    "reason": self.env._("Changed on the customer"),
                }
                for partner in self.commercial_partner_id
            ]
        )
        for partner in self:
            partner._message_log(
                body=self.env._(
                    "A credit limit of %(amount)s waits for approval.",
                    amount=self.env.company.currency_id.format(amount),
                )
            )
