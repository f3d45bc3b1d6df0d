from odoo import api, models
from odoo.tools import SQL


class SubledgerVerify(models.AbstractModel):
    """Balances against the general ledger, and what explains their differences."""

    _inherit = "subledger.verify"

    @api.model
    def _general_ledger_query(self, scope):
        """Partners and accounts whose difference no cause explains."""
        return SQL(
            """
            SELECT company_id, partner_id, account_id, NULL::int AS entry_id,
                   NULL::int AS move_line_id, 'unexplained' AS problem,
                   %s AS expected, %s AS actual
              FROM (%s) AS balance
             WHERE general_ledger - ledger - manual_entry - pre_sync_history <> 0
            """,
            self._amount_sql(SQL("general_ledger - manual_entry - pre_sync_history")),
            self._amount_sql(SQL("ledger")),
            self._balances_sql(scope),
        )

    @api.model
    def _list_explained(self, scope, limit):
        """Where ledger and general ledger do not hold the same items, with the amount
        of each cause: manual entries, with the number of their items too, and history
        from before the start of the ledger."""
        return self._fetch_dicts(
            SQL(
                """
                SELECT balance.company_id, balance.partner_id, partner.name AS partner,
                       balance.account_id, %s AS general_ledger, %s AS ledger,
                       %s AS manual_entry, manual_count,
                       %s AS pre_sync_history
                  FROM (%s) AS balance
                  LEFT JOIN res_partner AS partner ON partner.id = balance.partner_id
                 WHERE manual_count <> 0 OR pre_sync_history <> 0
              ORDER BY balance.company_id, partner.name, balance.account_id
                 LIMIT %s
                """,
                self._amount_sql(SQL("general_ledger")),
                self._amount_sql(SQL("ledger")),
                self._amount_sql(SQL("manual_entry")),
                self._amount_sql(SQL("pre_sync_history")),
                self._balances_sql(scope),
                limit,
            )
        )

    @api.model
    def _balances_sql(self, scope):
        """Per company, partner and account: both ledgers and the named causes."""
        return SQL(
            """
            SELECT company_id, partner_id, account_id,
                   SUM(general_ledger) AS general_ledger, SUM(ledger) AS ledger,
                   COALESCE(SUM(general_ledger) FILTER (WHERE cause = 'manual'), 0)
                       AS manual_entry,
                   COUNT(*) FILTER (WHERE cause = 'manual') AS manual_count,
                   COALESCE(SUM(general_ledger) FILTER (WHERE cause = 'history'), 0)
                       AS pre_sync_history
              FROM (
                SELECT company_id, partner_id, account_id, balance AS general_ledger,
                       0.0 AS ledger, cause
                  FROM (%(items)s) AS item
                 UNION ALL
                SELECT company_id, partner_id, account_id, 0.0, debit - credit, NULL
                  FROM subledger_entry AS entry
                 WHERE %(entries)s AND %(dated)s
              ) AS side
          GROUP BY company_id, partner_id, account_id
            """,
            items=self._classified_items_sql(scope),
            entries=self._scope_sql(scope, "entry"),
            # By date, an opening has no items to stand against.
            dated=SQL("entry.move_line_id IS NOT NULL") if scope.since else SQL("TRUE"),
        )

    @api.model
    def _classified_items_sql(self, scope):
        """Items of the general ledger, with the cause why one has no entry."""
        sync = self.env["subledger.sync"]
        opening = SQL("FALSE") if scope.since else SQL("history = 'opening'")
        return SQL(
            """
            SELECT classified.company_id, partner_id, account_id, balance,
                   CASE WHEN has_entry THEN NULL
                        WHEN NOT since AND %(opening)s THEN NULL
                        WHEN NOT since THEN 'history'
                        WHEN NOT policy THEN 'manual' END AS cause
              FROM (
                SELECT move.company_id, %(owner)s AS partner_id, line.account_id,
                       line.balance, line.date, %(since)s AS since,
                       %(policy)s AS policy, company.subledger_history AS history,
                       EXISTS (SELECT FROM subledger_entry AS entry
                                WHERE entry.move_line_id = line.id AND %(live)s)
                           AS has_entry
                  FROM (SELECT line.id AS move_line_id %(items)s) AS candidate
                  %(joins)s
              ) AS classified
            """,
            opening=opening,
            items=self._items_sql(scope),
            since=sync._since_condition(),
            policy=sync._policy_condition(),
            owner=sync._owner_sql(),
            joins=sync._item_joins_sql(),
            live=self.env["subledger.entry"]._live_sql("entry"),
        )
