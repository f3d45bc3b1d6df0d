from odoo import api, models
from odoo.tools import SQL

from .subledger_account_sealing import SealedBatch


class SubledgerAccount(models.Model):
    """The statements of sealing: lock the heads, number, sum and hash their entries."""

    _inherit = "subledger.account"

    @api.model
    def _seal_batch(self, env, keys, size, backwards=False, start=None):
        """Seal about ``size`` entries from the account ``start`` on.

        :rtype: SealedBatch
        """
        # The lock must be in the first statement of the transaction: a snapshot
        # taken before the lock would chain onto an outdated head.
        if keys is not None and len(keys) == 1:
            [key] = keys
            query = self._seal_one_query(key, size)
        else:
            query = self._seal_query(keys, size, backwards, start)
        [row] = env.execute_query(query)
        return SealedBatch(*row)

    @api.model
    def _seal_one_query(self, key, size):
        """The same as :meth:`_seal_query` for one account, what most commits ask for.

        Without a join to find it: planning is most of what sealing one entry takes.
        """
        company_id, partner_id, account_id = key

        def of_account(alias):
            return SQL(
                """(%(alias)s.company_id = %(company_id)s
                    AND COALESCE(%(alias)s.partner_id, 0) = %(partner_id)s
                    AND %(alias)s.account_id = %(account_id)s)""",
                alias=SQL.identifier(alias),
                company_id=company_id,
                partner_id=partner_id,
                account_id=account_id,
            )

        return SQL(
            """
            WITH locked AS MATERIALIZED (
                SELECT head.* FROM subledger_account AS head
                 WHERE %(head)s FOR NO KEY UPDATE SKIP LOCKED
            ),
            tail AS (
                SELECT head.id AS head_id, head.last_number, head.sealed_balance,
                       head.last_hash, entry.*
                  FROM locked AS head
                 CROSS JOIN subledger_entry AS entry
                 WHERE entry.number IS NULL AND %(entry)s
              ORDER BY entry.id LIMIT %(size)s
            ),
            %(sealing)s
            SELECT 1, (SELECT COUNT(*) FROM locked), COUNT(*), NULL FROM sealed
            """,
            head=of_account("head"),
            entry=of_account("entry"),
            size=size,
            sealing=self._sealing_sql(),
        )

    @api.model
    def _waiting_query(self, keys, size, backwards, start):
        """Accounts of the first, or last, ``size`` unsealed entries, or ``keys``.

        From where the last batch ended: what it sealed leaves dead rows in the index,
        and they are read again until no older transaction may need them.
        """
        if keys is not None:
            return SQL("SELECT * FROM %s", self._asked_table(keys))
        since = SQL("TRUE")
        if start:
            since = SQL(
                "(tail.company_id, COALESCE(tail.partner_id, 0), tail.account_id)"
                " %s (%s, %s, %s)",
                SQL("<=") if backwards else SQL(">="),
                *start,
            )
        return SQL(
            """
            SELECT company_id, COALESCE(partner_id, 0) AS partner_id, account_id
              FROM (SELECT tail.company_id, tail.partner_id, tail.account_id
                      FROM subledger_entry AS tail
                     WHERE tail.number IS NULL AND %(since)s
                  ORDER BY tail.company_id %(way)s,
                           COALESCE(tail.partner_id, 0) %(way)s,
                           tail.account_id %(way)s, tail.id %(way)s
                     LIMIT %(size)s) AS first
          GROUP BY 1, 2, 3
            """,
            way=self._way_sql(backwards),
            since=since,
            size=size,
        )

    @api.model
    def _way_sql(self, backwards):
        return SQL("DESC") if backwards else SQL("ASC")

    @api.model
    def _seal_query(self, keys, size, backwards=False, start=None):
        # SKIP LOCKED: whoever holds an account is sealing it.
        return SQL(
            """
            WITH waiting AS MATERIALIZED (%(waiting)s),
            locked AS MATERIALIZED (
                SELECT head.*
                  FROM subledger_account AS head
                  JOIN waiting AS tail ON %(same_key)s
                   FOR NO KEY UPDATE OF head SKIP LOCKED
            ),
            tail AS (
                SELECT head.id AS head_id, head.last_number, head.sealed_balance,
                       head.last_hash, entry.*
                  FROM (SELECT * FROM locked ORDER BY id) AS head
                 CROSS JOIN LATERAL (
                       SELECT tail.* FROM subledger_entry AS tail
                        WHERE tail.number IS NULL AND %(same_key)s
                     ORDER BY tail.id LIMIT %(size)s) AS entry
                 LIMIT %(size)s
            ),
            %(sealing)s
            SELECT (SELECT COUNT(*) FROM waiting), (SELECT COUNT(*) FROM locked),
                   COUNT(*),
                   (SELECT ARRAY[company_id, partner_id, account_id] FROM waiting
                  ORDER BY company_id %(back)s, partner_id %(back)s, account_id %(back)s
                     LIMIT 1)
              FROM sealed
            """,
            waiting=self._waiting_query(keys, size, backwards, start),
            back=self._way_sql(not backwards),
            size=size,
            same_key=self._same_key_sql(),
            sealing=self._sealing_sql(),
        )

    @api.model
    def _sealing_sql(self):
        """Common table expressions that seal the entries of ``tail`` and move their
        heads forward; ``tail`` has what the head said before beside each entry."""
        return SQL(
            """
            %(chain)s,
            sealed AS (
                UPDATE subledger_entry AS entry
                   SET number = new_number, balance_after = new_balance,
                       hash = new_hash
                  FROM chained
                 WHERE entry.id = chained.id
             RETURNING 1
            ),
            advanced AS (%(advance)s)
            """,
            chain=self._chain_sql(SQL("id, head_id, ledger, new_number, new_balance")),
            advance=self._advance_sql(),
        )

    @api.model
    def _chain_sql(self, columns):
        """Common table expression ``chained``: number, running balance and hash of the
        entries of ``tail``, beside these ``columns``."""
        return SQL(
            """
            numbered AS (
                SELECT tail.*, tail.last_number + ROW_NUMBER() OVER chain AS new_number,
                       tail.sealed_balance + SUM(debit - credit) OVER chain
                           AS new_balance
                  FROM tail
                WINDOW chain AS (PARTITION BY head_id ORDER BY id
                                 ROWS UNBOUNDED PRECEDING)
            ),
            chained AS (
                SELECT %(columns)s,
                       subledger_chain(last_hash, %(payload)s) OVER chain AS new_hash
                  FROM numbered
                WINDOW chain AS (PARTITION BY head_id ORDER BY id
                                 ROWS UNBOUNDED PRECEDING)
            )
            """,
            columns=columns,
            payload=self.env["subledger.entry"]._hash_payload_sql(
                "numbered", SQL("new_number"), SQL("new_balance")
            ),
        )

    @api.model
    def _advance_sql(self):
        """Statement that moves the heads of ``chained`` to their last entries."""
        return SQL(
            """
            UPDATE subledger_account AS head
               SET last_number = new_number, sealed_balance = new_balance,
                   last_hash = new_hash, ledger = last.ledger
              FROM (SELECT DISTINCT ON (head_id)
                           head_id, ledger, new_number, new_balance, new_hash
                      FROM chained
                  ORDER BY head_id, new_number DESC) AS last
             WHERE head.id = last.head_id
            """
        )
