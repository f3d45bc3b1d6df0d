"""The one computation of what a customer owes or will owe, and its lock.

*Credit area.* Exposure belongs to a legal entity: the root company with all its
branches, which share one currency. A document counts for the root of its company.

*Who owes.* The commercial entity of the invoice address. The members of a
``credit.group`` are added up wherever a limit is compared.

*Buckets*, all in the company's currency; each amount sits in exactly one:

``open_items``
    balance of the customer subledger: posted invoices, credit notes and payments,
    whether reconciled or not; and of the time before the ledger, where the company
    chose to leave that out of the ledger;
``draft_invoices``
    draft customer invoices, receipts and credit notes at their total;
``orders``
    confirmed orders at what can still be invoiced: the ordered quantity (or the
    delivered one where more was delivered) minus what draft or posted invoices
    already bill, taxes included, whatever the invoicing policy; minus the down
    payments that the final invoice will deduct; minus online payments that are
    authorised or done but not booked yet.

A document that only changes its stage therefore moves nothing: invoicing moves the
amount from ``orders`` to ``draft_invoices``, posting from there to ``open_items``.
Credit notes of an order's invoice give the quantity back to the order, as Odoo does
("to invoice" again), unless the goods came back too.

*Foreign currency.* What is not invoiced yet is converted at today's rate, which is
the rate the invoice will get; a draft and a posted invoice keep the rate of the
invoice. Stage changes on the same day are thus neutral to the rounding of one
document; a rate that changed between two stages shows as exactly that difference.

*Cost.* Open orders and drafts are found through partial indexes, the ledger through
its account heads: reading does not depend on how many items are open or closed.
"""

from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL, ormcache

from odoo.addons.sales_ledger_sync.searching import computed_once

# Who sees what customers owe: those who sell, bill or watch credit. Everybody else
# learns only that a document is on hold.
FIGURE_GROUPS = (
    "sales_team.group_sale_salesman,account.group_account_invoice,"
    "account.group_account_readonly,credit_control.group_credit_user"
)


class CreditFigures(NamedTuple):
    """What one customer owes and may owe, in the company's currency.

    ``limit`` is None for unlimited credit, which is not the same as 0.0.
    ``account_exposure`` is the exposure that is compared with the limit: that of the
    whole credit group for its members, the customer's own otherwise.
    """

    open_items: float = 0.0
    orders: float = 0.0
    draft_invoices: float = 0.0
    exposure: float = 0.0
    limit: float | None = None
    account_exposure: float = 0.0
    limit_expired: bool = False

    @property
    def available(self):
        """Credit left, None when unlimited; negative when over the limit."""
        return None if self.limit is None else self.limit - self.account_exposure


class CreditExposure(models.AbstractModel):
    _name = "credit.exposure"
    _description = "Credit Exposure"

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    def _may_read_figures(self):
        """Whether the user may be told amounts, also by code that runs as superuser."""
        return any(map(self.env.user.has_group, FIGURE_GROUPS.split(",")))

    @api.model
    def _get_figures(self, company, partners):
        """Return the figures of ``partners`` for documents of ``company``.

        The caller decides who may see them: the computation always has full sight of
        all documents, or a salesperson's own record rules would make it too low.

        :param company: company of the document; limits of a branch fall back to
            those of its root company
        :param partners: contacts; each is read through its commercial entity
        :return: ``{commercial partner id: CreditFigures}``, one entry per customer
        """
        commercial_ids = partners.commercial_partner_id.ids
        if not commercial_ids:
            return {}
        self._flush_sources()
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id, open_items, orders, draft_invoices, exposure,
                          credit_limit, account_exposure, limit_expired
                     FROM %s AS figures""",
                self._figures_table(company, commercial_ids),
            )
        )
        return {partner_id: CreditFigures(*figures) for partner_id, *figures in rows}

    @api.model
    def _get_limits(self, company, partners):
        """The same, but for the exposure, which stays at 0.0.

        For who decides, and therefore reads the exposure under a lock. Their commercial
        entities come with the limits and are kept in the cache: one statement for both.
        """
        if not partners:
            return {}
        self._flush_limits()
        rows = self.env.execute_query(
            SQL(
                """SELECT contact.id, limits.*
                     FROM res_partner contact
                     JOIN (%s) AS limits
                       ON limits.partner_id = contact.commercial_partner_id
                    WHERE contact.id = ANY(%s)""",
                self._limits_query(company),
                partners.ids,
            )
        )
        limits = {}
        for contact_id, partner_id, limit, is_expired in rows:
            contact = partners.browse(contact_id)
            contact._fields["commercial_partner_id"]._insert_cache(
                contact, [partner_id]
            )
            limits[partner_id] = CreditFigures(limit=limit, limit_expired=is_expired)
        return limits

    @api.model
    def _get_exposures(self, company, partners):
        """Return only the exposure: what a list of many customers shows.

        :param partners: contacts; each is read through its commercial entity
        :return: ``{commercial partner id: exposure}``; who owes nothing may be missing
        """
        commercial_ids = partners.commercial_partner_id.ids
        if not commercial_ids:
            return {}
        self._flush_sources()
        root = company.root_id
        orders = self._order_total_query(root, commercial_ids)
        query = SQL(
            """
            SELECT partner_id,
                   COALESCE(SUM(amount) FILTER (WHERE kind != 'touched'), 0),
                   ARRAY_AGG(document_id) FILTER (WHERE kind = 'touched')
              FROM (%s) AS document
          GROUP BY partner_id
            """,
            SQL(" UNION ALL ").join(
                self._document_queries(root, commercial_ids, orders)
            ),
        )
        exposures, touched = {}, []
        for partner_id, amount, order_ids in self.env.execute_query(query):
            exposures[partner_id] = amount
            touched += order_ids or ()
        if touched:
            query = self._order_query(root, order_ids=touched)
            for partner_id, _kind, _id, amount, _own in self.env.execute_query(query):
                exposures[partner_id] += amount
        return exposures

    @api.model
    def _flush_sources(self):
        """Write the pending values of every field that the SQL below reads."""
        self.env["sale.order"].flush_model(
            [
                "amount_total",
                "company_id",
                "currency_id",
                "invoice_status",
                "partner_invoice_id",
                "state",
            ]
        )
        self.env["sale.order.line"].flush_model(
            [
                "invoice_status",
                "order_id",
                "price_total",
                "product_id",
                "product_uom_qty",
                "qty_invoiced",
                "qty_to_invoice",
            ]
        )
        self.env["account.move"].flush_model(
            [
                "amount_total_signed",
                "commercial_partner_id",
                "company_id",
                "move_type",
                "state",
            ]
        )
        self.env["account.move.line"].flush_model(["move_id", "price_total"])
        self.env["stock.move"].flush_model(["sale_line_id", "state"])
        self.env["payment.transaction"].flush_model(["amount", "payment_id", "state"])
        self.env["account.payment"].flush_model(["move_id", "state"])
        self._flush_limits()

    @api.model
    def _flush_limits(self):
        self.env["res.partner"].flush_model(
            [
                "commercial_partner_id",
                "credit_limit",
                "credit_limit_expiry",
                "credit_limit_policy",
            ]
        )
        self.env["credit.group"].flush_model()
        self.env["credit.limit"].flush_model()

    # ------------------------------------------------------------------
    # SQL
    # ------------------------------------------------------------------

    @api.model
    def _figures_table(self, company, partner_ids=None):
        """Subquery with one row of figures per commercial entity.

        Columns: partner_id, open_items, orders, draft_invoices, exposure,
        credit_limit (NULL: unlimited), account_exposure, limit_expired.
        """
        groups = self.env["credit.group"]._has_groups(company.root_id.id)
        own = self._exposure_table(company.root_id, partner_ids)
        if partner_ids is None:
            own = computed_once(SQL("SELECT * FROM %s AS exposure", own))
        return SQL(
            """(
            SELECT %(limits)s,
                   COALESCE(own.open_items, 0) AS open_items,
                   COALESCE(own.orders, 0) AS orders,
                   COALESCE(own.draft_invoices, 0) AS draft_invoices,
                   COALESCE(own.exposure, 0) AS exposure,
                   COALESCE(%(shared)s own.exposure, 0) AS account_exposure
              FROM res_partner partner
         LEFT JOIN %(own)s AS own ON own.partner_id = partner.id
                   %(group_joins)s
             WHERE partner.commercial_partner_id = partner.id AND %(filter)s
            )""",
            limits=self._limit_columns(company, groups),
            shared=SQL("shared.exposure,") if groups else SQL(),
            own=own,
            group_joins=(
                self._group_joins(company.root_id, partner_ids) if groups else SQL()
            ),
            filter=self._in(SQL("partner.id"), partner_ids),
        )

    @api.model
    def _limits_query(self, company, partner_ids=None, with_groups=True):
        """Limits without exposure: partner_id, credit_limit, limit_expired.

        :param with_groups: False for what customers have of their own
        """
        root = company.root_id
        groups = with_groups and self.env["credit.group"]._has_groups(root.id)
        return SQL(
            """
            SELECT %(columns)s
              FROM res_partner partner
                   %(member_join)s
             WHERE partner.commercial_partner_id = partner.id AND %(filter)s
            """,
            columns=self._limit_columns(company, groups),
            member_join=self._member_join(root) if groups else SQL(),
            filter=self._in(SQL("partner.id"), partner_ids),
        )

    @api.model
    def _limit_columns(self, company, groups):
        limits = self.env["credit.limit"]
        return SQL(
            "partner.id AS partner_id, %s AS credit_limit, %s AS limit_expired",
            limits._limit_expression(company, groups),
            limits._expired_expression(company, groups),
        )

    @api.model
    def _member_join(self, root):
        """Join that adds the credit group of each customer, if any, as ``member``."""
        return SQL(
            """
            LEFT JOIN (SELECT rel.partner_id, credit_group.*
                         FROM credit_group_partner_rel rel
                         JOIN credit_group ON credit_group.id = rel.group_id
                        WHERE credit_group.company_id = %s
                          AND credit_group.active) AS member
                   ON member.partner_id = partner.id
            """,
            root.id,
        )

    @api.model
    def _group_joins(self, root, partner_ids):
        """Joins that add the limit and the exposure shared by a credit group."""
        member_ids = None
        if partner_ids is not None:
            member_ids = self.env["credit.group"]._get_fellow_ids(root, partner_ids)
        return SQL(
            """
            %(member_join)s
            LEFT JOIN (SELECT rel.group_id, SUM(fellow.exposure) AS exposure
                         FROM credit_group_partner_rel rel
                         JOIN %(exposure)s AS fellow
                           ON fellow.partner_id = rel.partner_id
                     GROUP BY rel.group_id) AS shared
                   ON shared.group_id = member.id
            """,
            member_join=self._member_join(root),
            exposure=self._exposure_table(root, member_ids),
        )

    @api.model
    def _exposure_table(self, root, partner_ids=None):
        """Subquery (partner_id, open_items, orders, draft_invoices, exposure)."""
        return SQL(
            """(
            SELECT partner_id,
                   COALESCE(SUM(amount) FILTER (WHERE kind = 'ledger'), 0)
                       AS open_items,
                   COALESCE(SUM(amount) FILTER (WHERE kind IN ('order', 'pos')), 0)
                       AS orders,
                   COALESCE(SUM(amount) FILTER (WHERE kind = 'draft'), 0)
                       AS draft_invoices,
                   SUM(amount) AS exposure
              FROM (%(documents)s) AS document
          GROUP BY partner_id
            )""",
            documents=SQL(" UNION ALL ").join(
                self._document_queries(root, partner_ids)
            ),
        )

    @api.model
    def _in(self, column, ids):
        """``column IN ids``; all rows where ``ids`` is None."""
        if ids is None:
            return SQL("TRUE")
        return SQL("%s = ANY(%s)", column, list(ids))

    @api.model
    def _contact_in(self, column, partner_ids):
        """A contact of these commercial entities; any where ``partner_ids`` is None."""
        if partner_ids is None:
            return SQL("TRUE")
        # An array, so that the planner uses the index on the column
        return SQL(
            """%s = ANY(ARRAY(
                   SELECT contact.id FROM res_partner contact
                    WHERE contact.commercial_partner_id = ANY(%s)))""",
            column,
            list(partner_ids),
        )

    @api.model
    def _get_area(self, root):
        """The companies of one credit area: the root and all its branches."""
        # sudo: a branch the user may not enter still adds to what the customer owes
        return root.sudo().browse(self._get_area_ids(root.id))

    @api.model
    @ormcache("root_id")
    def _get_area_ids(self, root_id):
        # sudo: as above. A company never changes its parent, and a new one clears this
        companies = level = self.env["res.company"].sudo().browse(root_id)
        while level := level.all_child_ids:
            companies |= level
        return tuple(companies.ids)
