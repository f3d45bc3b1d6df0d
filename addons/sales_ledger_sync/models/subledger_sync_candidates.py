from odoo import api, models
from odoo.tools import SQL


class SubledgerSync(models.AbstractModel):
    """The candidates of the engine: which journal items to compare.

    Each is a query of one column, ``move_line_id``. An item that is gone is named by
    its entry.
    """

    _inherit = "subledger.sync"

    @api.model
    def _candidates_of_lines(self, line_ids):
        return SQL("SELECT unnest(%s::int[]) AS move_line_id", list(line_ids))

    @api.model
    def _candidates_of_moves(self, move_ids):
        return SQL(
            """
            SELECT line.id AS move_line_id
              FROM account_move_line AS line
              JOIN account_account AS account ON account.id = line.account_id
             WHERE line.move_id = ANY(%(moves)s) AND %(trade)s
             UNION
            SELECT move_line_id FROM subledger_entry
             WHERE move_id = ANY(%(moves)s)
            """,
            moves=list(move_ids),
            trade=self._trade_condition("account"),
        )

    @api.model
    def _candidates_of_partners(self, partner_ids):
        return SQL(
            """
            SELECT line.id AS move_line_id
              FROM account_move_line AS line
              JOIN account_account AS account ON account.id = line.account_id
             WHERE %(trade)s
               AND line.partner_id IN (
                   SELECT id FROM res_partner
                    WHERE id = ANY(%(partners)s)
                       OR commercial_partner_id = ANY(%(partners)s))
             UNION
            SELECT move_line_id FROM subledger_entry
             WHERE partner_id = ANY(%(partners)s) AND move_line_id IS NOT NULL
            """,
            partners=list(partner_ids),
            trade=self._trade_condition("account"),
        )

    @api.model
    def _candidates_of_accounts(self, account_ids):
        return SQL(
            """
            SELECT line.id AS move_line_id
              FROM account_move_line AS line
             WHERE line.account_id = ANY(%(accounts)s)
             UNION
            SELECT move_line_id FROM subledger_entry
             WHERE account_id = ANY(%(accounts)s) AND move_line_id IS NOT NULL
            """,
            accounts=list(account_ids),
        )

    @api.model
    def _candidates_of_companies(self, company_ids, condition=None):
        """Posted trade items, of those ``move`` for which ``condition`` is true."""
        return SQL(
            """
            SELECT line.id AS move_line_id
              FROM account_move AS move
              JOIN account_move_line AS line ON line.move_id = move.id
              JOIN account_account AS account ON account.id = line.account_id
             WHERE move.company_id = ANY(%(companies)s)
               AND move.state = 'posted' AND %(trade)s AND %(condition)s
            """,
            companies=list(company_ids),
            trade=self._trade_condition("account"),
            condition=condition or SQL("TRUE"),
        )

    @api.model
    def _candidates_of_manual_items(self, company_ids):
        """Items that may have no source document; the engine decides."""
        return self._candidates_of_companies(company_ids, self._unsourced_condition())
