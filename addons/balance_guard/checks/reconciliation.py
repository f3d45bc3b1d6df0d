from odoo import models
from odoo.tools import SQL


class GuardCheckResidual(models.AbstractModel):
    _name = "guard.check.residual"
    _description = "Check: residuals"
    _inherit = "guard.check.unit"
    _check_code = "residual_reconciliation"
    _check_family = "general_ledger"
    _check_sequence = 63

    def _get_title(self):
        return self.env._("Residuals equal reconciliations")

    def _get_explanation(self):
        return self.env._(
            "What is open of a journal item is its balance less what it was reconciled"
            " with."
        )

    def _get_flush_fields(self):
        return {
            "account.move.line": [
                *("account_id", "amount_residual", "balance", "company_id"),
                "partner_id",
            ],
            "account.partial.reconcile": ["amount", "credit_move_id", "debit_move_id"],
            "account.account": ["reconcile"],
            "res.partner": ["commercial_partner_id"],
        }

    def _query(self, scope):
        return SQL(
            """
            WITH %(settled)s
            SELECT line.company_id, partner.commercial_partner_id AS partner_id,
                   line.account_id, NULL::int AS entry_id,
                   'account.move.line' AS res_model, line.id AS res_id,
                   'amount_residual' AS field_name, NULL AS value_expected,
                   NULL AS value_found,
                   line.balance - COALESCE(settled.amount, 0) AS expected,
                   COALESCE(line.amount_residual, 0) AS actual,
                   'reconciliation' AS cause_code, NULL::jsonb AS causes
              FROM account_move_line line
              JOIN account_account account ON account.id = line.account_id
              JOIN res_company company ON company.id = line.company_id
         LEFT JOIN settled ON settled.line_id = line.id
         LEFT JOIN res_partner partner ON partner.id = line.partner_id
             WHERE account.reconcile
               AND line.parent_state = 'posted'
               AND %(companies)s AND %(partners)s
               AND ABS(line.balance - COALESCE(settled.amount, 0)
                       - COALESCE(line.amount_residual, 0)) > company.guard_tolerance
            """,
            settled=self._settled_sql(scope),
            companies=scope.companies(SQL("line.company_id")),
            partners=scope.contacts(SQL("line.partner_id")),
        )

    def _settled_sql(self, scope):
        """What each item was reconciled with; of the items in scope only."""
        return SQL(
            """
            item AS (
                SELECT line.id FROM account_move_line line
                 WHERE %(companies)s AND %(partners)s
            ), settled AS (
                SELECT line_id, SUM(amount) AS amount FROM (
                    SELECT part.debit_move_id AS line_id, part.amount
                      FROM account_partial_reconcile part
                      JOIN item ON item.id = part.debit_move_id
                    UNION ALL
                    SELECT part.credit_move_id, -part.amount
                      FROM account_partial_reconcile part
                      JOIN item ON item.id = part.credit_move_id
                ) AS part GROUP BY line_id
            )
            """,
            companies=scope.companies(SQL("line.company_id")),
            partners=scope.contacts(SQL("line.partner_id")),
        )
