"""Which limit counts today, as SQL.

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

A limit whose expiry date has passed counts as 0 until it is renewed; unlimited credit
does not expire. A temporary limit counts instead of the permanent one, expired or not,
from its first to its last day.
"""

from odoo import api, fields, models
from odoo.tools import SQL, ormcache

# Whose temporary limit
OWN = SQL("partner_id = partner.id")
SHARED = SQL("group_id = member.id")


class CreditLimit(models.Model):
    _inherit = "credit.limit"

    # Read for partners aliased "partner" and their groups aliased "member"

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
            "CASE WHEN %s THEN 0 ELSE %s END",
            self._own_expired_expression(company),
            self._native_expression(company),
        )
        limit = self._with_temporary(own, company, OWN)
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
            self._with_temporary(shared, company, SHARED),
        )

    @api.model
    def _expired_expression(self, company, with_groups):
        """Whether the customer's limit has passed its expiry date."""
        own = self._unless_temporary(
            self._own_expired_expression(company), company, OWN
        )
        if not with_groups:
            return own
        shared = SQL(
            "COALESCE(member.limit_expiry < %s AND member.is_unlimited IS NOT TRUE,"
            " FALSE)",
            fields.Date.context_today(self),
        )
        return SQL(
            "CASE WHEN member.id IS NULL THEN %s ELSE %s END",
            own,
            self._unless_temporary(shared, company, SHARED),
        )

    @api.model
    def _with_temporary(self, permanent, company, owner):
        if not self._has_temporary(company.root_id.id):
            return permanent
        return SQL("COALESCE(%s, %s)", self._temporary_query(company, owner), permanent)

    @api.model
    def _unless_temporary(self, expired, company, owner):
        if not self._has_temporary(company.root_id.id):
            return expired
        return SQL("%s AND %s IS NULL", expired, self._temporary_query(company, owner))

    @api.model
    def _temporary_query(self, company, owner):
        return SQL(
            """(SELECT temporary.amount FROM credit_limit temporary
                 WHERE temporary.company_id = %(root)s
                   AND temporary.state = 'approved'
                   AND temporary.kind = 'temporary'
                   AND %(today)s BETWEEN temporary.date_from AND temporary.date_to
                   AND temporary.%(owner)s
              ORDER BY temporary.id DESC LIMIT 1)""",
            root=company.root_id.id,
            today=fields.Date.context_today(self),
            owner=owner,
        )

    @api.model
    def _company_value(self, field_name, company):
        """A company-dependent value of the document's company, else of its root."""
        column = SQL.identifier("partner", field_name)
        values = [
            SQL("%s->>%s", column, str(owner.id)) for owner in company | company.root_id
        ]
        return SQL("COALESCE(%s)", SQL(", ").join(values))

    @api.model
    def _own_expired_expression(self, company):
        return SQL(
            "COALESCE((%s)::date < %s AND %s IS NOT NULL, FALSE)",
            self._company_value("credit_limit_expiry", company),
            fields.Date.context_today(self),
            self._native_expression(company),
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
        for owner in company | company.root_id:
            partners = self.env["res.partner"].with_company(owner)
            if default := field.get_company_dependent_fallback(partners):
                return default
        return 0.0
