from odoo import models
from odoo.tools import SQL


class GuardCheckCompleteness(models.AbstractModel):
    _name = "guard.check.completeness"
    _description = "Check: every item has its entry"
    _inherit = "guard.check.unit"
    _check_code = "completeness"
    _check_family = "ledger"
    _check_sequence = 40
    _check_heals = "ledger"

    def _get_title(self):
        return self.env._("Every item has its ledger entry, and the reverse")

    def _get_explanation(self):
        return self.env._(
            "Each posted receivable or payable item that belongs into the ledger has"
            " exactly one live entry with the same partner, account, date and amount,"
            " and each live entry has its item. Repaired by reversals and new entries."
        )

    def _find(self, scope):
        self.env["subledger.sync"]._flush_what_is_read()
        return super()._find(scope)

    def _query(self, scope):
        candidates = SQL("SELECT move_line_id FROM doubtful")
        return SQL(
            """
            WITH doubtful AS MATERIALIZED (%(doubtful)s),
            difference AS (%(difference)s), extra AS (%(extra)s)
            SELECT difference.company_id, difference.partner_id,
                   difference.account_id, difference.entry_id,
                   'account.move.line' AS res_model,
                   difference.move_line_id AS res_id,
                   fault.field_name, fault.value_expected, fault.value_found,
                   difference.balance AS expected, fault.actual,
                   fault.cause_code, fault.causes
              FROM difference
              JOIN res_company company ON company.id = difference.company_id
         LEFT JOIN subledger_entry entry ON entry.id = difference.entry_id
         LEFT JOIN account_move_line line ON line.id = difference.move_line_id
         LEFT JOIN account_move move ON move.id = line.move_id
         LEFT JOIN res_partner partner ON partner.id = difference.partner_id
        CROSS JOIN LATERAL (%(fault)s) AS fault
             WHERE NOT EXISTS (SELECT FROM extra
                                WHERE extra.res_id = difference.move_line_id)
             UNION ALL
            SELECT * FROM extra
            """,
            doubtful=self._candidates_sql(scope),
            difference=self.env["subledger.sync"]._difference_query(candidates),
            extra=self._duplicates_sql(candidates),
            fault=self._fault_sql(),
        )

    def _candidates_sql(self, scope):
        """Journal items that may differ from their entries, in three sieves.

        Checksums by partner and account leave out the many accounts where all agrees;
        a plain comparison leaves out the items that agree in the others; what remains
        is for the engine to decide, above all whether an item belongs into the ledger.
        """
        return SQL(
            """
            WITH %(differing)s, live AS MATERIALIZED (%(entries)s)
            SELECT move_line_id FROM live
          GROUP BY move_line_id HAVING COUNT(*) > 1 OR BOOL_OR(differs)
             UNION ALL
            (%(items)s)
            """,
            differing=self._differing_sql(scope),
            entries=self._entries_sql(),
            items=self._items_sql(),
        )

    def _differing_sql(self, scope):
        """Subledger accounts whose items and entries have another checksum.

        A reversal mirrors its entry, so that both cancel out.
        """
        return SQL(
            """
            checksum AS (
                SELECT move.company_id, line.account_id,
                       COALESCE(partner.commercial_partner_id, partner.id, 0)
                           AS partner_key,
                       SUM(%(item_hash)s) AS checksum
                  FROM account_move_line line
                  JOIN account_account account ON account.id = line.account_id
                  JOIN account_move move ON move.id = line.move_id
             LEFT JOIN res_partner partner ON partner.id = line.partner_id
                 WHERE move.state = 'posted' AND %(trade)s
                   AND %(item_companies)s AND %(item_partners)s
              GROUP BY 1, 2, 3
                 UNION ALL
                SELECT entry.company_id, entry.account_id,
                       COALESCE(entry.partner_id, 0),
                       SUM(CASE entry.event WHEN 'entry' THEN -%(entry_hash)s
                                ELSE %(reversal_hash)s END)
                  FROM subledger_entry entry
                 WHERE entry.move_line_id IS NOT NULL
                   AND %(entry_companies)s AND %(entry_partners)s
              GROUP BY 1, 2, 3
            ), differing AS MATERIALIZED (
                SELECT company_id, account_id, partner_key FROM checksum
              GROUP BY 1, 2, 3 HAVING SUM(checksum) <> 0
            )
            """,
            item_hash=self._item_hash(),
            entry_hash=self._entry_hash(SQL("1")),
            reversal_hash=self._entry_hash(SQL("-1")),
            trade=self.env["subledger.sync"]._trade_condition("account"),
            item_companies=scope.companies(SQL("move.company_id")),
            item_partners=scope.contacts(SQL("line.partner_id")),
            entry_companies=scope.companies(SQL("entry.company_id")),
            entry_partners=scope.partners(SQL("entry.partner_id")),
        )

    def _item_hash(self):
        return self._hash_sql(
            SQL("line.id"),
            SQL("COALESCE(line.balance, 0)"),
            SQL("COALESCE(line.amount_currency, 0)"),
            SQL("line.currency_id"),
            SQL("move.date"),
            SQL("line.date_maturity"),
            SQL("account.account_type = 'asset_receivable'"),
        )

    def _entry_hash(self, sign):
        return self._hash_sql(
            SQL("entry.move_line_id"),
            SQL("%s * (entry.debit - entry.credit)", sign),
            SQL("%s * entry.amount_currency", sign),
            SQL("entry.currency_id"),
            SQL("entry.date"),
            SQL("entry.date_maturity"),
            SQL("entry.ledger = 'customer'"),
        )

    def _hash_sql(self, item, balance, foreign, currency, date, due, is_customer):
        """A number of 64 bits from the facts that an item and its entry share."""
        return SQL(
            """
            hashint4extended(%(item)s, hash_numeric_extended(%(balance)s,
                hash_numeric_extended(%(foreign)s, hashint4extended(
                    COALESCE(%(due)s - '2000-01-01'::date, -99999),
                    ((%(date)s - '2000-01-01'::date)::bigint * 10000 + %(currency)s)
                    * CASE WHEN %(is_customer)s THEN 2 ELSE 3 END))))
            """,
            item=item,
            balance=balance,
            foreign=foreign,
            currency=currency,
            date=date,
            due=due,
            is_customer=is_customer,
        )

    def _entries_sql(self):
        """Live entries, and whether they say something else than their items."""
        engine = self.env["subledger.sync"]
        return SQL(
            """
            SELECT entry.move_line_id,
                   (entry.debit - entry.credit = line.balance
                    AND entry.amount_currency = COALESCE(line.amount_currency, 0)
                    AND entry.currency_id = line.currency_id
                    AND entry.date = move.date
                    AND entry.date_maturity IS NOT DISTINCT FROM line.date_maturity
                    AND entry.account_id = line.account_id
                    AND entry.company_id = move.company_id
                    AND entry.partner_id IS NOT DISTINCT FROM
                        COALESCE(partner.commercial_partner_id, partner.id)
                    AND (entry.ledger = 'customer')
                        = (account.account_type = 'asset_receivable')
                    AND move.state = 'posted' AND %(trade)s) IS NOT TRUE AS differs
              FROM differing
        CROSS JOIN LATERAL (
                -- account by account, or all entries would be sorted for none
                SELECT kept.* FROM subledger_entry kept
                 WHERE kept.company_id = differing.company_id
                   AND kept.account_id = differing.account_id
                   AND (kept.partner_id = differing.partner_key
                        OR (kept.partner_id IS NULL AND differing.partner_key = 0))
                OFFSET 0) AS entry
         LEFT JOIN account_move_line line ON line.id = entry.move_line_id
         LEFT JOIN account_move move ON move.id = line.move_id
         LEFT JOIN account_account account ON account.id = line.account_id
         LEFT JOIN res_partner partner ON partner.id = line.partner_id
             WHERE entry.move_line_id IS NOT NULL AND %(live)s
            """,
            trade=engine._trade_condition("account"),
            live=self.env["subledger.entry"]._live_sql("entry"),
        )

    def _items_sql(self):
        """Posted trade items without a live entry."""
        return SQL(
            """
            SELECT line.id
              FROM differing
              JOIN account_move_line line
                ON line.company_id = differing.company_id
               AND line.account_id = differing.account_id
              JOIN account_account account ON account.id = line.account_id
              JOIN account_move move ON move.id = line.move_id
         LEFT JOIN res_partner partner ON partner.id = line.partner_id
             WHERE move.state = 'posted' AND %(trade)s
               AND COALESCE(partner.commercial_partner_id, partner.id, 0)
                   = differing.partner_key
               AND NOT EXISTS (SELECT FROM live WHERE live.move_line_id = line.id)
            """,
            trade=self.env["subledger.sync"]._trade_condition("account"),
        )

    def _fault_sql(self):
        """Which field of which side differs, and the name of that cause.

        A partner or account that changed moves the whole amount: under the item's
        own partner the ledger has nothing.
        """
        return SQL(
            """
            SELECT fault.*,
                   CASE WHEN cause_code IN ('no_partner', 'partner_changed',
                                            'account_changed') THEN 0
                        ELSE difference.entry_balance END AS actual,
                   NULL::jsonb AS causes
              FROM (
                SELECT 1 AS priority, 'missing_entry' AS cause_code,
                       'move_line_id' AS field_name, NULL AS value_expected,
                       NULL AS value_found
                 WHERE difference.difference = 'missing'
                 UNION ALL
                SELECT 2, CASE WHEN line.id IS NULL THEN 'item_deleted'
                               WHEN move.state <> 'posted' THEN 'draft_reset'
                               ELSE 'outside_scope' END,
                       CASE WHEN line.id IS NULL THEN 'move_line_id'
                            WHEN move.state <> 'posted' THEN 'state'
                            ELSE 'account_type' END, move.state, 'posted'
                 WHERE difference.difference = 'superfluous'
                 UNION ALL
                SELECT 3, CASE WHEN difference.partner_id IS NULL THEN 'no_partner'
                               ELSE 'partner_changed' END,
                       'partner_id', partner.complete_name, entry.partner_name
                 WHERE difference.partner_id IS DISTINCT FROM entry.partner_id
                 UNION ALL
                SELECT 4, 'account_changed', 'account_id',
                       line.account_id::text, entry.account_id::text
                 WHERE line.account_id <> entry.account_id
                 UNION ALL
                SELECT 5, CASE
                       WHEN line.currency_id <> company.currency_id
                            AND line.currency_id = entry.currency_id
                            AND line.amount_currency = entry.amount_currency
                       THEN 'exchange_revaluation'
                       WHEN ABS(difference.balance - difference.entry_balance)
                            <= company.guard_tolerance THEN 'rounding'
                       ELSE 'amount_tampered' END,
                       CASE WHEN difference.balance < 0 THEN 'credit'
                            ELSE 'debit' END,
                       difference.balance::text, difference.entry_balance::text
                 WHERE difference.balance <> difference.entry_balance
                 UNION ALL
                SELECT 6, 'amount_tampered', 'amount_currency',
                       line.amount_currency::text, entry.amount_currency::text
                 WHERE line.amount_currency <> entry.amount_currency
                 UNION ALL
                SELECT 7, 'date_changed', 'date', move.date::text, entry.date::text
                 WHERE move.date <> entry.date
                 UNION ALL
                SELECT 8, 'date_changed', 'date_maturity',
                       line.date_maturity::text, entry.date_maturity::text
                 WHERE line.date_maturity IS DISTINCT FROM entry.date_maturity
                 UNION ALL
                SELECT 9, 'entry_tampered', 'entry', NULL, NULL
              ) AS fault
          ORDER BY priority LIMIT 1
            """
        )

    def _duplicates_sql(self, candidates):
        """Items with more than one live entry."""
        return SQL(
            """
              SELECT entry.company_id, entry.partner_id, entry.account_id,
                     MAX(entry.id) AS entry_id,
                     'account.move.line' AS res_model,
                     entry.move_line_id AS res_id, 'move_line_id' AS field_name,
                     '1' AS value_expected, COUNT(*)::text AS value_found,
                     MAX(COALESCE(line.balance, 0)) AS expected,
                     SUM(entry.debit - entry.credit) AS actual,
                     'duplicate_entry' AS cause_code, NULL::jsonb AS causes
                FROM (%(candidates)s) AS candidate
                JOIN subledger_entry entry
                  ON entry.move_line_id = candidate.move_line_id
           LEFT JOIN account_move_line line ON line.id = entry.move_line_id
               WHERE %(live)s
            GROUP BY entry.company_id, entry.partner_id, entry.account_id,
                     entry.move_line_id
              HAVING COUNT(*) > 1
            """,
            candidates=candidates,
            live=self.env["subledger.entry"]._live_sql("entry"),
        )

    def _fingerprint_scope(self, row):
        return f"item,{row['res_id']}:{row['cause_code']}"

    def _heal(self, findings):
        """Let the engine compare the items again: it inserts what is missing."""
        concerned = {(f.res_id, f._get_account_key()) for f in findings}
        taken = self._repair("_sync_free", findings, lambda f: f.res_id, concerned)
        return findings.filtered(lambda finding: finding.res_id not in taken)

    def _sync_free(self, concerned):
        """Repair the items that nobody is using at this moment.

        :param set concerned: pairs of item id and key of its subledger account
        :return: ids of the items that were compared, twice; see ``_repair``
        """
        take = self.env["guard.take"]
        items = take._take_items({item for item, _key in concerned})
        concerned = concerned | self._get_keys(items)
        heads = {key for item, key in concerned if item in items}
        taken = take._take_heads(heads)
        items -= {item for item, key in concerned if key not in taken}
        if items:
            keys = {key for item, key in concerned if item in items}
            self.env["subledger.sync"]._sync_lines(sorted(items), "repair")
            self.env["guard.check.cached_balance"]._realign(sorted(keys))
        return items, items

    def _get_keys(self, items):
        """The subledger accounts that have entries of these journal items."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT move_line_id, company_id, COALESCE(partner_id, 0),
                       account_id
                  FROM subledger_entry WHERE move_line_id = ANY(%s)
                """,
                list(items),
            )
        )
        return {(item, tuple(key)) for item, *key in rows}
