from odoo import api, models
from odoo.tools import SQL

from .subledger_sync import ALL_PARTS


class SubledgerSync(models.AbstractModel):
    """The facts of the candidates against their live entries.

    The common table expressions ``candidate``, ``item`` (what should be), ``live``
    (what is) and ``difference``, with which the engine's statement begins, and the
    same comparison as a query that only reads.
    """

    _inherit = "subledger.sync"

    @api.model
    def _difference_query(self, candidates):
        """The same comparison, read-only.

        :param SQL candidates: query of one column, ``move_line_id``
        :return: query of one row per difference: ``difference`` ('missing',
            'superfluous' or 'changed'), ``move_line_id``, ``entry_id`` (the live
            entry), ``company_id``, ``partner_id``, ``account_id``, ``balance`` (what
            the journal item says, 0 when it is gone), ``entry_balance`` and
            ``is_transfer`` (the same amounts under another key). The caller flushes
            (:meth:`_flush_what_is_read`).
        :rtype: SQL
        """
        return SQL(
            """
            WITH %(facts)s
            SELECT CASE WHEN live_id IS NULL THEN 'missing'
                        WHEN company_id IS NULL THEN 'superfluous'
                        ELSE 'changed' END AS difference,
                   move_line_id,
                   live_id AS entry_id,
                   COALESCE(company_id, live_company_id) AS company_id,
                   CASE WHEN company_id IS NULL THEN live_partner_id
                        ELSE partner_id END AS partner_id,
                   COALESCE(account_id, live_account_id) AS account_id,
                   COALESCE(balance, 0) AS balance,
                   COALESCE(live_debit - live_credit, 0) AS entry_balance,
                   is_transfer
              FROM difference
            """,
            facts=self._facts_sql(candidates),
        )

    @api.model
    def _facts_sql(self, candidates, parts=ALL_PARTS):
        """Common table expressions: candidate, item (what should be), live (what
        is) and difference."""
        return SQL(
            """
            candidate AS MATERIALIZED (%(candidates)s),
            compared AS (SELECT move_line_id FROM candidate),
            item AS (
                SELECT %(facts)s, %(scope)s AS in_scope
                  FROM candidate
                  %(joins)s
                 WHERE move.state = 'posted' AND %(trade)s
            ),
            %(difference)s
            """,
            candidates=candidates,
            facts=self._item_facts_sql(parts),
            scope=self._scope_condition(parts),
            joins=self._item_joins_sql(),
            trade=self._trade_condition("account"),
            difference=self._difference_sql(),
        )

    @api.model
    def _difference_sql(self):
        # OFFSET: entry by entry, through the business key. After a backfill PostgreSQL
        # may not have counted the entries yet, and would go through all of them with
        # all candidates for each.
        return SQL(
            """
            live AS (
                SELECT entry.*
                  FROM candidate
                 CROSS JOIN LATERAL (
                       SELECT entry.* FROM subledger_entry AS entry
                        WHERE entry.move_line_id = candidate.move_line_id AND %(live)s
                       OFFSET 0) AS entry
            ),
            difference AS (
                SELECT item.*,
                       COALESCE(item.item_id, live.move_line_id) AS move_line_id,
                       live.id AS live_id, live.company_id AS live_company_id,
                       live.partner_id AS live_partner_id,
                       live.account_id AS live_account_id,
                       live.debit AS live_debit, live.credit AS live_credit,
                       live.id IS NOT NULL AND item.item_id IS NOT NULL
                           AND %(same_amounts)s AS is_transfer
                  FROM item
                  FULL JOIN live ON live.move_line_id = item.item_id
                 WHERE (live.id IS NULL AND item.in_scope)
                    OR (live.id IS NOT NULL
                        AND (item.item_id IS NULL
                             OR NOT (%(same_amounts)s AND %(same_keys)s)))
            )
            """,
            live=self.env["subledger.entry"]._live_sql("entry"),
            same_amounts=self._same_amounts_sql(),
            same_keys=self._same_keys_sql(),
        )

    @api.model
    def _same_amounts_sql(self):
        return SQL(
            """(item.balance = live.debit - live.credit
                AND item.amount_currency = live.amount_currency
                AND item.currency_id = live.currency_id
                AND item.date = live.date
                AND item.date_maturity IS NOT DISTINCT FROM live.date_maturity)"""
        )

    @api.model
    def _same_keys_sql(self):
        return SQL(
            """(item.company_id = live.company_id
                AND item.partner_id IS NOT DISTINCT FROM live.partner_id
                AND item.account_id = live.account_id
                AND item.ledger = live.ledger)"""
        )

    @api.model
    def _item_facts_sql(self, parts=ALL_PARTS, owner=None):
        # Balances, not residuals: a residual lies once a draft was reconciled.
        return SQL(
            """
            line.id AS item_id, move.id AS move_id, move.company_id,
            %(owner)s AS partner_id,
            line.account_id,
            %(ledger)s AS ledger,
            move.date, line.date_maturity,
            COALESCE(line.balance, 0) AS balance,
            COALESCE(line.amount_currency, 0) AS amount_currency,
            line.currency_id, move.name AS reference,
            move.move_type AS document_type, move.origin_payment_id,
            move.statement_line_id,
            %(source)s AS source_type
            """,
            owner=owner or self._owner_sql(),
            ledger=self._ledger_sql(),
            source=self._source_type_sql(parts),
        )

    @api.model
    def _ledger_sql(self):
        """SQL of the ledger that a control account belongs to."""
        return SQL(
            """CASE account.account_type WHEN 'asset_receivable' THEN 'customer'
                    ELSE 'supplier' END"""
        )

    @api.model
    def _owner_sql(self):
        """SQL of the commercial partner of the item ``line``; NULL: nobody."""
        return SQL(
            """(SELECT COALESCE(contact.commercial_partner_id, contact.id)
                  FROM res_partner AS contact
                 WHERE contact.id = line.partner_id)"""
        )

    @api.model
    def _item_joins_sql(self):
        """From the candidates to everything the facts and the scope read.

        Few joins, and lookups by key in the expressions instead: the time to plan
        a statement grows steeply with its joins, and for a single document
        planning is most of the cost.
        """
        return SQL(
            """
            JOIN account_move_line AS line ON line.id = candidate.move_line_id
            JOIN account_move AS move ON move.id = line.move_id
            JOIN account_account AS account ON account.id = line.account_id
            JOIN %s AS company ON company.id = move.company_id
            """,
            self._company_sql(),
        )
