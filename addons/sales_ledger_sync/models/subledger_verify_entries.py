from odoo import api, models
from odoo.tools import SQL


class SubledgerVerify(models.AbstractModel):
    """Checks of entries against the journal items they stand for, openings included."""

    _inherit = "subledger.verify"

    @api.model
    def _entries_query(self, scope):
        """Items without entry, entries without item, and entries that say otherwise:
        the engine's own comparison, read-only."""
        candidates = SQL(
            """
            SELECT line.id AS move_line_id %s
             UNION
            SELECT entry.move_line_id FROM subledger_entry AS entry
             WHERE entry.move_line_id IS NOT NULL AND %s
            """,
            self._items_sql(scope),
            self._scope_sql(scope, "entry"),
        )
        return SQL(
            """
            SELECT company_id, partner_id, account_id, entry_id, move_line_id,
                   difference AS problem, %s AS expected, %s AS actual
              FROM (%s) AS engine
            """,
            self._amount_sql(SQL("balance")),
            self._amount_sql(SQL("entry_balance")),
            self.env["subledger.sync"]._difference_query(candidates),
        )

    @api.model
    def _openings_query(self, scope):
        return SQL(
            """
            SELECT company_id, partner_id, account_id, entry_id,
                   NULL::int AS move_line_id, 'opening' AS problem,
                   %s AS expected, %s AS actual
              FROM (%s) AS opening
             WHERE %s
            """,
            self._amount_sql(SQL("expected")),
            self._amount_sql(SQL("actual")),
            self._opening_difference_sql(scope.company_ids),
            self._scope_sql(scope, "opening"),
        )

    @api.model
    def _opening_difference_sql(self, company_ids):
        """Opening entries that are not what the earlier items sum up to.

        In companies that keep their history as openings; others must have none.

        :return: query of company_id, partner_id, account_id, entry_id, expected and
            actual balance
        """
        sync = self.env["subledger.sync"]
        return SQL(
            """
            SELECT company_id, partner_id, account_id, MAX(entry_id) AS entry_id,
                   SUM(expected) AS expected, SUM(actual) AS actual
              FROM (
                SELECT move.company_id, %(owner)s AS partner_id, line.account_id,
                       NULL::int AS entry_id, line.balance AS expected, 0.0 AS actual
                  FROM account_move_line AS candidate_line
                  JOIN %(company_table)s AS candidate_company
                    ON candidate_company.id = candidate_line.company_id
                 CROSS JOIN LATERAL (
                       SELECT candidate_line.id AS move_line_id) AS candidate
                  %(joins)s
                 WHERE candidate_line.company_id = ANY(%(companies)s)
                   AND candidate_company.subledger_history = 'opening'
                   AND candidate_line.date < candidate_company.subledger_start_date
                   AND move.state = 'posted' AND %(trade)s AND NOT %(since)s
                   AND NOT EXISTS (
                       SELECT FROM subledger_entry AS entry
                        WHERE entry.move_line_id = line.id AND %(live)s)
                 UNION ALL
                SELECT entry.company_id, entry.partner_id, entry.account_id, entry.id,
                       0.0, entry.debit - entry.credit
                  FROM subledger_entry AS entry
                 WHERE entry.company_id = ANY(%(companies)s)
                   AND entry.move_line_id IS NULL AND %(live)s
              ) AS part
          GROUP BY company_id, partner_id, account_id
            HAVING SUM(expected) <> SUM(actual)
            """,
            companies=list(company_ids),
            company_table=sync._company_sql(),
            owner=sync._owner_sql(),
            joins=sync._item_joins_sql(),
            trade=sync._trade_condition("account"),
            since=sync._since_condition(),
            live=self.env["subledger.entry"]._live_sql("entry"),
        )
