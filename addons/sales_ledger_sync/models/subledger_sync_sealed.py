from collections import Counter

from odoo import api, models
from odoo.tools import SQL

from .subledger_sync import SyncResult


class SubledgerSync(models.AbstractModel):
    """Entries that are sealed as they are written.

    Sealing afterwards writes each row, and its keys in every index, a second time:
    what posting gains by it, that nobody waits for an account, a backfill does not
    need. It holds the heads of its accounts anyway.
    """

    _inherit = "subledger.sync"

    @api.model
    def _insert_sealed(self, facts, origin, parts, heads):
        """Run the engine's statement for items without entries, and seal.

        :param heads: ids of subledger accounts whose heads are locked, with nothing
            unsealed; entries of others are left to the sealer
        :return: a SyncResult, and the accounts with entries left to the sealer
        """
        rows = self.env.execute_query(
            self._insert_sealed_query(facts, origin, parts, heads)
        )
        keys = Counter()
        for _items, _entries, *key, unsealed in rows:
            if unsealed:
                keys[tuple(key)] += unsealed
        entries = sum(row[1] for row in rows)
        return SyncResult(entries, 0, rows[0][0]), keys

    @api.model
    def _insert_sealed_query(self, facts, origin, parts, heads):
        accounts = self.env["subledger.account"]
        columns = self._columns_sql()
        return SQL(
            """
            WITH %(facts)s,
            tail AS (
                SELECT fresh.*, head.id AS head_id, head.last_number,
                       head.sealed_balance, head.last_hash
                  FROM (SELECT nextval('subledger_entry_id_seq') AS id, entry.*
                          FROM (%(entries)s ORDER BY move_line_id)
                               AS entry (%(columns)s)) AS fresh
                  LEFT JOIN subledger_account AS head
                         ON head.company_id = fresh.company_id
                        AND COALESCE(head.partner_id, 0) = COALESCE(fresh.partner_id, 0)
                        AND head.account_id = fresh.account_id
                        AND head.id = ANY(%(heads)s)
            ),
            %(chain)s,
            inserted AS (
                INSERT INTO subledger_entry (
                    id, %(columns)s, number, balance_after, hash)
                SELECT id, %(columns)s,
                       CASE WHEN head_id IS NOT NULL THEN new_number END,
                       CASE WHEN head_id IS NOT NULL THEN new_balance END,
                       CASE WHEN head_id IS NOT NULL THEN new_hash END
                  FROM chained
              ORDER BY id
             RETURNING company_id, COALESCE(partner_id, 0) AS partner_id, account_id,
                       number
            ),
            advanced AS (%(advance)s)
            SELECT (SELECT COUNT(*) FROM compared), COUNT(inserted.account_id),
                   company_id, partner_id, account_id,
                   COUNT(inserted.account_id) - COUNT(number)
              FROM (SELECT) AS always
              LEFT JOIN inserted ON TRUE
             GROUP BY company_id, partner_id, account_id
            """,
            facts=facts,
            entries=self._new_entries_sql(origin, parts),
            columns=columns,
            heads=list(heads),
            chain=accounts._chain_sql(
                SQL("id, head_id, %s, new_number, new_balance", columns)
            ),
            advance=accounts._advance_sql(),
        )
