import math
from datetime import date
from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import AccessError


class Grants(NamedTuple):
    """What groups give; infinity stands for unlimited credit, and for no last day.

    ``terms`` are limit and last day by ``(company, group)``, ``limits`` what counts
    today by ``(company, partner id)``.
    """

    terms: dict
    limits: dict


class CreditGroup(models.Model):
    """Changes of a shared limit, within the authority of whoever makes them.

    A group gives credit by its amount and its last day, by who is put into it, and by
    who is left to the own limit when taken out of it.
    """

    _inherit = "credit.group"

    def _get_grants(self):
        """What the groups give now, where the legal entity has set up authorities.

        :rtype: Grants
        """
        terms, members = {}, {}
        if not self.env.su:
            is_used = self.env["credit.authority"]._is_used
            # Whom the user may not see, or nobody sees any more, has a limit, too
            for group in self.sudo().with_context(active_test=False):
                if is_used(group.company_id.root_id.id):
                    company = group.company_id.sudo(False)
                    terms[company, group.id] = group._get_terms()
                    known = members.setdefault(company, set())
                    known.update(group.partner_ids.ids)
        limits = {
            (company, partner_id): limit
            for company, partner_ids in members.items()
            for partner_id, limit in self._get_limits(company, partner_ids).items()
        }
        return Grants(terms, limits)

    def _get_terms(self):
        limit = math.inf if self.is_unlimited else self.credit_limit
        return (limit if self.active else 0.0), self.limit_expiry or date.max

    @api.model
    def _get_limits(self, company, partner_ids, with_groups=True):
        exposure = self.env["credit.exposure"]
        exposure._flush_limits()
        query = exposure._limits_query(company, list(partner_ids), with_groups)
        return {
            partner_id: math.inf if limit is None else limit
            for partner_id, limit, _is_expired in self.env.execute_query(query)
        }

    def _check_grants(self, before):
        """Refuse a change that gives more than the user may grant.

        :param Grants before: what the groups gave before it
        :raise AccessError: with the words what to do instead
        """
        after = self._get_grants()
        authority = self.env["credit.authority"]
        raised = {*self._get_raised_terms(before, after)}
        raised.update(self._get_raised_members(before, after))
        for company, limit in raised:
            amount = None if limit == math.inf else limit
            if not authority._may_grant(self.env.user, company, amount):
                raise AccessError(
                    self.env._(
                        "Your authority does not cover the limit that the customers of"
                        " the group would get. Ask for it with a credit limit change,"
                        " or let somebody with a higher authority do it."
                    )
                )

    @api.model
    def _get_raised_terms(self, before, after):
        """Yield (company, limit) where the limit is higher or lasts longer."""
        for key, (limit, last_day) in after.terms.items():
            old_limit, old_day = before.terms.get(key, (0.0, date.max))
            if limit > old_limit or (limit > 0 and last_day > old_day):
                yield key[0], limit

    @api.model
    def _get_raised_members(self, before, after):
        """Yield (company, limit) where a customer gains, also by coming or going."""
        keys = before.limits.keys() | after.limits.keys()
        for company in {company for company, _partner_id in keys}:
            ids = [partner_id for owner, partner_id in keys if owner == company]
            # Who was not in a group, or is in none any more, has the own limit
            own = self._get_limits(company, ids, with_groups=False)
            for partner_id in ids:
                key = (company, partner_id)
                alone = own.get(partner_id, 0.0)
                limit = after.limits.get(key, alone)
                if limit > before.limits.get(key, alone):
                    yield company, limit
