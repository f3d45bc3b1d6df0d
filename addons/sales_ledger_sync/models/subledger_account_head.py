from odoo import api, models
from odoo.tools import SQL

from .subledger_account_sealing import BATCH_SIZE


class SubledgerAccount(models.Model):
    """Heads of subledger accounts: made where they are missing, locked together."""

    _inherit = "subledger.account"

    @api.model
    def _create_heads(self, env, keys):
        """Create missing heads, without waiting inside anybody's posting."""
        env.cr.execute(
            SQL(
                """
                INSERT INTO subledger_account (
                    company_id, partner_id, partner_name, account_id, ledger,
                    currency_id, last_number, sealed_balance)
                SELECT DISTINCT ON (tail.company_id, tail.partner_id, tail.account_id)
                       tail.company_id, tail.partner_id, tail.partner_name,
                       tail.account_id, tail.ledger, company.currency_id, 0, 0
                  FROM subledger_entry AS tail
                  JOIN res_company AS company ON company.id = tail.company_id
                 WHERE tail.number IS NULL AND %(asked)s
                   AND NOT EXISTS (
                       SELECT FROM subledger_account AS head WHERE %(same_key)s)
              ORDER BY tail.company_id, tail.partner_id, tail.account_id, tail.id
                ON CONFLICT DO NOTHING
                """,
                asked=self._asked_condition(keys),
                same_key=self._same_key_sql(),
            )
        )

    @api.model
    def _create_heads_for(self, env, keys):
        """Create the heads of accounts that will get entries, as far as missing."""
        if not keys:
            return
        env.cr.execute(
            SQL(
                """
                INSERT INTO subledger_account (
                    company_id, partner_id, partner_name, account_id, ledger,
                    currency_id, last_number, sealed_balance)
                SELECT tail.company_id, partner.id, partner.name, tail.account_id,
                       %(ledger)s, company.currency_id, 0, 0
                  FROM %(asked)s
                  JOIN res_company AS company ON company.id = tail.company_id
                  JOIN account_account AS account ON account.id = tail.account_id
                  LEFT JOIN res_partner AS partner ON partner.id = tail.partner_id
                 WHERE NOT EXISTS (
                       SELECT FROM subledger_account AS head WHERE %(same_key)s)
              ORDER BY tail.company_id, tail.partner_id, tail.account_id
                ON CONFLICT DO NOTHING
                """,
                ledger=env["subledger.sync"]._ledger_sql(),
                asked=self._asked_table(keys, "tail"),
                same_key=self._same_key_sql(),
            )
        )

    @api.model
    def _take_heads(self, keys):
        """Lock the heads of these accounts, with everything before sealed.

        To be called first in a transaction, as sealing is: its snapshot must not be
        older than the lock.

        :param keys: as for :meth:`_seal`
        :return: ids of the heads; not of those that another sealer holds
        """
        if not keys:
            return []
        rows = self.env.execute_query(
            SQL(
                """
                SELECT head.id, head.company_id, COALESCE(head.partner_id, 0),
                       head.account_id,
                       EXISTS (SELECT FROM subledger_entry AS tail
                                WHERE tail.number IS NULL AND %(same_key)s)
                  FROM subledger_account AS head
                  JOIN %(asked)s ON %(same_key)s
                   FOR NO KEY UPDATE OF head SKIP LOCKED
                """,
                asked=self._asked_table(keys, "tail"),
                same_key=self._same_key_sql(),
            )
        )
        unsealed = {tuple(key) for _id, *key, is_unsealed in rows if is_unsealed}
        while unsealed and self._seal_batch(self.env, unsealed, BATCH_SIZE).sealed:
            pass
        return [row[0] for row in rows]

    @api.model
    def _drop_unused_heads(self, heads):
        """Remove those of the locked heads that no entry was sealed for."""
        if heads:
            self.env.cr.execute(
                SQL(
                    """DELETE FROM subledger_account
                        WHERE id = ANY(%s) AND last_number = 0""",
                    heads,
                )
            )

    @api.model
    def _asked_condition(self, keys):
        """SQL condition on ``tail``: one of the keys, or any when None."""
        if keys is None:
            return SQL("TRUE")
        return SQL(
            """(tail.company_id, COALESCE(tail.partner_id, 0), tail.account_id) IN (
                SELECT * FROM %s)""",
            self._asked_table(keys),
        )

    @api.model
    def _asked_table(self, keys, alias="asked"):
        companies, partners, accounts = (list(ids) for ids in zip(*keys, strict=True))
        return SQL(
            """unnest(%s::int[], %s::int[], %s::int[])
                   AS %s (company_id, partner_id, account_id)""",
            companies,
            partners,
            accounts,
            SQL.identifier(alias),
        )

    @api.model
    def _same_key_sql(self):
        """SQL condition: ``head`` is the subledger account of ``tail``."""
        return SQL(
            """(head.company_id = tail.company_id
                AND COALESCE(head.partner_id, 0) = COALESCE(tail.partner_id, 0)
                AND head.account_id = tail.account_id)"""
        )
