from collections import namedtuple

from odoo import api, models
from odoo.tools import SQL

# What a verification looks at: company ids, commercial partner ids or None for all,
# first accounting date or None for all.
Scope = namedtuple("Scope", ["company_ids", "partner_ids", "since"])


class SubledgerVerify(models.AbstractModel):
    """Proof that the ledger says what the general ledger says.

    Reads only, in the snapshot of the transaction. Each check is one query over the
    whole scope that returns nothing but what is wrong, so memory stays flat.
    """

    _name = "subledger.verify"
    _description = "Subledger Verification"

    @api.model
    def _verify(self, companies, partners=None, since=None, limit=100):
        """Check the ledgers of ``companies``.

        :param companies: res.company records
        :param partners: commercial partners, or ids found in the ledger; all when None
        :param date since: only what is dated from this day on is reported
        :param int limit: findings listed per check; all of them are counted
        :return: ``clean`` (bool), ``counts`` of items, entries and accounts, ``checks``
            (``code``, ``differences``, ``findings``) and ``explained``, the balances
            that differ from the general ledger for reasons that are named
        :rtype: dict
        """
        self.env["subledger.sync"]._flush_what_is_read()
        self.env["account.move.line"].flush_model(
            ["company_id", "date", "parent_state"]
        )
        partner_ids = None if partners is None else list(partners)
        scope = Scope(list(companies.ids), partner_ids, since)
        checks = [
            self._run_check(code, query, limit)
            for code, query in self._get_checks(scope).items()
        ]
        return {
            "clean": not any(check["differences"] for check in checks),
            "counts": self._count(scope),
            "checks": checks,
            "explained": self._list_explained(scope, limit),
        }

    @api.model
    def _get_checks(self, scope):
        """Map each check to its query of findings.

        Every query has the columns company_id, partner_id, account_id, entry_id,
        move_line_id, problem, expected and actual. To be extended by modules that add
        a check.

        :rtype: dict[str, SQL]
        """
        return {
            "entries": self._entries_query(scope),
            # An opening sums what lies before: by date it stands against nothing.
            **({} if scope.since else {"openings": self._openings_query(scope)}),
            "chain": self._chain_query(scope),
            "heads": self._heads_query(scope),
            "reversals": self._reversals_query(scope),
            "general_ledger": self._general_ledger_query(scope),
        }

    @api.model
    def _run_check(self, code, query, limit):
        rows = self._fetch_dicts(
            SQL(
                """
                SELECT finding.*, COALESCE(partner.name, entry.partner_name) AS partner,
                       entry.reference, COUNT(*) OVER () AS total
                  FROM (%(query)s) AS finding
                  LEFT JOIN res_partner AS partner ON partner.id = finding.partner_id
                  LEFT JOIN subledger_entry AS entry ON entry.id = finding.entry_id
              ORDER BY finding.company_id, finding.partner_id, finding.account_id,
                       finding.entry_id, finding.move_line_id, finding.problem
                 LIMIT %(limit)s
                """,
                query=query,
                limit=limit,
            )
        )
        total = rows[0]["total"] if rows else 0
        for row in rows:
            del row["total"]
        return {"code": code, "differences": total, "findings": rows}

    @api.model
    def _fetch_dicts(self, query):
        self.env.cr.execute(query)
        return self.env.cr.dictfetchall()

    # ------------------------------------------------------------------
    # Scope
    # ------------------------------------------------------------------

    @api.model
    def _scope_sql(self, scope, alias, partner=None):
        """Condition on a table with company, date and commercial partner.

        :param SQL partner: expression of the partner, where it is no column of
            ``alias``
        """
        conditions = [
            SQL("%s = ANY(%s)", SQL.identifier(alias, "company_id"), scope.company_ids)
        ]
        if scope.partner_ids is not None:
            partner = partner or SQL.identifier(alias, "partner_id")
            conditions.append(SQL("%s = ANY(%s)", partner, scope.partner_ids))
        if scope.since:
            date = SQL.identifier(alias, "date")
            conditions.append(SQL("%s >= %s", date, scope.since))
        return SQL("(%s)", SQL(" AND ").join(conditions))

    @api.model
    def _items_sql(self, scope):
        """FROM and WHERE of the posted items on control accounts in the scope."""
        return SQL(
            """
              FROM account_move_line AS line
              JOIN account_account AS account ON account.id = line.account_id
              LEFT JOIN res_partner AS contact ON contact.id = line.partner_id
             WHERE line.parent_state = 'posted' AND %s AND %s
            """,
            self.env["subledger.sync"]._trade_condition("account"),
            self._scope_sql(scope, "line", SQL("contact.commercial_partner_id")),
        )

    @api.model
    def _count(self, scope):
        [counts] = self._fetch_dicts(
            SQL(
                """
                SELECT (SELECT COUNT(*) %(items)s) AS items,
                       (SELECT COUNT(*) FROM subledger_entry AS entry
                         WHERE %(entries)s) AS entries,
                       (SELECT COUNT(*) FROM subledger_account AS head
                         WHERE %(heads)s) AS accounts
                """,
                items=self._items_sql(scope),
                entries=self._scope_sql(scope, "entry"),
                heads=self._scope_sql(scope._replace(since=None), "head"),
            )
        )
        return counts

    # ------------------------------------------------------------------
    # Journal items against entries
    # ------------------------------------------------------------------

    @api.model
    def _entries_query(self, scope):
        """Items without entry, entries without item, and entries that say otherwise:
        the engine's own comparison, read-only."""
        candidates = SQL(
            """
            SELECT line.id AS move_line_id %s
             UNION
            SELECT entry.move_line_id FROM subledger_entry AS entry
             WHERE entry.move_line_id IS NOT NULL AND %s
            """,
            self._items_sql(scope),
            self._scope_sql(scope, "entry"),
        )
        return SQL(
            """
            SELECT company_id, partner_id, account_id, entry_id, move_line_id,
                   difference AS problem, %s AS expected, %s AS actual
              FROM (%s) AS engine
            """,
            self._amount_sql(SQL("balance")),
            self._amount_sql(SQL("entry_balance")),
            self.env["subledger.sync"]._difference_query(candidates),
        )

    @api.model
    def _openings_query(self, scope):
        return SQL(
            """
            SELECT company_id, partner_id, account_id, entry_id,
                   NULL::int AS move_line_id, 'opening' AS problem,
                   %s AS expected, %s AS actual
              FROM (%s) AS opening
             WHERE %s
            """,
            self._amount_sql(SQL("expected")),
            self._amount_sql(SQL("actual")),
            self._opening_difference_sql(scope.company_ids),
            self._scope_sql(scope, "opening"),
        )

    @api.model
    def _opening_difference_sql(self, company_ids):
        """Opening entries that are not what the earlier items sum up to.

        In companies that keep their history as openings; full history must have none.

        :return: query of company_id, partner_id, account_id, entry_id, expected and
            actual balance
        """
        sync = self.env["subledger.sync"]
        return SQL(
            """
            SELECT company_id, partner_id, account_id, MAX(entry_id) AS entry_id,
                   SUM(expected) AS expected, SUM(actual) AS actual
              FROM (
                SELECT move.company_id, %(owner)s AS partner_id, line.account_id,
                       NULL::int AS entry_id, line.balance AS expected, 0.0 AS actual
                  FROM account_move_line AS candidate_line
                  JOIN res_company AS candidate_company
                    ON candidate_company.id = candidate_line.company_id
                 CROSS JOIN LATERAL (
                       SELECT candidate_line.id AS move_line_id) AS candidate
                  %(joins)s
                 WHERE candidate_line.company_id = ANY(%(companies)s)
                   AND candidate_company.subledger_history = 'opening'
                   AND candidate_line.date < candidate_company.subledger_start_date
                   AND move.state = 'posted' AND %(trade)s AND NOT %(since)s
                   AND NOT EXISTS (
                       SELECT FROM subledger_entry AS entry
                        WHERE entry.move_line_id = line.id AND %(live)s)
                 UNION ALL
                SELECT entry.company_id, entry.partner_id, entry.account_id, entry.id,
                       0.0, entry.debit - entry.credit
                  FROM subledger_entry AS entry
                  JOIN res_company AS company ON company.id = entry.company_id
                 WHERE entry.company_id = ANY(%(companies)s)
                   AND entry.move_line_id IS NULL AND %(live)s
                   AND company.subledger_history IN ('opening', 'full')
              ) AS part
          GROUP BY company_id, partner_id, account_id
            HAVING SUM(expected) <> SUM(actual)
            """,
            companies=list(company_ids),
            owner=sync._owner_sql(),
            joins=sync._item_joins_sql(),
            trade=sync._trade_condition("account"),
            since=sync._since_condition(),
            live=self.env["subledger.entry"]._live_sql("entry"),
        )

    # ------------------------------------------------------------------
    # Numbers, running balances, hashes
    # ------------------------------------------------------------------

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

    # ------------------------------------------------------------------
    # Ledger against general ledger
    # ------------------------------------------------------------------

    @api.model
    def _general_ledger_query(self, scope):
        """Partners and accounts whose difference no cause explains."""
        return SQL(
            """
            SELECT company_id, partner_id, account_id, NULL::int AS entry_id,
                   NULL::int AS move_line_id, 'unexplained' AS problem,
                   %s AS expected, %s AS actual
              FROM (%s) AS balance
             WHERE general_ledger - ledger - manual_entry - pre_sync_history <> 0
            """,
            self._amount_sql(SQL("general_ledger - manual_entry - pre_sync_history")),
            self._amount_sql(SQL("ledger")),
            self._balances_sql(scope),
        )

    @api.model
    def _list_explained(self, scope, limit):
        """Balances that differ from the general ledger, with the amount of each
        cause: manual entries, and history from before the start of the ledger."""
        return self._fetch_dicts(
            SQL(
                """
                SELECT balance.company_id, balance.partner_id, partner.name AS partner,
                       balance.account_id, %s AS general_ledger, %s AS ledger,
                       %s AS manual_entry,
                       %s AS pre_sync_history
                  FROM (%s) AS balance
                  LEFT JOIN res_partner AS partner ON partner.id = balance.partner_id
                 WHERE manual_entry <> 0 OR pre_sync_history <> 0
              ORDER BY balance.company_id, partner.name, balance.account_id
                 LIMIT %s
                """,
                self._amount_sql(SQL("general_ledger")),
                self._amount_sql(SQL("ledger")),
                self._amount_sql(SQL("manual_entry")),
                self._amount_sql(SQL("pre_sync_history")),
                self._balances_sql(scope),
                limit,
            )
        )

    @api.model
    def _balances_sql(self, scope):
        """Per company, partner and account: both ledgers and the named causes."""
        return SQL(
            """
            SELECT company_id, partner_id, account_id,
                   SUM(general_ledger) AS general_ledger, SUM(ledger) AS ledger,
                   SUM(manual_entry) AS manual_entry,
                   SUM(pre_sync_history) AS pre_sync_history
              FROM (
                SELECT company_id, partner_id, account_id, balance AS general_ledger,
                       0.0 AS ledger,
                       CASE WHEN cause = 'manual' THEN balance ELSE 0 END
                           AS manual_entry,
                       CASE WHEN cause = 'history' THEN balance ELSE 0 END
                           AS pre_sync_history
                  FROM (%(items)s) AS item
                 UNION ALL
                SELECT company_id, partner_id, account_id, 0.0, debit - credit, 0.0, 0.0
                  FROM subledger_entry AS entry
                 WHERE %(entries)s AND %(dated)s
              ) AS side
          GROUP BY company_id, partner_id, account_id
            """,
            items=self._classified_items_sql(scope),
            entries=self._scope_sql(scope, "entry"),
            # By date, an opening has no items to stand against.
            dated=SQL("entry.move_line_id IS NOT NULL") if scope.since else SQL("TRUE"),
        )

    @api.model
    def _classified_items_sql(self, scope):
        """Items of the general ledger, with the cause why one has no entry."""
        sync = self.env["subledger.sync"]
        opening = SQL("FALSE") if scope.since else SQL("history = 'opening'")
        return SQL(
            """
            SELECT classified.company_id, partner_id, account_id, balance,
                   CASE WHEN has_entry THEN NULL
                        WHEN NOT since AND %(opening)s THEN NULL
                        WHEN NOT since THEN 'history'
                        WHEN NOT policy THEN 'manual' END AS cause
              FROM (
                SELECT move.company_id, %(owner)s AS partner_id, line.account_id,
                       line.balance, line.date, %(since)s AS since,
                       %(policy)s AS policy, company.subledger_history AS history,
                       EXISTS (SELECT FROM subledger_entry AS entry
                                WHERE entry.move_line_id = line.id AND %(live)s)
                           AS has_entry
                  FROM (SELECT line.id AS move_line_id %(items)s) AS candidate
                  %(joins)s
              ) AS classified
            """,
            opening=opening,
            items=self._items_sql(scope),
            since=sync._since_condition(),
            policy=sync._policy_condition(),
            owner=sync._owner_sql(),
            joins=sync._item_joins_sql(),
            live=self.env["subledger.entry"]._live_sql("entry"),
        )

    @api.model
    def _amount_sql(self, amount):
        """An amount as exact text, without trailing zeros that mean nothing."""
        return SQL("trim_scale((%s)::numeric)::text", amount)
