from odoo import api, fields, models
from odoo.tools import SQL


class SubledgerEntry(models.Model):
    """What is still open of an entry: its amount, its status, whether it is overdue."""

    _inherit = "subledger.entry"

    def _compute_amount_residual(self):
        residuals = self._get_residuals()
        for entry in self:
            entry.amount_residual, entry.status = residuals.get(entry.id, (0.0, "paid"))

    @api.depends("date_maturity")
    def _compute_is_overdue(self):
        today = fields.Date.context_today(self)
        for entry in self:
            due = entry.date_maturity or entry.date
            entry.is_overdue = entry.status != "paid" and due and due < today

    def _get_residuals(self):
        """Open amount and status of the live entries among ``self``.

        Settled is what Odoo calls reconciled: with nothing left in company currency
        and nothing in the item's own, of which the former alone may be zero.

        :return: ``{entry id: (residual, status)}``, debit minus credit in company
            currency
        """
        self._flush_items()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT entry.id, %(residual)s,
                       CASE WHEN entry.move_line_id IS NULL THEN %(opening)s
                            WHEN item.id IS NULL OR item.reconciled THEN 'paid'
                            WHEN %(untouched)s THEN 'open'
                            ELSE 'partially_paid' END
                  FROM subledger_entry AS entry
                  LEFT JOIN account_move_line AS item ON item.id = entry.move_line_id
                 WHERE entry.id = ANY(%(ids)s) AND %(live)s
                """,
                residual=self._residual_sql("entry"),
                opening=self._opening_status_sql("entry"),
                untouched=self._untouched_item_sql(),
                live=self._live_sql("entry"),
                ids=list(self.ids),
            )
        )
        return {entry: (residual, status) for entry, residual, status in rows}

    @api.model
    def _untouched_item_sql(self):
        """SQL condition: nothing of the open ``item`` is settled so far."""
        return SQL(
            """((item.amount_residual, item.amount_residual_currency)
                IS NOT DISTINCT FROM (item.balance, item.amount_currency))"""
        )

    @api.model
    def _opening_status_sql(self, alias):
        """SQL of the status of a live opening entry."""
        return SQL(
            """(CASE %(residual)s WHEN 0 THEN 'paid'
                WHEN %(debit)s - %(credit)s THEN 'open' ELSE 'partially_paid' END)""",
            residual=self._opening_residual_sql(alias),
            debit=SQL.identifier(alias, "debit"),
            credit=SQL.identifier(alias, "credit"),
        )

    @api.model
    def _residual_sql(self, alias):
        """SQL of the open amount of a live entry."""
        return SQL(
            """(CASE WHEN %(line)s IS NULL THEN %(opening)s
                ELSE COALESCE((SELECT item.amount_residual
                                 FROM account_move_line AS item
                                WHERE item.id = %(line)s), 0) END)""",
            line=SQL.identifier(alias, "move_line_id"),
            opening=self._opening_residual_sql(alias),
        )

    @api.model
    def _opening_residual_sql(self, alias):
        """SQL of what is open of an opening entry: of the items that it sums.

        Those are the earlier items of the account that have no entry of their own.
        """
        return SQL(
            """(SELECT COALESCE(SUM(item.amount_residual), 0)
                  FROM account_move_line AS item
                  JOIN account_move AS move ON move.id = item.move_id
                  JOIN res_company AS company ON company.id = move.company_id
                 WHERE item.company_id = %(company)s AND item.account_id = %(account)s
                   AND CASE WHEN %(partner)s IS NULL THEN item.partner_id IS NULL
                       ELSE item.partner_id IN (
                            SELECT contact.id FROM res_partner AS contact
                             WHERE contact.commercial_partner_id = %(partner)s) END
                   AND item.parent_state = 'posted' AND item.reconciled IS NOT TRUE
                   AND NOT %(since)s
                   AND NOT EXISTS (
                       SELECT FROM subledger_entry AS own
                        WHERE own.move_line_id = item.id AND %(live)s))""",
            company=SQL.identifier(alias, "company_id"),
            account=SQL.identifier(alias, "account_id"),
            partner=SQL.identifier(alias, "partner_id"),
            since=self.env["subledger.sync"]._since_condition(),
            live=self._live_sql("own"),
        )
