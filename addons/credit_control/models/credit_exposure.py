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

from odoo import api, fields, models
from odoo.tools import SQL, ormcache

# A row version written by this transaction: its xmin is at or after the end of our
# snapshot, in the 32 bit circle of transaction ids. Needed because PostgreSQL cannot
# tell two cursors of one program apart; subtransactions (savepoints) are covered.
_OWN_ROW = """(
    (%s.xmin::text::bigint - pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
    & 4294967295) < 2147483648"""


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


class OverdueFigures(NamedTuple):
    """Overdue amount, days of the oldest overdue and of the oldest open item."""

    amount: float = 0.0
    days: int = 0
    oldest_days: int = 0


class DocumentView(NamedTuple):
    """Open documents as one transaction sees them."""

    backend: int
    ledger: float
    documents: dict

    @property
    def total(self):
        """Everything that is seen, added up."""
        return self.ledger + sum(amount for amount, _own in self.documents.values())


class CreditExposure(models.AbstractModel):
    _name = "credit.exposure"
    _description = "Credit Exposure"

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    def _get_figures(self, company, partners, limits_only=False):
        """Return the figures of ``partners`` for documents of ``company``.

        The caller decides who may see them: the computation always has full sight of
        all documents, or a salesperson's own record rules would make it too low.

        :param company: company of the document; limits of a branch fall back to
            those of its root company
        :param partners: contacts; each is read through its commercial entity
        :param limits_only: leave the exposure at 0.0; a caller that decides reads it
            under a lock anyway
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
                self._figures_table(company, commercial_ids, limits_only),
            )
        )
        return {partner_id: CreditFigures(*figures) for partner_id, *figures in rows}

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
        table = self._exposure_table(company.root_id, commercial_ids)
        query = SQL("SELECT partner_id, exposure FROM %s AS exposure", table)
        return dict(self.env.execute_query(query))

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
    def _figures_table(self, company, partner_ids=None, limits_only=False):
        """Subquery with one row of figures per commercial entity.

        Columns: partner_id, open_items, orders, draft_invoices, exposure,
        credit_limit (NULL: unlimited), account_exposure, limit_expired.
        """
        groups = self.env["credit.group"]._has_groups(company.root_id.id)
        limits = self.env["credit.limit"]
        return SQL(
            """(
            SELECT partner.id AS partner_id,
                   COALESCE(own.open_items, 0) AS open_items,
                   COALESCE(own.orders, 0) AS orders,
                   COALESCE(own.draft_invoices, 0) AS draft_invoices,
                   COALESCE(own.exposure, 0) AS exposure,
                   %(limit)s AS credit_limit,
                   %(account_exposure)s AS account_exposure,
                   %(expired)s AS limit_expired
              FROM res_partner partner
         LEFT JOIN %(own)s AS own ON own.partner_id = partner.id
                   %(group_joins)s
             WHERE partner.commercial_partner_id = partner.id AND %(filter)s
            )""",
            limit=limits._limit_expression(company, groups),
            expired=limits._expired_expression(company, groups),
            account_exposure=(
                SQL("COALESCE(shared.exposure, own.exposure, 0)")
                if groups
                else SQL("COALESCE(own.exposure, 0)")
            ),
            own=self._exposure_table(company.root_id, partner_ids, limits_only),
            group_joins=(
                self._group_joins(company.root_id, partner_ids, limits_only)
                if groups
                else SQL()
            ),
            filter=self._in(SQL("partner.id"), partner_ids),
        )

    @api.model
    def _group_joins(self, root, partner_ids, limits_only=False):
        """Joins that add the limit and the exposure shared by a credit group."""
        member_ids = None
        if partner_ids is not None:
            member_ids = self.env["credit.group"]._get_fellow_ids(root, partner_ids)
        return SQL(
            """
            LEFT JOIN (SELECT rel.partner_id, credit_group.*
                         FROM credit_group_partner_rel rel
                         JOIN credit_group ON credit_group.id = rel.group_id
                        WHERE credit_group.company_id = %(root)s
                          AND credit_group.active) AS member
                   ON member.partner_id = partner.id
            LEFT JOIN (SELECT rel.group_id, SUM(fellow.exposure) AS exposure
                         FROM credit_group_partner_rel rel
                         JOIN %(exposure)s AS fellow
                           ON fellow.partner_id = rel.partner_id
                     GROUP BY rel.group_id) AS shared
                   ON shared.group_id = member.id
            """,
            root=root.id,
            exposure=self._exposure_table(root, member_ids, limits_only),
        )

    @api.model
    def _exposure_table(self, root, partner_ids=None, empty=False):
        """Subquery (partner_id, open_items, orders, draft_invoices, exposure).

        :param empty: the same columns without a row, for readers of limits only
        """
        if empty:
            return SQL(
                """(SELECT 0 AS partner_id, 0 AS open_items, 0 AS orders,
                           0 AS draft_invoices, 0 AS exposure WHERE FALSE)"""
            )
        return SQL(
            """(
            SELECT partner_id,
                   COALESCE(SUM(amount) FILTER (WHERE kind = 'ledger'), 0)
                       AS open_items,
                   COALESCE(SUM(amount) FILTER (WHERE kind = 'order'), 0)
                       AS orders,
                   COALESCE(SUM(amount) FILTER (WHERE kind = 'draft'), 0)
                       AS draft_invoices,
                   SUM(amount) AS exposure
              FROM (%(ledger)s UNION ALL %(orders)s UNION ALL %(drafts)s) AS document
          GROUP BY partner_id
            )""",
            ledger=self._ledger_query(root, partner_ids),
            orders=self._order_query(root, partner_ids),
            drafts=self._draft_query(root, partner_ids),
        )

    @api.model
    def _in(self, column, ids):
        """``column IN ids``; all rows where ``ids`` is None."""
        if ids is None:
            return SQL("TRUE")
        return SQL("%s = ANY(%s)", column, list(ids))

    @api.model
    def _get_area(self, root):
        """The companies of one credit area: the root and all its branches."""
        # sudo: a branch the user may not enter still adds to what the customer owes
        companies = level = root.sudo()
        # Kept in the cache of the transaction, unlike the result of a search
        while level := level.all_child_ids:
            companies |= level
        return companies

    @api.model
    def _ledger_query(self, root, partner_ids=None):
        """Posted receivables: the exact balance of the customer subledger."""
        table = self.env["subledger.account"]._balance_table(
            self._get_area(root), ledger="customer", partners=partner_ids
        )
        query = SQL(
            """
            SELECT account.partner_id, 'ledger' AS kind, 0 AS document_id,
                   account.balance::numeric AS amount, FALSE AS own
              FROM %(table)s AS account
             WHERE account.partner_id IS NOT NULL AND %(filter)s
            """,
            table=table,
            filter=self._in(SQL("account.partner_id"), partner_ids),
        )
        if not self._has_history(root.id):
            return query
        return SQL("%s UNION ALL %s", query, self._history_query(root, partner_ids))

    @api.model
    @ormcache("root_id")
    def _has_history(self, root_id):
        """Whether there is receivable history that the ledger was told to leave out.

        What is owed from before the ledger's start is owed all the same.
        """
        root = self.env["res.company"].browse(root_id)
        [(found,)] = self.env.execute_query(
            SQL(
                """
                SELECT EXISTS (
                    SELECT FROM account_move move
                      JOIN res_company company ON company.id = move.company_id
                     WHERE move.company_id = ANY(%s) AND move.state = 'posted'
                       AND move.date < company.subledger_start_date AND %s)
                """,
                self._get_area(root).ids,
                self._before_ledger_condition(),
            )
        )
        return found

    @api.model
    def _before_ledger_condition(self):
        """SQL condition: the posted ``move`` of ``company`` predates the ledger."""
        return SQL(
            "company.subledger_history = 'none' AND NOT %s",
            self.env["subledger.sync"]._since_condition(),
        )

    @api.model
    def _history_query(self, root, partner_ids=None):
        """Balance of the receivables from before the ledger.

        Reads the customer's old journal items one by one, unlike everything else here;
        after a backfill of the ledger it is not needed any more.
        """
        return SQL(
            """
            SELECT owner.commercial_partner_id, 'ledger', 0, SUM(line.balance)::numeric,
                   FALSE
              FROM account_move_line line
              JOIN account_move move ON move.id = line.move_id
              JOIN res_company company ON company.id = move.company_id
              JOIN account_account account ON account.id = line.account_id
              JOIN res_partner owner ON owner.id = line.partner_id
             WHERE account.account_type = 'asset_receivable'
               AND account.non_trade IS NOT TRUE
               AND move.state = 'posted' AND %(before)s
               AND move.company_id = ANY(%(companies)s) AND %(filter)s
          GROUP BY owner.commercial_partner_id
            """,
            before=self._before_ledger_condition(),
            companies=self._get_area(root).ids,
            filter=self._in(SQL("owner.commercial_partner_id"), partner_ids),
        )

    @api.model
    def _draft_query(self, root, partner_ids=None):
        """Draft invoices, receipts (+) and credit notes (-) of customers."""
        return SQL(
            """
            SELECT move.commercial_partner_id AS partner_id, 'draft' AS kind,
                   move.id AS document_id,
                   move.amount_total_signed::numeric AS amount, %(own)s AS own
              FROM account_move move
             WHERE move.state = 'draft'
               AND move.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
               AND move.company_id = ANY(%(companies)s) AND %(filter)s
            """,
            own=SQL(_OWN_ROW, SQL.identifier("move")),
            companies=self._get_area(root).ids,
            filter=self._in(SQL("move.commercial_partner_id"), partner_ids),
        )

    @api.model
    def _order_query(self, root, partner_ids=None, order_ids=None):
        """What is still to be invoiced of confirmed orders, one row per order.

        :param order_ids: instead of the confirmed orders, exactly these in whatever
            state: what they would add once confirmed
        """
        if order_ids is None:
            scope = SQL(
                """sale.state = 'sale' AND sale.invoice_status != 'invoiced'
                   AND sale.company_id = ANY(%s) AND %s""",
                self._get_area(root).ids,
                self._payer_filter(partner_ids),
            )
        else:
            scope = self._in(SQL("sale.id"), order_ids)
        return SQL(
            """
            SELECT payer.commercial_partner_id AS partner_id, 'order' AS kind,
                   sale.id AS document_id,
                   ROUND((content.amount
                          - LEAST(down_payment.amount, GREATEST(content.amount, 0))
                          - LEAST(prepaid.amount, GREATEST(content.amount
                                                - down_payment.amount, 0)))
                         / COALESCE(rate.rate, sale.currency_rate::numeric, 1),
                         %(digits)s) AS amount,
                   (%(own_order)s OR content.own) AS own
              FROM sale_order sale
              JOIN res_partner payer ON payer.id = sale.partner_invoice_id
         LEFT JOIN %(rates)s AS rate(currency_id, rate)
                ON rate.currency_id = sale.currency_id
        CROSS JOIN LATERAL (%(content)s) AS content
        CROSS JOIN LATERAL (%(down_payment)s) AS down_payment
        CROSS JOIN LATERAL (%(prepaid)s) AS prepaid
             WHERE %(scope)s
            """,
            digits=root.currency_id.decimal_places,
            own_order=SQL(_OWN_ROW, SQL.identifier("sale")),
            rates=self._rate_table(root),
            content=self._order_content_query(),
            down_payment=self._down_payment_query(),
            prepaid=self._prepaid_query(),
            scope=scope,
        )

    @api.model
    def _payer_filter(self, partner_ids):
        """Orders invoiced to any contact of these commercial entities."""
        if partner_ids is None:
            return SQL("TRUE")
        # An array, so that the planner uses the partial index on partner_invoice_id
        return SQL(
            """sale.partner_invoice_id = ANY(ARRAY(
                   SELECT contact.id FROM res_partner contact
                    WHERE contact.commercial_partner_id = ANY(%s)))""",
            list(partner_ids),
        )

    @api.model
    def _order_content_query(self):
        """Amount of an order's lines still to be invoiced, in its currency.

        Nothing invoiced yet: exactly the order's total, which may differ from the sum
        of its lines by the rounding of taxes.
        """
        return SQL(
            """
            SELECT CASE WHEN bool_and(open_line.quantity = open_line.ordered)
                        THEN sale.amount_total::numeric
                        ELSE COALESCE(SUM(open_line.amount), 0)
                    END AS amount,
                   COALESCE(bool_or(open_line.own), FALSE) AS own
              FROM (SELECT line.product_uom_qty::numeric AS ordered, todo.quantity,
                           %(own)s AS own,
                           COALESCE(line.price_total
                                    / NULLIF(line.product_uom_qty, 0),
                                    line.price_unit
                                    * (1 - COALESCE(line.discount, 0) / 100.0)
                           )::numeric * todo.quantity AS amount
                      FROM sale_order_line line
                CROSS JOIN LATERAL (%(quantity)s) AS todo
                     WHERE line.order_id = sale.id AND line.display_type IS NULL
                       AND line.is_downpayment IS NOT TRUE) AS open_line
            """,
            own=SQL(_OWN_ROW, SQL.identifier("line")),
            quantity=self._open_quantity_query(),
        )

    @api.model
    def _open_quantity_query(self):
        """Quantity of an order line that can still be invoiced.

        A line billed on delivery whose transfers are all done or cancelled is closed:
        only what was delivered counts. The negative lines mirror the positive ones.
        """
        return SQL(
            """
            SELECT CASE
                   WHEN line.state != 'sale'
                   THEN line.product_uom_qty - COALESCE(line.qty_invoiced, 0)
                   WHEN line.invoice_status = 'invoiced' THEN 0
                   WHEN line.product_uom_qty < 0
                   THEN LEAST(line.product_uom_qty - COALESCE(line.qty_invoiced, 0),
                              COALESCE(line.qty_to_invoice, 0), 0)
                   WHEN line.qty_to_invoice
                        < line.product_uom_qty - COALESCE(line.qty_invoiced, 0)
                    AND line.qty_delivered_method = 'stock_move'
                    AND (SELECT template.invoice_policy = 'delivery'
                           FROM product_product product
                           JOIN product_template template
                             ON template.id = product.product_tmpl_id
                          WHERE product.id = line.product_id)
                    AND (SELECT bool_and(move.state IN ('done', 'cancel'))
                            AND bool_or(move.state = 'done')
                           FROM stock_move move WHERE move.sale_line_id = line.id)
                   THEN GREATEST(line.qty_to_invoice, 0)
                   ELSE GREATEST(line.product_uom_qty - COALESCE(line.qty_invoiced, 0),
                                 line.qty_to_invoice, 0)
                    END::numeric AS quantity
            """
        )

    @api.model
    def _down_payment_query(self):
        """Down payments billed and not deducted yet, in the order's currency."""
        return SQL(
            """
            SELECT GREATEST(COALESCE(SUM(item.price_total
                       * CASE WHEN move.move_type = 'out_refund' THEN -1 ELSE 1 END),
                   0), 0)::numeric AS amount
              FROM sale_order_line line
              JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = line.id
              JOIN account_move_line item ON item.id = rel.invoice_line_id
              JOIN account_move move ON move.id = item.move_id
             WHERE line.order_id = sale.id AND line.is_downpayment
               AND line.display_type IS NULL AND line.qty_invoiced != 0
               AND move.state != 'cancel'
            """
        )

    @api.model
    def _prepaid_query(self):
        """Online payments that are certain but not in the ledger yet."""
        return SQL(
            """
            SELECT COALESCE(SUM(transaction.amount), 0)::numeric AS amount
              FROM sale_order_transaction_rel rel
              JOIN payment_transaction transaction
                ON transaction.id = rel.transaction_id
         LEFT JOIN account_payment payment ON payment.id = transaction.payment_id
             WHERE rel.sale_order_id = sale.id
               AND transaction.state IN ('authorized', 'done')
               AND COALESCE(payment.state, 'draft') = 'draft'
            """
        )

    @api.model
    def _rate_table(self, root):
        """Units of each currency per unit of the company's, today."""
        currency_model = self.env["res.currency"]
        currencies = currency_model.browse(currency_model.get_all_currencies())
        if len(currencies) <= 1:
            return SQL("(SELECT NULL::integer, NULL::numeric)")
        today = fields.Date.context_today(self)
        # sudo: rates of the root company also when working in one of its branches
        rates = currencies.sudo()._get_rates(root, today)
        base = rates.get(root.currency_id.id, 1.0)
        values = SQL(", ").join(
            SQL("(%s, %s::numeric)", currency_id, rate / base)
            for currency_id, rate in rates.items()
        )
        return SQL("(VALUES %s)", values)

    # ------------------------------------------------------------------
    # Overdue
    # ------------------------------------------------------------------

    @api.model
    def _get_overdue(self, root, partner_ids):
        """Overdue position of these customers taken together.

        Credits that are not allocated count against the oldest items first: who has
        paid is not overdue, whether or not somebody matched the payment.
        """
        self._flush_overdue()
        [row] = self.env.execute_query(
            SQL(
                """SELECT COALESCE(SUM(amount), 0), COALESCE(MAX(days), 0),
                          COALESCE(MAX(oldest_days), 0)
                     FROM %s AS overdue""",
                self._overdue_table(root, partner_ids),
            )
        )
        return OverdueFigures(*row)

    @api.model
    def _flush_overdue(self):
        self.env["account.move.line"].flush_model(
            [
                "account_id",
                "amount_residual",
                "company_id",
                "date",
                "date_maturity",
                "parent_state",
                "partner_id",
                "reconciled",
            ]
        )

    @api.model
    def _overdue_table(self, root, partner_ids=None):
        """Subquery (partner_id, amount, days, oldest_days) of open receivables."""
        return SQL(
            """(
            SELECT partner_id,
                   COALESCE(SUM(open_amount) FILTER (WHERE due < %(today)s), 0)
                       AS amount,
                   %(today)s - MIN(due) FILTER (WHERE due < %(today)s) AS days,
                   %(today)s - MIN(date) AS oldest_days
              FROM (SELECT item.partner_id, item.due, item.date,
                           LEAST(item.residual, item.running - item.credits)
                               AS open_amount
                      FROM (%(items)s) AS item
                     WHERE item.residual > 0 AND item.running > item.credits
                   ) AS open_item
          GROUP BY partner_id
            )""",
            today=SQL("%s::date", fields.Date.context_today(self)),
            items=self._receivable_items_query(root, partner_ids),
        )

    @api.model
    def _receivable_items_query(self, root, partner_ids=None):
        """Open receivable items with the running sum of debits and all open credits."""
        return SQL(
            """
            SELECT line.partner_id, COALESCE(line.date_maturity, line.date) AS due,
                   line.date, line.amount_residual AS residual,
                   SUM(GREATEST(line.amount_residual, 0)) OVER (
                       PARTITION BY line.partner_id
                       ORDER BY COALESCE(line.date_maturity, line.date), line.id
                   ) AS running,
                   SUM(GREATEST(-line.amount_residual, 0)) OVER (
                       PARTITION BY line.partner_id) AS credits
              FROM account_move_line line
             WHERE line.account_id IN (
                       SELECT account.id FROM account_account account
                        WHERE account.account_type = 'asset_receivable'
                          AND account.non_trade IS NOT TRUE)
               AND line.parent_state = 'posted' AND line.reconciled IS NOT TRUE
               AND line.company_id = ANY(%(companies)s) AND %(filter)s
            """,
            companies=self._get_area(root).ids,
            filter=self._in(SQL("line.partner_id"), partner_ids),
        )

    # ------------------------------------------------------------------
    # Deciding
    # ------------------------------------------------------------------

    @api.model
    def _lock(self, root, keys):
        """Let decisions about these credit accounts wait for each other.

        Held until the end of the transaction, so the next decision starts when this
        one can be seen (or was taken back). Taken in a fixed order against deadlocks.
        A lock alone would not do: this transaction keeps its old snapshot, therefore
        :meth:`_get_decision_exposure` reads through another connection.

        :param keys: ``("partner" | "group", id)`` of each credit account
        """
        for kind, record_id in sorted(set(keys)):
            name = f"credit_control:{root.id}:{kind}:{record_id}"
            self.env.cr.execute(
                SQL("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", name)
            )

    @api.model
    def _get_decision_exposure(self, root, partner_ids):
        """Exposure of these customers together, as of now. Call :meth:`_lock` first.

        What other transactions have committed is read through a fresh connection, what
        this transaction has changed and not committed through its own. Document by
        document the version of the one that changed it last is taken: that it was this
        transaction shows in the row itself.
        """
        self._flush_sources()
        # Never the replica: it may lag behind the decision we waited for
        with self.env.registry.cursor() as cr:
            fresh = self._read_documents(cr, root, partner_ids)
        if not self._has_written():
            return fresh.total
        own = self._read_documents(self.env.cr, root, partner_ids)
        if own.backend == fresh.backend:  # cursors of a test share one transaction
            return own.total
        vanished = self._filter_own_changes(fresh.documents.keys() - own.documents)
        total = fresh.ledger + self._get_uncommitted_ledger(root, partner_ids)
        for key in own.documents.keys() | fresh.documents.keys():
            amount, is_own = own.documents.get(key, (0, key in vanished))
            total += amount if is_own else fresh.documents.get(key, (0, False))[0]
        return total

    @api.model
    def _has_written(self):
        """Whether this transaction has changed anything that others cannot see yet."""
        [(written,)] = self.env.execute_query(
            SQL("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
        )
        return written

    @api.model
    def _read_documents(self, cr, root, partner_ids):
        """Ledger balance and each open document as the transaction of ``cr`` sees them.

        The SQL is built by this environment, so both connections read the same.
        """
        query = SQL(
            """%s UNION ALL %s UNION ALL %s
               UNION ALL SELECT 0, 'backend', 0, pg_backend_pid(), FALSE""",
            self._ledger_query(root, partner_ids),
            self._order_query(root, partner_ids),
            self._draft_query(root, partner_ids),
        )
        cr.execute(query)
        documents, ledger, backend = {}, 0.0, None
        for _partner_id, kind, document_id, amount, is_own in cr.fetchall():
            if kind == "ledger":
                ledger += amount
            elif kind == "backend":
                backend = amount
            else:
                documents[kind, document_id] = (amount, is_own)
        return DocumentView(backend, ledger, documents)

    @api.model
    def _filter_own_changes(self, keys):
        """Of documents that are no longer open here: those closed by ourselves."""
        found = set()
        for kind, table in (("order", "sale_order"), ("draft", "account_move")):
            ids = [document_id for key, document_id in keys if key == kind]
            if not ids:
                continue
            rows = self.env.execute_query(
                SQL(
                    "SELECT document.id FROM %s AS document WHERE id = ANY(%s) AND %s",
                    SQL.identifier(table),
                    ids,
                    SQL(_OWN_ROW, SQL.identifier("document")),
                )
            )
            found |= {(kind, document_id) for (document_id,) in rows}
        return found

    @api.model
    def _get_uncommitted_ledger(self, root, partner_ids):
        """Ledger entries written by this transaction, which others cannot see yet."""
        [(amount,)] = self.env.execute_query(
            SQL(
                """
                SELECT COALESCE(SUM(entry.debit - entry.credit), 0)
                  FROM subledger_entry entry
                 WHERE entry.number IS NULL AND entry.ledger = 'customer'
                   AND entry.partner_id = ANY(%(partners)s)
                   AND entry.company_id = ANY(%(companies)s) AND %(own)s
                """,
                partners=list(partner_ids),
                companies=self._get_area(root).ids,
                own=SQL(_OWN_ROW, SQL.identifier("entry")),
            )
        )
        return amount

    @api.model
    def _get_order_amounts(self, orders):
        """What each order still adds or would add to exposure, in company currency.

        :return: ``{order id: amount}``
        """
        plain = orders.filtered(self._is_plain_quotation)
        amounts = {order.id: order.amount_total for order in plain}
        if len(plain) == len(orders):
            return amounts
        self._flush_sources()
        others = orders - plain
        for root, of_root in others.grouped(lambda o: o.company_id.root_id).items():
            query = self._order_query(root, order_ids=of_root.ids)
            for _partner, _kind, order_id, amount, _own in self.env.execute_query(
                query
            ):
                amounts[order_id] = amount
        return amounts

    @api.model
    def _is_plain_quotation(self, order):
        """Whether the order would simply add its total: nothing billed or prepaid."""
        return (
            order.state in ("draft", "sent")
            and order.currency_id == order.company_id.root_id.currency_id
            and not order.transaction_ids
            and not any(
                line.is_downpayment or line.qty_invoiced for line in order.order_line
            )
        )
