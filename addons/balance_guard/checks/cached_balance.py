"""Checks of what the ledger keeps beside its entries: heads and unsealed tails."""

from odoo import fields, models
from odoo.tools import SQL

from ..models.guard_scope import Scope

# Sealing follows within seconds; its own schedule sweeps every few minutes.
SEALING_HOURS = 1


class GuardCheckCachedBalance(models.AbstractModel):
    _name = "guard.check.cached_balance"
    _description = "Check: cached balance equals entries"
    _inherit = "guard.check.unit"
    _check_code = "cached_balance"
    _check_family = "ledger"
    _check_sequence = 10
    _check_heals = "cache"
    _check_healable = ("stale_cache",)

    def _get_title(self):
        return self.env._("Cached balance equals the sum of its entries")

    def _get_explanation(self):
        return self.env._(
            "Balance, last number and last hash kept for a subledger account are those"
            " of its sealed entries. Recomputed when the chain of entries is intact."
        )

    def _fingerprint_scope(self, row):
        return row["cause_code"]

    def _query(self, scope):
        return SQL(
            """
            WITH sealed AS (
                SELECT company_id, COALESCE(partner_id, 0) AS partner_key, account_id,
                       SUM(debit - credit) AS balance, MAX(number) AS last_number,
                       (MAX(ARRAY[number, id]))[2] AS last_id
                  FROM subledger_entry
                 WHERE number IS NOT NULL AND %(companies)s AND %(partners)s
              GROUP BY 1, 2, 3
            ), head AS (
                SELECT company_id, COALESCE(partner_id, 0) AS partner_key, account_id,
                       sealed_balance, last_number, last_hash
                  FROM subledger_account WHERE %(companies)s AND %(partners)s
            ), kept AS (
                SELECT company_id, partner_key, account_id FROM sealed
                 UNION
                SELECT company_id, partner_key, account_id FROM head
            )
            SELECT kept.company_id, NULLIF(kept.partner_key, 0) AS partner_id,
                   kept.account_id, last.id AS entry_id,
                   NULL AS res_model, NULL::int AS res_id,
                   fault.field_name, fault.value_expected, fault.value_found,
                   fault.expected, fault.actual, fault.cause_code,
                   NULL::jsonb AS causes
              FROM kept
         LEFT JOIN sealed ON sealed.company_id = kept.company_id
               AND sealed.partner_key = kept.partner_key
               AND sealed.account_id = kept.account_id
         LEFT JOIN head ON head.company_id = kept.company_id
               AND head.partner_key = kept.partner_key
               AND head.account_id = kept.account_id
         LEFT JOIN subledger_entry last ON last.id = sealed.last_id
        CROSS JOIN LATERAL (%(fault)s) AS fault
            """,
            companies=scope.companies(SQL("company_id")),
            partners=scope.partners(SQL("partner_id")),
            fault=self._fault_sql(),
        )

    def _fault_sql(self):
        """Which side is wrong: the head, or the entries it was computed from.

        The last running balance is a second witness. Where it agrees with the head,
        entries were changed and the head must stay as evidence.
        """
        return SQL(
            """
            SELECT * FROM (
                SELECT 'last_number' AS field_name,
                       head.last_number::text AS value_expected,
                       COALESCE(sealed.last_number, 0)::text AS value_found,
                       head.sealed_balance AS expected,
                       COALESCE(sealed.balance, 0) AS actual,
                       'number_gap' AS cause_code, 1 AS priority
                 WHERE head.last_number > COALESCE(sealed.last_number, 0)
                   AND head.last_hash IS DISTINCT FROM last.hash
                 UNION ALL
                SELECT 'debit', head.sealed_balance::text, sealed.balance::text,
                       head.sealed_balance, sealed.balance, 'amount_tampered', 2
                 WHERE sealed.balance <> head.sealed_balance
                   AND last.balance_after = head.sealed_balance
                 UNION ALL
                SELECT 'sealed_balance', sealed.balance::text,
                       head.sealed_balance::text, COALESCE(sealed.balance, 0),
                       COALESCE(head.sealed_balance, 0), 'stale_cache', 3
                 WHERE sealed.balance IS DISTINCT FROM head.sealed_balance
                   AND (sealed.balance IS NOT NULL OR head.sealed_balance <> 0)
                 UNION ALL
                SELECT 'last_number', sealed.last_number::text,
                       head.last_number::text, COALESCE(sealed.balance, 0),
                       COALESCE(head.sealed_balance, 0), 'stale_cache', 4
                 WHERE COALESCE(sealed.last_number, 0)
                       <> COALESCE(head.last_number, 0)
                 UNION ALL
                SELECT 'last_hash', last.hash, head.last_hash,
                       COALESCE(sealed.balance, 0),
                       COALESCE(head.sealed_balance, 0), 'stale_cache', 5
                 WHERE last.hash IS DISTINCT FROM head.last_hash
            ) AS fault ORDER BY priority LIMIT 1
            """
        )

    def _heal(self, findings):
        """Recompute the heads from their entries, where their chain is intact."""
        keys = {finding._get_account_key() for finding in findings}
        taken = self._repair(
            "_rebuild_free", findings, lambda f: f._get_account_key(), sorted(keys)
        )
        return findings.filtered(lambda f: f._get_account_key() not in taken)

    def _rebuild_free(self, keys):
        """Rebuild the heads of ``keys``, but for those that the sealer is advancing.

        :return: the keys taken, and those of them whose heads were rebuilt
        """
        taken = self.env["guard.take"]._take_heads(keys)
        partners = tuple(sorted({partner for _company, partner, _account in taken}))
        scope = Scope(tuple({company for company, *_rest in taken}), partners)
        sound = taken - self._get_broken_keys(scope)
        if sound:
            self._rebuild(sorted(sound))
        return taken, sound

    def _get_broken_keys(self, scope):
        """Subledger accounts whose entries are themselves in doubt."""
        rows = self.env["guard.check.running_balance"]._find(scope)
        rows += self.env["guard.check.hash_chain"]._find(scope)
        return {
            (row["company_id"], row["partner_id"] or 0, row["account_id"])
            for row in rows
        }

    def _rebuild(self, keys):
        """Set the heads of ``keys`` to what their sealed entries add up to."""
        companies, partners, accounts = zip(*keys, strict=True)
        self.env.cr.execute(
            SQL(
                """
                UPDATE subledger_account head
                   SET sealed_balance = COALESCE(sealed.balance, 0),
                       last_number = COALESCE(sealed.last_number, 0),
                       last_hash = (
                            SELECT hash FROM subledger_entry last
                             WHERE last.company_id = head.company_id
                               AND last.account_id = head.account_id
                               AND COALESCE(last.partner_id, 0) = asked.partner_key
                               AND last.number = sealed.last_number)
                  FROM UNNEST(%s::int[], %s::int[], %s::int[])
                       AS asked (company_id, partner_key, account_id)
            CROSS JOIN LATERAL (
                SELECT SUM(entry.debit - entry.credit) AS balance,
                       MAX(entry.number) AS last_number
                  FROM subledger_entry entry
                 WHERE entry.company_id = asked.company_id
                   AND COALESCE(entry.partner_id, 0) = asked.partner_key
                   AND entry.account_id = asked.account_id
                   AND entry.number IS NOT NULL) AS sealed
                 WHERE head.company_id = asked.company_id
                   AND COALESCE(head.partner_id, 0) = asked.partner_key
                   AND head.account_id = asked.account_id
                """,
                list(companies),
                list(partners),
                list(accounts),
            )
        )

    def _realign(self, keys):
        """Let the balance of ``keys`` be the sum of their sealed entries again.

        After the ledger was corrected: a changed or deleted entry is made good by new
        ones, so its old amount must leave the head. Number and hash stay, as evidence.
        """
        companies, partners, accounts = zip(*keys, strict=True)
        self.env.cr.execute(
            SQL(
                """
                UPDATE subledger_account head
                   SET sealed_balance = sealed.balance
                  FROM UNNEST(%s::int[], %s::int[], %s::int[])
                       AS asked (company_id, partner_key, account_id)
            CROSS JOIN LATERAL (
                SELECT COALESCE(SUM(entry.debit - entry.credit), 0) AS balance
                  FROM subledger_entry entry
                 WHERE entry.company_id = asked.company_id
                   AND COALESCE(entry.partner_id, 0) = asked.partner_key
                   AND entry.account_id = asked.account_id
                   AND entry.number IS NOT NULL) AS sealed
                 WHERE head.company_id = asked.company_id
                   AND COALESCE(head.partner_id, 0) = asked.partner_key
                   AND head.account_id = asked.account_id
                   AND head.sealed_balance <> sealed.balance
                """,
                list(companies),
                list(partners),
                list(accounts),
            )
        )


class GuardCheckUnsealedTail(models.AbstractModel):
    _name = "guard.check.unsealed_tail"
    _description = "Check: entries are sealed"
    _inherit = "guard.check.unit"
    _check_code = "unsealed_tail"
    _check_family = "ledger"
    _check_sequence = 15
    _check_heals = "cache"
    _check_healable = ("stale_cache",)

    def _get_title(self):
        return self.env._("Entries are sealed in time")

    def _get_explanation(self):
        return self.env._(
            "No entry stays unsealed for more than an hour: until then its number,"
            " running balance and hash are missing. Sealed when found."
        )

    def _fingerprint_scope(self, row):
        return row["cause_code"]

    def _query(self, scope):
        now = fields.Datetime.now()
        return SQL(
            """
              SELECT company_id, partner_id, account_id, MIN(id) AS entry_id,
                     NULL AS res_model, NULL::int AS res_id, 'number' AS field_name,
                     NULL AS value_expected, COUNT(*)::text AS value_found,
                     SUM(debit - credit) AS expected, 0 AS actual,
                     'stale_cache' AS cause_code, NULL::jsonb AS causes
                FROM subledger_entry
               WHERE number IS NULL AND create_date < %(since)s
                 AND %(companies)s AND %(partners)s
            GROUP BY company_id, partner_id, account_id
            """,
            since=fields.Datetime.subtract(now, hours=SEALING_HOURS),
            companies=scope.companies(SQL("company_id")),
            partners=scope.partners(SQL("partner_id")),
        )

    def _heal(self, findings):
        keys = {finding._get_account_key() for finding in findings}
        self.env["subledger.account"]._seal(sorted(keys))
        free = self._repair(
            "_find_free", findings, lambda f: f._get_account_key(), sorted(keys)
        )
        return findings.filtered(lambda f: f._get_account_key() not in free)

    def _find_free(self, keys):
        """Those of ``keys`` that no sealer is at work on, twice; see ``_repair``."""
        free = self.env["guard.take"]._take_heads(keys)
        return free, free
