"""Which companies and partners one run of the checks looks at."""

from typing import NamedTuple

from odoo.tools import SQL


class Scope(NamedTuple):
    """Companies, and optionally the partners, that a check is limited to.

    Partners are given by id (``partner_ids``) or as a range of ids from
    ``first_partner`` to ``last_partner``, both included, either end open. The first
    range of a sweep (``first_partner`` empty) also holds what has no partner.
    """

    company_ids: tuple
    partner_ids: tuple | None = None
    first_partner: int | None = None
    last_partner: int | None = None

    @property
    def is_range(self):
        """Whether the partners are given as a range of ids."""
        return self.first_partner is not None or self.last_partner is not None

    @property
    def unit_scopes(self):
        """Values of ``_check_scope`` of the checks that can look at this scope."""
        if self.is_range:
            return ("partner",)
        if self.partner_ids is not None:
            return ("partner", "listed")
        return ("partner", "listed", "company")

    def companies(self, column):
        """Condition that ``column`` (SQL) holds a company of this scope."""
        return SQL("%s IN %s", column, self.company_ids or (0,))

    def partners(self, column):
        """Condition that ``column`` (SQL) holds a partner of this scope."""
        if self.partner_ids is not None:
            return self._listed(column)
        bounds = []
        if self.first_partner is not None:
            bounds.append(SQL("%s >= %s", column, self.first_partner))
        if self.last_partner is not None:
            bounds.append(SQL("%s <= %s", column, self.last_partner))
        if not bounds:
            return SQL("TRUE")
        within = SQL(" AND ").join(bounds)
        if self.first_partner is None:
            return SQL("(%s IS NULL OR (%s))", column, within)
        return SQL("(%s)", within)

    def contacts(self, column):
        """The same where ``column`` holds the contact of a document: its commercial
        entity decides. Written for the indexes on contacts of documents."""
        if self.partner_ids is None and not self.is_range:
            return SQL("TRUE")
        if self.partner_ids is None:
            listed = SQL("%s IN (%s)", column, self._contacts_in_range())
        else:
            # As an array: whatever a plan makes of the list, it begins with the few
            # documents of these contacts and not with all there are.
            listed = SQL("%s = ANY(ARRAY(%s))", column, self._contacts_listed())
        if self._has_orphans():
            return SQL("(%s OR %s IS NULL)", listed, column)
        return listed

    def _contacts_in_range(self):
        # By the column itself: of an expression PostgreSQL would guess how many there
        # are, and then look up each document instead of joining them.
        known = self._replace_orphans()
        return SQL(
            """
            SELECT contact.id FROM res_partner contact
             WHERE %s OR (contact.commercial_partner_id IS NULL AND %s)
            """,
            known.partners(SQL("contact.commercial_partner_id")),
            known.partners(SQL("contact.id")),
        )

    def _contacts_listed(self):
        known = tuple(filter(None, self.partner_ids)) or (0,)
        return SQL(
            """
            SELECT contact.id FROM res_partner contact
             WHERE contact.commercial_partner_id IN %(known)s
                OR (contact.id IN %(known)s AND contact.commercial_partner_id IS NULL)
            """,
            known=known,
        )

    def _has_orphans(self):
        """Whether what has no partner belongs to this scope."""
        if self.partner_ids is not None:
            return 0 in self.partner_ids
        return self.first_partner is None

    def _replace_orphans(self):
        """This range without what has no partner."""
        return self._replace(first_partner=self.first_partner or 1)

    def _listed(self, column):
        """Zero among the ids stands for "no partner"."""
        known = tuple(partner for partner in self.partner_ids if partner)
        listed = SQL("%s IN %s", column, known or (0,))
        if len(known) == len(self.partner_ids):
            return listed
        return SQL("(%s OR %s IS NULL)", listed, column)
