import json

from odoo import api, models
from odoo.tools import SQL


class SubledgerSync(models.AbstractModel):
    """The entries of documents that are posted for the first time and say themselves
    where they come from: invoices, payments, bank transactions.

    What the engine has to know of them is in the cache, so it is passed along: to plan
    how to read these tables, with their many indexes, takes PostgreSQL longer than all
    else that posting adds. The facts are the same expressions as everywhere.
    """

    _inherit = "subledger.sync"

    @api.model
    def _first_entries_query(self, lines, parts):
        """Insert the entries of journal items; rows as the engine's statement inserts.

        :param lines: account.move.line records, as superuser
        """
        difference = SQL(
            """(
                SELECT %(facts)s, line.id AS move_line_id, FALSE AS is_transfer,
                       owner.name AS owner_name
                  %(rows)s
                 WHERE move.state = 'posted' AND %(trade)s AND %(scope)s
            ) AS difference""",
            facts=self._item_facts_sql(parts, SQL("owner.id")),
            rows=self._rows_at_hand_sql(lines),
            trade=self._trade_condition("account"),
            scope=self._scope_condition(parts),
        )
        entries = self._new_entries_sql("live", parts, difference)
        return self._insert_sql(None, entries, SQL("move_line_id"))

    @api.model
    def _rows_at_hand_sql(self, lines):
        """FROM clause: the rows ``line``, ``move``, ``account``, ``company`` and
        ``owner``, with the columns that such documents need."""
        rows = [self._get_row_at_hand(line) for line in lines]
        return SQL(
            """
            FROM jsonb_to_recordset(%s::jsonb) AS row (
                line_id int, move_id int, account_id int, currency_id int,
                company_id int, date date, date_maturity date,
                balance numeric, amount_currency numeric, name varchar,
                move_type varchar, state varchar, subledger_posted_at timestamp,
                origin_payment_id int, statement_line_id int, account_type varchar,
                non_trade bool, subledger_history varchar, subledger_start_date date,
                owner_id int, owner_name varchar)
            CROSS JOIN LATERAL (
                SELECT row.line_id AS id, row.move_id, row.account_id,
                       row.currency_id, row.date_maturity, row.balance,
                       row.amount_currency) AS line
            CROSS JOIN LATERAL (
                SELECT row.move_id AS id, row.company_id, row.date, row.name,
                       row.move_type, row.state, row.subledger_posted_at,
                       row.origin_payment_id, row.statement_line_id) AS move
            CROSS JOIN LATERAL (SELECT row.account_type, row.non_trade) AS account
            CROSS JOIN LATERAL (
                SELECT row.subledger_history, row.subledger_start_date) AS company
            CROSS JOIN LATERAL (
                SELECT row.owner_id AS id, row.owner_name AS name) AS owner
            """,
            json.dumps(rows, default=str),
        )

    @api.model
    def _get_row_at_hand(self, line):
        move, account, company = line.move_id, line.account_id, line.company_id
        owner = line.partner_id.commercial_partner_id or line.partner_id
        return {
            "line_id": line.id,
            "move_id": move.id,
            "account_id": account.id,
            "currency_id": line.currency_id.id,
            "company_id": company.id,
            "date": move.date,
            "date_maturity": line.date_maturity or None,
            # As they are stored: a computed amount need not be rounded in the cache.
            "balance": company.currency_id.round(line.balance),
            "amount_currency": line.currency_id.round(line.amount_currency),
            "name": move.name,
            "move_type": move.move_type,
            "state": move.state,
            "subledger_posted_at": move.subledger_posted_at or None,
            "origin_payment_id": move.origin_payment_id.id or None,
            "statement_line_id": move.statement_line_id.id or None,
            "account_type": account.account_type,
            "non_trade": account.non_trade,
            "subledger_history": company.subledger_history,
            "subledger_start_date": company.subledger_start_date or None,
            "owner_id": owner.id or None,
            "owner_name": owner.name or None,
        }
