from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL


class OverdueFigures(NamedTuple):
    """Overdue amount, days of the oldest overdue and of the oldest open item."""

    amount: float = 0.0
    days: int = 0
    oldest_days: int = 0


class CreditExposure(models.AbstractModel):
    _inherit = "credit.exposure"

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
        self.env["res.partner"].flush_model(["commercial_partner_id"])

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
        """Open receivable items with the running sum of debits and all open credits.

        By commercial entity, as in the ledger: a payment may name one of its contacts.
        """
        return SQL(
            """
            SELECT owner.commercial_partner_id AS partner_id,
                   COALESCE(line.date_maturity, line.date) AS due,
                   line.date, line.amount_residual AS residual,
                   SUM(GREATEST(line.amount_residual, 0)) OVER (
                       PARTITION BY owner.commercial_partner_id
                       ORDER BY COALESCE(line.date_maturity, line.date), line.id
                   ) AS running,
                   SUM(GREATEST(-line.amount_residual, 0)) OVER (
                       PARTITION BY owner.commercial_partner_id) AS credits
              FROM account_move_line line
              JOIN res_partner owner ON owner.id = line.partner_id
             WHERE line.account_id IN (
                       SELECT account.id FROM account_account account
                        WHERE account.account_type = 'asset_receivable'
                          AND account.non_trade IS NOT TRUE)
               AND line.parent_state = 'posted' AND line.reconciled IS NOT TRUE
               AND line.company_id = ANY(%(companies)s) AND %(owned)s
            """,
            companies=self._get_area(root).ids,
            owned=self._contact_in(SQL("line.partner_id"), partner_ids),
        )
