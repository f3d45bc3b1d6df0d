import math
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, clean_context

from .. import arguments

LIMIT_FIELDS = {"credit_limit", "credit_limit_policy", "credit_limit_expiry"}
# Limits by company and customer, as they were before this transaction
LIMITS_BEFORE = "credit_control.limits_before"


class ResPartner(models.Model):
    """Changes of a customer's limit, within the authority of whoever makes them."""

    _inherit = "res.partner"

    @api.constrains("credit_limit")
    def _check_credit_limit(self):
        # sudo: the amount may be negative whether or not the user may read it
        if any(partner.sudo().credit_limit < 0 for partner in self):
            raise ValidationError(self.env._("A credit limit cannot be negative."))

    @api.model
    def default_get(self, fields):
        """A limit that needs an authority is not preset by the caller's context or by a
        personal default, which nobody looks at; only by the company's own default."""
        # EXTENDS 'account'
        defaults = super().default_get(fields)
        # Superuser rights of the code do not make the user's context trustworthy
        user = self.sudo(False)
        for name in LIMIT_FIELDS & defaults.keys():
            field = self._fields[name]
            if user._is_credit_limit_guarded() or not user._has_field_access(
                field, "write"
            ):
                defaults.pop(name)
                if preset := field.get_company_dependent_fallback(self):
                    defaults[name] = field.convert_to_write(preset, self)
        return defaults

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'account'
        arguments.check_amounts(self.env, vals_list, "credit_limit")
        for vals in vals_list:
            self._check_last_day(vals)
        limits = [
            {name: vals[name] for name in LIMIT_FIELDS & vals.keys()}
            for vals in vals_list
        ]
        if not any(limits) or not self._is_credit_limit_guarded():
            return super().create(vals_list)
        self._check_limit_access(set().union(*limits))
        partners = super().create(
            [
                {name: value for name, value in vals.items() if name not in limit}
                for vals, limit in zip(vals_list, limits, strict=True)
            ]
        )
        # A limit given with the new customer is a raise like any other
        for partner, limit in zip(partners, limits, strict=True):
            # A form sends its empty fields, too: they ask for nothing
            if changed := partner._get_changed_limit(limit):
                partner.write(changed)
        return partners

    def write(self, vals):
        """Write; a raise beyond the user's authority becomes a request for approval.

        Only where the legal entity has set up authorities; else as in Odoo. The rest
        of the values is written at once.
        """
        # EXTENDS 'account'
        asked = {name: vals[name] for name in LIMIT_FIELDS & vals.keys()}
        if not asked:
            return super().write(vals)
        arguments.check_amounts(self.env, [vals], "credit_limit")
        self.check_access("write")
        self._check_limit_access(asked)
        self._check_last_day(asked)
        refused = self._get_refused_limits(asked)
        self._track_limits()
        if refused:
            rest = {name: value for name, value in vals.items() if name not in asked}
            result = super().write(rest)
            super(ResPartner, self.browse(set(self.ids) - refused.keys())).write(asked)
            self._request_credit_limits(refused)
        else:
            result = super().write(vals)
        self.env["credit.recheck"]._request(self.env.company, self)
        return result

    # ------------------------------------------------------------------
    # Changes in the chatter
    # ------------------------------------------------------------------

    def _track_get_fields(self):
        # EXTENDS 'mail', which reads all of them before each write. Posting an invoice
        # writes its customer: limits are read where they are written, and by company.
        return super()._track_get_fields() - LIMIT_FIELDS

    def _track_limits(self):
        """Have changes of the limit in the chatter, whatever the caller's context.

        Each company has limits of its own; what counts is the active one.
        """
        precommit = self.env.cr.precommit
        precommit.add(self._log_changed_limits)
        before = precommit.data.setdefault(LIMITS_BEFORE, {})
        of_company = before.setdefault(self.env.company.id, {})
        # sudo: a change is on record whether or not its author may read limits
        for partner in self.sudo():
            values = {name: partner[name] for name in LIMIT_FIELDS}
            of_company.setdefault(partner.id, values)

    def _log_changed_limits(self):
        before = self.env.cr.precommit.data.pop(LIMITS_BEFORE, {})
        # su: the values may be of other companies than the user's
        env = self.env(su=True, context=clean_context(self.env.context))
        for company_id, initial_values in before.items():
            partners = env[self._name].with_company(company_id)
            of_company = partners.browse(initial_values)
            of_company._message_track(LIMIT_FIELDS, initial_values)

    @api.model
    def _is_credit_limit_guarded(self):
        """Whether a raise of a limit needs an authority in the active company."""
        authority = self.env["credit.authority"]
        return not self.env.su and authority._is_used(self.env.company.root_id.id)

    def _check_last_day(self, asked):
        """Refuse a new last day in the past; the one that has passed may come again.

        :raise ValidationError: nobody would have the limit any more
        """
        arguments.check_days(self.env, [asked], "credit_limit_expiry")
        last_day = fields.Date.to_date(asked.get("credit_limit_expiry"))
        # sudo: compare with the value in force, readable or not
        known = self.sudo().mapped("credit_limit_expiry")
        if not self or any(day != last_day for day in known):
            self.env["credit.limit"]._check_last_day(last_day)

    @api.model
    def _check_limit_access(self, names):
        """Check what the ORM does, before values are taken out for a request.

        :raise AccessError: the user has no right on a field
        """
        for name in sorted(names):
            self._check_field_access(self._fields[name], "write")

    def _get_changed_limit(self, asked):
        """The values of ``asked`` that differ from what the customer has."""
        # sudo: compare with the values in force, readable or not
        current = self.sudo()
        return {
            name: value
            for name, value in asked.items()
            if self._fields[name].convert_to_cache(value, self)
            != self._fields[name].convert_to_cache(current[name], self)
        }

    def _get_refused_limits(self, asked):
        """Customers whose limit the user may not change as asked.

        :return: ``{partner id: (limit asked for, its last day)}``; None for unlimited
            credit, and for no last day
        """
        if not self._is_credit_limit_guarded():
            return {}
        authority, company = self.env["credit.authority"], self.env.company
        changed = {
            name: fields.Date.to_date(value) if name == "credit_limit_expiry" else value
            for name, value in asked.items()
        }
        refused = {}
        for partner_id, values in self._read_own_limits().items():
            limit, expiry = self._get_limit_and_expiry(values)
            wanted, until = self._get_limit_and_expiry({**values, **changed})
            if limit == math.inf > wanted and not values["credit_limit_policy"]:
                # Nobody decided yet: the first limit is a raise, too
                limit = 0.0
            # A later day prolongs the limit, an earlier one gives nothing
            if wanted <= limit and (until <= expiry or wanted <= 0):
                continue
            amount = None if wanted == math.inf else wanted
            if not authority._may_grant(self.env.user, company, amount):
                refused[partner_id] = (amount, None if until == date.max else until)
        return refused

    def _read_own_limits(self):
        """Stored values of each partner for the active company, None where unset."""
        self.flush_recordset(list(LIMIT_FIELDS))
        value = self.env["credit.limit"]._company_value
        company = self.env.company
        rows = self.env.execute_query(
            SQL(
                """SELECT id, (%s)::float, %s, (%s)::date
                     FROM res_partner partner WHERE id = ANY(%s)""",
                value("credit_limit", company),
                value("credit_limit_policy", company),
                value("credit_limit_expiry", company),
                self.ids,
            )
        )
        names = ("credit_limit", "credit_limit_policy", "credit_limit_expiry")
        return {id_: dict(zip(names, row, strict=True)) for id_, *row in rows}

    @api.model
    def _get_limit_and_expiry(self, values):
        """What the stored values stand for: infinity is no limit, or no last day.

        The same as the SQL of ``credit.limit``, for values that are not stored yet.
        """
        default = self.env["credit.limit"]._get_default_limit(self.env.company)
        amount, policy = values["credit_limit"], values["credit_limit_policy"]
        if amount is None:
            amount = default
        if policy == "unlimited" or (policy != "limit" and not (amount or default)):
            amount = math.inf
        return amount, values["credit_limit_expiry"] or date.max

    def _request_credit_limits(self, refused):
        """Ask for the limits that were refused; only who pays has a limit."""
        payers = self.filtered(
            lambda partner: (
                partner.id in refused and partner == partner.commercial_partner_id
            )
        )
        requests = {partner: refused[partner.id] for partner in payers}
        if any(amount is None for amount, _last_day in requests.values()):
            raise ValidationError(
                self.env._(
                    "Unlimited credit is more than any authority covers: a credit"
                    " manager without one gives it."
                )
            )
        # sudo: asking is allowed to whoever may write the limit
        limits_sudo = self.env["credit.limit"].sudo()
        limits_sudo = limits_sudo.create(
            [
                {
                    "partner_id": partner.id,
                    "company_id": self.env.company.id,
                    "kind": "permanent",
                    "amount": amount,
                    "date_to": last_day,
                    "requested_by": self.env.uid,
                    "reason": self.env._("Changed on the customer"),
                }
                for partner, (amount, last_day) in requests.items()
            ]
        )
        for limit in limits_sudo:
            # Contacts are read by many: the amount is shown to the credit team alone
            link = limit._get_html_link(title=self.env._("Show the request"))
            limit.partner_id.with_env(self.env)._message_log(
                body=self.env._(
                    "A new credit limit waits for approval. %(request)s", request=link
                )
            )
