"""Checks of the sealed chain: numbers, running balances and hashes.

What they find is never repaired: a changed entry is evidence.
"""

from odoo import models
from odoo.tools import SQL


class GuardCheckRunningBalance(models.AbstractModel):
    _name = "guard.check.running_balance"
    _description = "Check: running balances and numbers"
    _inherit = "guard.check.unit"
    _check_code = "running_balance"
    _check_family = "ledger"
    _check_sequence = 20

    def _get_title(self):
        return self.env._("Running balances and numbers")

    def _get_explanation(self):
        return self.env._(
            "In each subledger account the numbers have no gap, and each running"
            " balance is the one before it plus the entry's own amount."
        )

    def _query(self, scope):
        return SQL(
            """
            WITH step AS (
                SELECT id, company_id, partner_id, account_id, number, balance_after,
                       move_line_id, event, debit - credit AS amount,
                       COALESCE(LAG(number) OVER chain, 0) AS previous_number,
                       COALESCE(LAG(balance_after) OVER chain, 0) AS previous_balance
                  FROM subledger_entry
                 WHERE number IS NOT NULL AND %(companies)s AND %(partners)s
                WINDOW chain AS (PARTITION BY partner_id, company_id, account_id
                                 ORDER BY number)
            ), broken AS (
                SELECT *, balance_after - previous_balance - amount AS error
                  FROM step
                 WHERE number <> previous_number + 1
                    OR balance_after <> previous_balance + amount
            )
            SELECT broken.company_id, broken.partner_id, broken.account_id,
                   broken.id AS entry_id, 'subledger.entry' AS res_model,
                   broken.id AS res_id, fault.*, NULL::jsonb AS causes
              FROM broken
         LEFT JOIN broken AS next
                ON next.company_id = broken.company_id
               AND next.account_id = broken.account_id
               AND COALESCE(next.partner_id, 0) = COALESCE(broken.partner_id, 0)
               AND next.previous_number = broken.number
         LEFT JOIN broken AS previous
                ON previous.company_id = broken.company_id
               AND previous.account_id = broken.account_id
               AND COALESCE(previous.partner_id, 0) = COALESCE(broken.partner_id, 0)
               AND previous.number = broken.previous_number
         LEFT JOIN account_move_line line
                ON line.id = broken.move_line_id AND broken.event = 'entry'
        CROSS JOIN LATERAL (%(fault)s) AS fault
             WHERE NOT %(realigned)s
            """,
            companies=scope.companies(SQL("company_id")),
            partners=scope.partners(SQL("partner_id")),
            fault=self._fault_sql(),
            realigned=self._realigned_sql(),
        )

    def _realigned_sql(self):
        """After a repair the balance runs on from what the entries really add up to:
        that step marks the repair, the fault is where the entry was changed."""
        return SQL(
            """
            (broken.number = broken.previous_number + 1 AND EXISTS (
                SELECT FROM subledger_entry repair
                 WHERE repair.company_id = broken.company_id
                   AND repair.account_id = broken.account_id
                   AND COALESCE(repair.partner_id, 0) = COALESCE(broken.partner_id, 0)
                   AND repair.origin = 'repair')
             AND broken.balance_after = (
                SELECT SUM(earlier.debit - earlier.credit)
                  FROM subledger_entry earlier
                 WHERE earlier.company_id = broken.company_id
                   AND earlier.account_id = broken.account_id
                   AND COALESCE(earlier.partner_id, 0) = COALESCE(broken.partner_id, 0)
                   AND earlier.number <= broken.number))
            """
        )

    def _fault_sql(self):
        """A changed running balance breaks two steps, with opposite errors; it is
        reported once, at the entry that was changed."""
        return SQL(
            """
            SELECT field_name, value_expected, value_found, expected, actual,
                   cause_code
              FROM (
                SELECT 1 AS priority, 'number' AS field_name,
                       (broken.previous_number + 1)::text AS value_expected,
                       broken.number::text AS value_found,
                       broken.balance_after - broken.amount AS expected,
                       broken.previous_balance AS actual,
                       'number_gap' AS cause_code
                 WHERE broken.number <> broken.previous_number + 1
                 UNION ALL
                SELECT 2, 'balance_after',
                       (broken.previous_balance + broken.amount)::text,
                       broken.balance_after::text,
                       broken.previous_balance + broken.amount,
                       broken.balance_after, 'entry_tampered'
                 WHERE next.error = -broken.error
                   AND line.balance IS DISTINCT FROM broken.amount + broken.error
                 UNION ALL
                SELECT 3, 'debit',
                       (broken.balance_after - broken.previous_balance)::text,
                       broken.amount::text,
                       broken.balance_after - broken.previous_balance,
                       broken.amount, 'amount_tampered'
              ) AS fault
             WHERE broken.error IS DISTINCT FROM -previous.error
                OR broken.number <> broken.previous_number + 1
          ORDER BY priority LIMIT 1
            """
        )


class GuardCheckHashChain(models.AbstractModel):
    _name = "guard.check.hash_chain"
    _description = "Check: hash chain"
    _inherit = "guard.check.unit"
    _check_code = "hash_chain"
    _check_family = "ledger"
    _check_sequence = 30

    def _get_title(self):
        return self.env._("Hash chain")

    def _get_explanation(self):
        return self.env._(
            "Each sealed entry still gives the hash it was sealed with. A changed entry"
            " is compared with its journal item to name the field."
        )

    def _hash_sql(self, previous, alias):
        """SQL of the hash of entry ``alias`` after the hash ``previous``."""
        return SQL(
            """'1$' || encode(sha256(convert_to(
                COALESCE(%s, '') || %s, 'UTF8')), 'hex')""",
            previous,
            self.env["subledger.entry"]._hash_payload_sql(alias),
        )

    def _query(self, scope):
        return SQL(
            """
            WITH chained AS (
                SELECT entry.id, entry.company_id, entry.partner_id, entry.account_id,
                       entry.number, entry.hash,
                       COALESCE(LAG(entry.number) OVER chain, 0) AS previous_number,
                       %(computed)s AS computed
                  FROM subledger_entry entry
                 WHERE entry.number IS NOT NULL AND %(companies)s AND %(partners)s
                WINDOW chain AS (
                    PARTITION BY entry.partner_id, entry.company_id, entry.account_id
                    ORDER BY entry.number)
            ), broken AS MATERIALIZED (
                SELECT * FROM chained
                 WHERE hash IS DISTINCT FROM computed AND number = previous_number + 1
            ), repeated AS (
                -- right, but for the changed hash of the entry before it
                SELECT broken.id, previous.id AS previous_id
                  FROM broken
                  JOIN broken AS previous
                    ON previous.company_id = broken.company_id
                   AND previous.account_id = broken.account_id
                   AND COALESCE(previous.partner_id, 0)
                       = COALESCE(broken.partner_id, 0)
                   AND previous.number = broken.previous_number
                  JOIN subledger_entry entry ON entry.id = broken.id
                 WHERE entry.hash = %(repeated)s
            )
            SELECT broken.company_id, broken.partner_id, broken.account_id,
                   broken.id AS entry_id, 'subledger.entry' AS res_model,
                   broken.id AS res_id, fault.*, NULL::jsonb AS causes
              FROM broken
              JOIN subledger_entry entry ON entry.id = broken.id
         LEFT JOIN subledger_account head
                ON head.company_id = broken.company_id
               AND head.account_id = broken.account_id
               AND COALESCE(head.partner_id, 0) = COALESCE(broken.partner_id, 0)
         LEFT JOIN account_move_line line
                ON line.id = entry.move_line_id AND entry.event = 'entry'
         LEFT JOIN account_move move ON move.id = line.move_id
         LEFT JOIN res_partner partner ON partner.id = line.partner_id
         LEFT JOIN subledger_entry reversed ON reversed.id = entry.reversal_of_id
        CROSS JOIN LATERAL (%(fault)s) AS fault
             WHERE broken.id NOT IN (SELECT id FROM repeated)
            """,
            computed=self._hash_sql(SQL("LAG(entry.hash) OVER chain"), "entry"),
            repeated=self._hash_sql(SQL("previous.computed"), "entry"),
            companies=scope.companies(SQL("entry.company_id")),
            partners=scope.partners(SQL("entry.partner_id")),
            fault=self._fault_sql(),
        )

    def _fault_sql(self):
        """The first difference between a changed entry and what it stands for."""
        return SQL(
            """
            SELECT field_name, value_expected, value_found,
                   COALESCE(expected, entry.debit - entry.credit) AS expected,
                   entry.debit - entry.credit AS actual, cause_code
              FROM (
                SELECT 1 AS priority, 'hash' AS field_name,
                       broken.computed AS value_expected,
                       broken.hash AS value_found, NULL::numeric AS expected,
                       'hash_tampered' AS cause_code
                 WHERE broken.id IN (SELECT previous_id FROM repeated)
                    OR (head.last_number = broken.number
                        AND head.last_hash = broken.computed)
                 UNION ALL
                SELECT 2, CASE WHEN entry.debit <> 0 THEN 'debit' ELSE 'credit' END,
                       line.balance::text, (entry.debit - entry.credit)::text,
                       line.balance, 'amount_tampered'
                 WHERE line.balance <> entry.debit - entry.credit
                 UNION ALL
                SELECT 2, CASE WHEN entry.debit <> 0 THEN 'debit' ELSE 'credit' END,
                       (reversed.credit - reversed.debit)::text,
                       (entry.debit - entry.credit)::text,
                       reversed.credit - reversed.debit, 'amount_tampered'
                 WHERE reversed.credit - reversed.debit <> entry.debit - entry.credit
                 UNION ALL
                SELECT 3, 'amount_currency', line.amount_currency::text,
                       entry.amount_currency::text, NULL, 'amount_tampered'
                 WHERE line.amount_currency <> entry.amount_currency
                 UNION ALL
                SELECT 4, 'partner_id', partner.complete_name, entry.partner_name,
                       NULL, 'partner_changed'
                 WHERE line.id IS NOT NULL AND partner.commercial_partner_id
                       IS DISTINCT FROM entry.partner_id
                 UNION ALL
                SELECT 5, 'account_id', line.account_id::text,
                       entry.account_id::text, NULL, 'account_changed'
                 WHERE line.account_id <> entry.account_id
                 UNION ALL
                SELECT 6, 'date', COALESCE(move.date, reversed.date)::text,
                       entry.date::text, NULL, 'date_changed'
                 WHERE COALESCE(move.date, reversed.date) <> entry.date
                 UNION ALL
                SELECT 7, 'date_maturity', line.date_maturity::text,
                       entry.date_maturity::text, NULL, 'date_changed'
                 WHERE line.id IS NOT NULL
                   AND line.date_maturity IS DISTINCT FROM entry.date_maturity
                 UNION ALL
                SELECT 8, 'reference', COALESCE(move.name, reversed.reference),
                       entry.reference, NULL, 'entry_tampered'
                 WHERE COALESCE(move.name, reversed.reference) <> entry.reference
                 UNION ALL
                SELECT 9, 'partner_name', partner.name, entry.partner_name, NULL,
                       'entry_tampered'
                 WHERE partner.name <> entry.partner_name
                 UNION ALL
                SELECT 10, 'description', reversed.description, entry.description,
                       NULL, 'entry_tampered'
              ) AS fault
          ORDER BY priority LIMIT 1
            """
        )
