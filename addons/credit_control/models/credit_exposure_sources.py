"""Where exposure comes from: one row per customer or open document, as SQL.

What each bucket means is told in ``credit_exposure.py``. Here are the ledger and draft
invoices; open orders are in ``credit_exposure_orders.py``.
"""

from odoo import api, models
from odoo.tools import SQL, ormcache

# A row version written by this transaction: its xmin is at or after the end of our
# snapshot, in the 32 bit circle of transaction ids. Needed because PostgreSQL cannot
# tell two cursors of one program apart; subtransactions (savepoints) are covered.
OWN_ROW = """(
    (%s.xmin::text::bigint - pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
    & 4294967295) < 2147483648"""


class CreditExposure(models.AbstractModel):
    _inherit = "credit.exposure"

    @api.model
    def _document_queries(self, root, partner_ids=None, orders=None):
        """Everything that exposure is made of: one query per kind of source.

        Columns: partner_id, kind, document_id, amount, own (changed by this
        transaction).

        :param SQL orders: instead of the query of open orders
        """
        return [
            self._ledger_query(root, partner_ids),
            orders or self._order_query(root, partner_ids),
            self._draft_query(root, partner_ids),
        ]

    # ------------------------------------------------------------------
    # Ledger
    # ------------------------------------------------------------------

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
               -- what a backfill wrote is in the ledger
               AND NOT EXISTS (
                   SELECT FROM subledger_entry entry
                    WHERE entry.move_line_id = line.id AND %(live)s)
               AND move.company_id = ANY(%(companies)s) AND %(filter)s
          GROUP BY owner.commercial_partner_id
            """,
            before=self._before_ledger_condition(),
            live=self.env["subledger.entry"]._live_sql("entry"),
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
            own=SQL(OWN_ROW, SQL.identifier("move")),
            companies=self._get_area(root).ids,
            filter=self._in(SQL("move.commercial_partner_id"), partner_ids),
        )
