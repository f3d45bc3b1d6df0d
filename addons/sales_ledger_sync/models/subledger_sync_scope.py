import datetime
from collections import defaultdict
from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from .subledger_sync import ALL_PARTS

DRAFT_SETTINGS = "subledger_draft_settings"


class DraftSettings(NamedTuple):
    """How a company would keep its history: what a backfill works under before the
    company's settings follow. Only objects of this class are heeded in the context,
    and no client can send one."""

    company_id: int
    history: str
    start_date: datetime.date | None


class SubledgerSync(models.AbstractModel):
    """What the subledger keeps: control accounts, the company's start date and its
    policy for manual entries, told from the source document of an item; and the manual
    items there are.
    """

    _inherit = "subledger.sync"

    @api.model
    def _trade_condition(self, alias):
        """SQL condition: a control account, that is a receivable or payable
        account that is not flagged as non-trade."""
        return SQL(
            "(%s IN ('asset_receivable', 'liability_payable') AND %s IS NOT TRUE)",
            SQL.identifier(alias, "account_type"),
            SQL.identifier(alias, "non_trade"),
        )

    @api.model
    def _scope_condition(self, parts=ALL_PARTS):
        """SQL condition, with the joins of the engine: the item gets an entry.

        Dated or posted from the company's start on (or history is kept in full),
        and with a source document unless the company records manual items.
        """
        return SQL(
            "(%s AND %s)", self._since_condition(), self._policy_condition(parts)
        )

    @api.model
    def _company_sql(self):
        """The companies with their settings, as a table: ``res_company``, or what it
        would be under the :class:`DraftSettings` of the context."""
        settings = self.env.context.get(DRAFT_SETTINGS)
        if not isinstance(settings, DraftSettings):
            return SQL("res_company")
        return SQL(
            """(
                SELECT id, currency_id, subledger_manual_policy,
                       CASE WHEN id = %(company)s THEN %(history)s
                            ELSE subledger_history END AS subledger_history,
                       CASE WHEN id = %(company)s THEN %(start_date)s::date
                            ELSE subledger_start_date END AS subledger_start_date
                  FROM res_company)""",
            company=settings.company_id,
            history=settings.history,
            start_date=settings.start_date,
        )

    @api.model
    def _since_condition(self):
        return SQL(
            """(company.subledger_start_date IS NULL
                OR company.subledger_history = 'full'
                OR move.date >= company.subledger_start_date
                OR COALESCE(
                    move.subledger_posted_at >= company.subledger_start_date, FALSE))"""
        )

    @api.model
    def _policy_condition(self, parts=ALL_PARTS):
        if not parts.unsourced:
            return SQL("TRUE")
        return SQL(
            "(%s IS NOT NULL OR company.subledger_manual_policy = 'record')",
            self._source_type_sql(parts),
        )

    @api.model
    def _is_unsourced(self, move):
        """Whether the document itself does not say where it comes from."""
        return (
            move.move_type == "entry"
            and not move.origin_payment_id
            and not move.statement_line_id
        )

    @api.model
    def _unsourced_condition(self):
        """The same as SQL condition on ``move``."""
        return SQL(
            """(move.move_type = 'entry' AND move.origin_payment_id IS NULL
                AND move.statement_line_id IS NULL)"""
        )

    @api.model
    def _source_type_sql(self, parts=ALL_PARTS):
        """SQL of the transaction type by source document; NULL: a manual entry.

        The reversal of a sourced entry is sourced as well, and so is its reversal.
        """
        return SQL(
            """
            CASE
                WHEN move.move_type IN ('out_invoice', 'out_receipt') THEN 'sale'
                WHEN move.move_type = 'out_refund' THEN 'sale_refund'
                WHEN move.move_type IN ('in_invoice', 'in_receipt') THEN 'purchase'
                WHEN move.move_type = 'in_refund' THEN 'purchase_refund'
                WHEN NOT %(unsourced)s THEN 'payment'
                %(others)s
            END
            """,
            unsourced=self._unsourced_condition(),
            others=self._other_sources_sql(parts) if parts.unsourced else SQL(),
        )

    @api.model
    def _other_sources_sql(self, parts):
        """Cases of documents that do not say themselves where they come from."""
        return SQL(
            """
                WHEN %(reversed_payment)s THEN 'payment'
                -- a branch books into the journal of its root company
                WHEN move.journal_id IN (SELECT currency_exchange_journal_id
                                           FROM res_company)
                     THEN 'exchange_difference'
                WHEN %(pos)s THEN 'pos'
                WHEN COALESCE(move.tax_cash_basis_rec_id,
                              move.tax_cash_basis_origin_move_id) IS NOT NULL
                     OR %(reversed_document)s THEN 'adjustment'
            """,
            pos=self._point_of_sale_condition(),
            reversed_payment=self._reversed_condition(
                SQL("COALESCE(origin_payment_id, statement_line_id) IS NOT NULL"),
                parts,
            ),
            reversed_document=self._reversed_condition(
                SQL(
                    """(move_type <> 'entry'
                        OR COALESCE(tax_cash_basis_rec_id,
                                    tax_cash_basis_origin_move_id) IS NOT NULL)"""
                ),
                parts,
            ),
        )

    @api.model
    def _reversed_condition(self, condition, parts):
        """SQL condition: ``move`` reverses an entry of which ``condition`` is true,
        directly or through further reversals."""
        if not parts.reversal:
            return SQL("FALSE")
        return SQL(
            """(move.reversed_entry_id IS NOT NULL AND EXISTS (
                WITH RECURSIVE original AS (
                    SELECT %(columns)s FROM account_move AS earlier
                     WHERE earlier.id = move.reversed_entry_id
                     UNION
                    SELECT %(columns)s
                      FROM original
                      JOIN account_move AS earlier
                        ON earlier.id = original.reversed_entry_id
                )
                SELECT FROM original WHERE %(condition)s))""",
            columns=SQL(
                """earlier.id, earlier.reversed_entry_id, earlier.move_type,
                earlier.origin_payment_id, earlier.statement_line_id,
                earlier.tax_cash_basis_rec_id, earlier.tax_cash_basis_origin_move_id"""
            ),
            condition=condition,
        )

    @api.model
    def _point_of_sale_condition(self):
        # Closing entries, invoice payments and late invoicing all post into the
        # journal of the point of sale.
        if "pos.config" not in self.env:
            return SQL("FALSE")
        return SQL(
            """EXISTS (SELECT FROM pos_config
                        WHERE pos_config.journal_id = move.journal_id)"""
        )

    # ------------------------------------------------------------------
    # Manual items: posted trade items that no source document explains
    # ------------------------------------------------------------------

    @api.model
    def _manual_items_query(self, candidates):
        """The manual items among the candidates, whatever the policy is now.

        :param SQL candidates: query of one column, ``move_line_id``
        :return: query of ``id``, ``company_id``, ``balance`` and ``state``: 'left_out',
            or 'recorded' if the item has its entry. The caller flushes
            (:meth:`_flush_what_is_read`).
        :rtype: SQL
        """
        return SQL(
            """
            SELECT item.id, item.company_id, item.balance,
                   CASE WHEN has_entry THEN 'recorded' ELSE 'left_out' END AS state
              FROM (
                SELECT line.id, move.company_id, line.balance, %(since)s AS since,
                       EXISTS (SELECT FROM subledger_entry AS entry
                                WHERE entry.move_line_id = line.id AND %(live)s)
                           AS has_entry
                  FROM (%(candidates)s) AS candidate
                  %(joins)s
                 WHERE move.state = 'posted' AND %(trade)s AND %(source)s IS NULL
              ) AS item
             WHERE since OR has_entry
            """,
            candidates=candidates,
            since=self._since_condition(),
            live=self.env["subledger.entry"]._live_sql("entry"),
            joins=self._item_joins_sql(),
            trade=self._trade_condition("account"),
            source=self._source_type_sql(),
        )

    @api.model
    def _count_manual_items(self, companies):
        """Number and total of the manual items of each company.

        :param companies: res.company records
        :return: ``{company id: {state: (number, total)}}``, debit minus credit in
            company currency; states as in :meth:`_manual_items_query`, and only those
            there are items of
        :rtype: dict
        """
        self._flush_what_is_read()
        candidates = self._candidates_of_manual_items(companies.ids)
        figures = defaultdict(dict)
        for company_id, state, count, total in self.env.execute_query(
            SQL(
                """
                SELECT company_id, state, COUNT(*), SUM(balance) FROM (%s) AS item
              GROUP BY company_id, state
              ORDER BY company_id, state
                """,
                self._manual_items_query(candidates),
            )
        ):
            figures[company_id][state] = (count, total)
        return figures
