from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

CREDIT_MOVE_TYPES = ("out_invoice", "out_receipt")
# Credit items fetched per customer and round; more rounds follow while money is due.
CREDIT_ITEMS_PER_ROUND = 50


class AccountMove(models.Model):
    """Open credit of a customer, used for what an invoice leaves due.

    Credit is what the general ledger says at this moment: posted, unsettled credit
    items of the commercial partner, in the company and on the receivable account of the
    invoice, be they payments or credit notes, whatever their currency. Oldest first.
    """

    _inherit = "account.move"

    def action_apply_open_credit(self):
        """Settle the posted customer invoices in ``self`` with open credit.

        Several invoices of one customer share its credit, the one due first comes
        first.

        :raise AccessError: the user may not register payments
        :raise UserError: nothing is due, or there is no open credit
        """
        self.check_access("write")
        if not self.env.user.has_group("account.group_account_invoice"):
            raise AccessError(
                self.env._("Only users with invoicing rights may apply open credit.")
            )
        due = self.filtered(
            lambda move: move.move_type in CREDIT_MOVE_TYPES
            and move._get_open_trade_lines()
        )
        if not due:
            raise UserError(
                self.env._("Choose a posted customer invoice with an amount due.")
            )
        if not due._apply_open_credit():
            raise UserError(
                self.env._(
                    "%(customers)s: no open credit on the receivable account.",
                    customers=", ".join(due.commercial_partner_id.mapped("name")),
                )
            )
        return True

    def _apply_open_credit_on_posting(self):
        """Apply open credit in the companies that chose so."""
        self.filtered(
            lambda move: move.move_type in CREDIT_MOVE_TYPES
            and move.company_id.subledger_apply_credit
            and not move._is_settled_otherwise()
        )._apply_open_credit()

    def _is_settled_otherwise(self):
        """Whether Odoo settles this document itself right after it is posted.

        By the document it undoes, or by the payments of its point-of-sale orders; open
        credit must not come before those. To be extended by modules that do the same.
        """
        self.ensure_one()
        # Without a dependency: there are databases without a point of sale.
        orders = "pos_order_ids" in self._fields and self.pos_order_ids
        return bool(orders) or self.reversed_entry_id.state == "posted"

    def _apply_open_credit(self):
        """Reconcile open credit with what is due on ``self``, oldest with oldest.

        :return: whether anything was reconciled
        """
        line_model = self.env["account.move.line"]
        tried = line_model
        while plan := self._prepare_credit_plan():
            lines = line_model.union(*plan)
            # Items that Odoo would not match with each other must not loop for ever.
            if lines <= tried:
                break
            tried |= lines
            line_model._reconcile_plan(plan)
        return bool(tried)

    def _prepare_credit_plan(self):
        """List the reconciliations to make: due items with one credit item each.

        One at a time, because Odoo would take credit notes by their due date.
        """
        due = self._get_open_trade_lines().filtered(
            lambda line: line.account_type == "asset_receivable"
            and line.amount_residual > 0
        )
        if not due:
            return []
        credit = self._get_open_credit(due).grouped(_get_credit_key)
        return [
            lines + item
            for key, lines in due.grouped(_get_credit_key).items()
            for item in credit.get(key, ())
        ]

    def _get_open_credit(self, due):
        """Fetch the oldest open credit items for the customers of the items ``due``."""
        due.env["account.move.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id
                  FROM (
                    SELECT line.id, line.date,
                           ROW_NUMBER() OVER (
                               PARTITION BY line.company_id, line.account_id,
                                            partner.commercial_partner_id
                                   ORDER BY line.date, line.id
                           ) AS position
                      FROM account_move_line line
                      JOIN res_partner partner ON partner.id = line.partner_id
                      JOIN unnest(%(companies)s, %(accounts)s, %(partners)s)
                           AS wanted(company_id, account_id, partner_id)
                        ON wanted.company_id = line.company_id
                       AND wanted.account_id = line.account_id
                       AND wanted.partner_id = partner.commercial_partner_id
                     WHERE line.parent_state = 'posted'
                       AND line.reconciled IS NOT TRUE
                       AND (line.amount_residual < 0
                            OR line.amount_residual_currency < 0)
                       AND line.move_id <> ALL(%(moves)s)
                  ) credit
                 WHERE position <= %(limit)s
              ORDER BY date, id
                """,
                **self._get_credit_search_values(due),
            )
        )
        return self.env["account.move.line"].browse(line_id for (line_id,) in rows)

    def _get_credit_search_values(self, due):
        keys = list(due.grouped(_get_credit_key))
        return {
            "companies": [company.id for company, _account, _partner in keys],
            "accounts": [account.id for _company, account, _partner in keys],
            "partners": [partner.id for _company, _account, partner in keys],
            "moves": self.ids,
            "limit": CREDIT_ITEMS_PER_ROUND,
        }


def _get_credit_key(line):
    """What due items and credit must have in common."""
    return line.company_id, line.account_id, line.partner_id.commercial_partner_id
