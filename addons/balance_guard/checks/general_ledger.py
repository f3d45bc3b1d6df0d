"""Checks of the general ledger itself. The guard reports, it never repairs it."""

from odoo import models
from odoo.tools import SQL

# As scopes see it: the commercial entity that a document keeps may be out of date.
OWNER = SQL("COALESCE(contact.commercial_partner_id, contact.id)")


class GuardCheckPostedMoves(models.AbstractModel):
    _name = "guard.check.posted_moves"
    _description = "Check: posted entries balance"
    _inherit = "guard.check.unit"
    _check_code = "posted_moves_balance"
    _check_family = "general_ledger"
    _check_sequence = 60
    _check_often = False

    def _get_title(self):
        return self.env._("Posted entries balance")

    def _get_explanation(self):
        return self.env._(
            "In each posted entry the debits equal the credits, and each item's"
            " balance is its debit minus its credit."
        )

    def _get_flush_fields(self):
        return {
            "account.move": ["company_id", "partner_id", "state"],
            "res.partner": ["commercial_partner_id"],
            "account.move.line": ["move_id", "debit", "credit", "balance"],
        }

    def _query(self, scope):
        return SQL(
            """
              SELECT move.company_id, %(owner)s AS partner_id,
                     NULL::int AS account_id, NULL::int AS entry_id,
                     'account.move' AS res_model, move.id AS res_id,
                     'balance' AS field_name,
                     NULL AS value_expected, NULL AS value_found,
                     0::numeric AS expected,
                     CASE WHEN SUM(line.balance) = 0
                          THEN SUM(line.debit - line.credit)
                          ELSE SUM(line.balance) END AS actual,
                     'unbalanced_move' AS cause_code, NULL::jsonb AS causes
                FROM account_move_line line
                JOIN account_move move ON move.id = line.move_id
                JOIN res_company company ON company.id = move.company_id
           LEFT JOIN res_partner contact ON contact.id = move.partner_id
               WHERE move.state = 'posted' AND %(companies)s AND %(partners)s
            GROUP BY move.id, contact.id, company.guard_tolerance
              HAVING ABS(SUM(line.balance)) > company.guard_tolerance
                  OR ABS(SUM(line.debit - line.credit)) > company.guard_tolerance
            """,
            companies=scope.companies(SQL("move.company_id")),
            owner=OWNER,
            partners=scope.contacts(SQL("move.partner_id")),
        )


class GuardCheckItemState(models.AbstractModel):
    _name = "guard.check.item_state"
    _description = "Check: items are posted when their entry is"
    _inherit = "guard.check.unit"
    _check_code = "item_state"
    _check_family = "general_ledger"
    _check_sequence = 61
    _check_often = False

    def _get_title(self):
        return self.env._("Items are posted when their entry is")

    def _get_explanation(self):
        return self.env._(
            "Each journal item says the same as its entry about being draft, posted"
            " or cancelled: reports read one, documents show the other."
        )

    def _get_flush_fields(self):
        return {
            "account.move": ["company_id", "partner_id", "state"],
            "res.partner": ["commercial_partner_id"],
            "account.move.line": ["move_id", "debit", "parent_state"],
        }

    def _query(self, scope):
        return SQL(
            """
              SELECT move.company_id, %(owner)s AS partner_id,
                     NULL::int AS account_id, NULL::int AS entry_id,
                     'account.move' AS res_model, move.id AS res_id,
                     'state' AS field_name, move.state AS value_expected,
                     MIN(line.parent_state) AS value_found,
                     CASE move.state WHEN 'posted' THEN SUM(line.debit)
                          ELSE 0 END AS expected,
                     COALESCE(SUM(line.debit)
                        FILTER (WHERE line.parent_state = 'posted'), 0) AS actual,
                     'draft_reset' AS cause_code, NULL::jsonb AS causes
                FROM account_move_line line
                JOIN account_move move ON move.id = line.move_id
           LEFT JOIN res_partner contact ON contact.id = move.partner_id
               WHERE line.parent_state IS DISTINCT FROM move.state
                 AND %(companies)s AND %(partners)s
            GROUP BY move.id, contact.id
            """,
            companies=scope.companies(SQL("move.company_id")),
            owner=OWNER,
            partners=scope.contacts(SQL("move.partner_id")),
        )


class GuardCheckTrialBalance(models.AbstractModel):
    _name = "guard.check.trial_balance"
    _description = "Check: trial balance"
    _inherit = "guard.check.unit"
    _check_code = "trial_balance"
    _check_family = "general_ledger"
    _check_sequence = 62
    _check_scope = "company"

    def _get_title(self):
        return self.env._("Trial balance is zero")

    def _get_explanation(self):
        return self.env._(
            "All posted items of a company add up to zero. Entries that do not"
            " balance, and items that carry another company than their entry, explain"
            " a difference."
        )

    def _get_flush_fields(self):
        return {
            "account.move": ["company_id", "state"],
            "account.move.line": ["move_id", "company_id", "balance", "parent_state"],
        }

    def _fingerprint_scope(self, row):
        return ""

    def _query(self, scope):
        return SQL(
            """
            WITH entries AS (
                SELECT move.company_id, line.company_id AS item_company_id,
                       line.move_id, SUM(line.balance) AS balance
                  FROM account_move_line line
                  JOIN account_move move ON move.id = line.move_id
                 WHERE line.parent_state = 'posted'
              GROUP BY move.company_id, line.company_id, line.move_id
            ), totals AS (
                SELECT item_company_id AS company_id, SUM(balance) AS total
                  FROM entries WHERE %(item_companies)s GROUP BY item_company_id
            ), unbalanced AS (
                SELECT company_id, SUM(balance) AS total, COUNT(*) AS items
                  FROM (SELECT company_id, move_id, SUM(balance) AS balance
                          FROM entries GROUP BY company_id, move_id) AS entry
                 WHERE balance <> 0 GROUP BY company_id
            ), strays AS (
                SELECT company_id, SUM(balance) AS total, COUNT(*) AS items FROM (
                    SELECT item_company_id AS company_id, balance
                      FROM entries WHERE item_company_id <> company_id
                    UNION ALL
                    SELECT company_id, -balance
                      FROM entries WHERE item_company_id <> company_id
                ) AS stray GROUP BY company_id
            )
            SELECT totals.company_id, NULL::int AS partner_id, NULL::int AS account_id,
                   NULL::int AS entry_id, NULL AS res_model, NULL::int AS res_id,
                   NULL AS field_name, NULL AS value_expected, NULL AS value_found,
                   0::numeric AS expected, totals.total AS actual,
                   CASE WHEN ABS(COALESCE(strays.total, 0))
                             > ABS(COALESCE(unbalanced.total, 0))
                        THEN 'outside_scope' ELSE 'unbalanced_move' END AS cause_code,
                   %(causes)s AS causes
              FROM totals
              JOIN res_company company ON company.id = totals.company_id
         LEFT JOIN unbalanced ON unbalanced.company_id = totals.company_id
         LEFT JOIN strays ON strays.company_id = totals.company_id
             WHERE ABS(totals.total) > company.guard_tolerance
            """,
            item_companies=scope.companies(SQL("item_company_id")),
            causes=self._causes_sql(),
        )

    def _causes_sql(self):
        return SQL(
            """
            jsonb_strip_nulls(jsonb_build_object(
                'unbalanced_move', CASE WHEN unbalanced.items > 0
                    THEN jsonb_build_object('amount', -unbalanced.total,
                                            'count', unbalanced.items) END,
                'outside_scope', CASE WHEN strays.items > 0
                    THEN jsonb_build_object('amount', -strays.total,
                                            'count', strays.items) END))
            """
        )
