from odoo import api, models
from odoo.tools import SQL


class SubledgerVerify(models.AbstractModel):
    """Checks of entries against each other: numbers, running balances and hashes, the
    heads of the subledger accounts, and reversals.
    """

    _inherit = "subledger.verify"

    @api.model
    def _chain_query(self, scope):
        """Sealed entries that do not follow from the one before: a gap in the
        numbers, a running balance that does not add up, a hash that does not fit."""
        # The condition comes first, on the row itself: a VALUES list is slow, and only
        # broken rows get there.
        return SQL(
            """
            SELECT link.company_id, link.partner_id, link.account_id,
                   link.id AS entry_id, link.move_line_id, broken.problem,
                   broken.expected, broken.actual
              FROM (%(links)s) AS link
             CROSS JOIN LATERAL (VALUES
                ('number', expected_number::text, number::text),
                ('running_balance', %(expected_balance)s, %(balance)s),
                ('hash', expected_hash, hash)
              ) AS broken (problem, expected, actual)
             WHERE (number <> expected_number OR balance_after <> expected_balance
                    OR hash <> expected_hash)
               AND broken.expected <> broken.actual AND %(scope)s
            """,
            links=self._links_sql(scope._replace(since=None)),
            scope=self._scope_sql(scope, "link"),
            expected_balance=self._amount_sql(SQL("expected_balance")),
            balance=self._amount_sql(SQL("balance_after")),
        )

    @api.model
    def _links_sql(self, scope):
        """Sealed entries, each with what it must say by the one before it."""
        return SQL(
            """
            SELECT link.*, COALESCE(previous_number, 0) + 1 AS expected_number,
                   COALESCE(previous_balance, 0) + debit - credit AS expected_balance,
                   '1$' || encode(sha256(convert_to(
                       COALESCE(previous_hash, '') || %(payload)s, 'UTF8')), 'hex')
                       AS expected_hash
              FROM (
                SELECT entry.*, LAG(number) OVER chain AS previous_number,
                       LAG(balance_after) OVER chain AS previous_balance,
                       LAG(hash) OVER chain AS previous_hash
                  FROM subledger_entry AS entry
                 WHERE number IS NOT NULL AND %(scope)s
                WINDOW chain AS (PARTITION BY partner_id, company_id, account_id
                                 ORDER BY number)
              ) AS link
            """,
            payload=self.env["subledger.entry"]._hash_payload_sql("link"),
            scope=self._scope_sql(scope, "entry"),
        )

    @api.model
    def _heads_query(self, scope):
        """Heads that disagree with their entries, and sealed entries without head."""
        scope = scope._replace(since=None)
        return SQL(
            """
            SELECT company_id, partner_id, account_id, last.id AS entry_id,
                   NULL::int AS move_line_id, broken.problem, broken.expected,
                   broken.actual
              FROM (%(heads)s) AS head
              LEFT JOIN LATERAL (%(last)s) AS last ON TRUE
             CROSS JOIN LATERAL (VALUES
                ('last_number', entries::text, last_number::text),
                ('sealed_balance', %(entries_balance)s, %(head_balance)s),
                ('last_hash', last.hash, last_hash)
              ) AS broken (problem, expected, actual)
             WHERE broken.expected IS DISTINCT FROM broken.actual
            """,
            heads=self._heads_with_sums_sql(scope),
            last=self._last_entry_sql(),
            entries_balance=self._amount_sql(SQL("balance")),
            head_balance=self._amount_sql(SQL("sealed_balance")),
        )

    @api.model
    def _heads_with_sums_sql(self, scope):
        return SQL(
            """
            SELECT COALESCE(head.company_id, sum.company_id) AS company_id,
                   COALESCE(head.partner_id, sum.partner_id) AS partner_id,
                   COALESCE(head.account_id, sum.account_id) AS account_id,
                   COALESCE(entries, 0) AS entries, COALESCE(balance, 0) AS balance,
                   COALESCE(last_number, 0) AS last_number,
                   COALESCE(sealed_balance, 0) AS sealed_balance, last_hash
              FROM (SELECT * FROM subledger_account AS head WHERE %s) AS head
              FULL JOIN (
                    SELECT company_id, partner_id, account_id, COUNT(*) AS entries,
                           SUM(debit - credit) AS balance
                      FROM subledger_entry AS entry
                     WHERE number IS NOT NULL AND %s
                  GROUP BY company_id, partner_id, account_id) AS sum
                ON sum.company_id = head.company_id
               AND sum.account_id = head.account_id
               AND COALESCE(sum.partner_id, 0) = COALESCE(head.partner_id, 0)
            """,
            self._scope_sql(scope, "head"),
            self._scope_sql(scope, "entry"),
        )

    @api.model
    def _last_entry_sql(self):
        """The entry a head ends with, by its index: with a partner or without."""
        return SQL(" UNION ALL ").join(
            SQL(
                """
                SELECT id, hash FROM subledger_entry AS entry
                 WHERE entry.company_id = head.company_id
                   AND entry.account_id = head.account_id
                   AND entry.number = head.last_number AND %s
                """,
                partner,
            )
            for partner in (
                SQL("entry.partner_id = head.partner_id"),
                SQL("entry.partner_id IS NULL AND head.partner_id IS NULL"),
            )
        )

    @api.model
    def _reversals_query(self, scope):
        """Reversals that are not the mirror image of what they reverse."""
        return SQL(
            """
            SELECT entry.company_id, entry.partner_id, entry.account_id,
                   entry.id AS entry_id, entry.move_line_id, 'reversal' AS problem,
                   %(expected)s AS expected, %(actual)s AS actual
              FROM subledger_entry AS entry
              LEFT JOIN subledger_entry AS original
                     ON original.id = entry.reversal_of_id
             WHERE entry.event = 'reversal' AND %(scope)s
               AND (original.id IS NULL
                    OR (entry.company_id, entry.account_id, entry.date, entry.debit,
                        entry.credit, entry.amount_currency)
                    <> (original.company_id, original.account_id, original.date,
                        original.credit, original.debit, -original.amount_currency)
                    OR entry.partner_id IS DISTINCT FROM original.partner_id)
            """,
            expected=self._amount_sql(SQL("original.credit - original.debit")),
            actual=self._amount_sql(SQL("entry.debit - entry.credit")),
            scope=self._scope_sql(scope, "entry"),
        )
