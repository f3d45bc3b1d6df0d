from odoo import models
from odoo.tools import SQL


class GuardCheckControlAccount(models.AbstractModel):
    """General ledger against ledger, explained item by item.

    Two steps in one statement: totals by partner and account find the few that
    differ; only their items are then looked at and sorted by cause. Both sides are
    "everything posted up to now": no date can make one side see more than the other.
    """

    _name = "guard.check.control_account"
    _description = "Check: ledger equals control account"
    _inherit = "guard.check.unit"
    _check_code = "control_account"
    _check_family = "ledger"
    _check_sequence = 50

    def _get_title(self):
        return self.env._("Ledger equals control account")

    def _get_explanation(self):
        return self.env._(
            "By partner and account, the entries of the ledger add up to the posted"
            " items of the general ledger. Each difference is explained by causes."
        )

    def _fingerprint_scope(self, row):
        return ""

    def _find(self, scope):
        self.env["subledger.sync"]._flush_what_is_read()
        return super()._find(scope)

    def _complete(self, row):
        row["causes"] = row["causes"] or {}
        row = super()._complete(row)
        if row["unexplained"]:
            row["is_expected"] = False
            if abs(row["unexplained"]) >= abs(row["explained"]):
                row["cause_code"] = "unexplained"
        return row

    def _query(self, scope):
        return SQL(
            """
            WITH %(sides)s, %(items)s,
            cause AS (
                SELECT company_id, partner_key, account_id, cause_code,
                       SUM(amount) AS amount, COUNT(*) AS items,
                       BOOL_AND(is_expected) AS is_expected
                  FROM explained
              GROUP BY company_id, partner_key, account_id, cause_code
                HAVING SUM(amount) <> 0
            ), named AS (
                SELECT company_id, partner_key, account_id,
                       (ARRAY_AGG(cause_code
                                  ORDER BY is_expected, ABS(amount) DESC))[1]
                           AS cause_code,
                       JSONB_OBJECT_AGG(cause_code, jsonb_build_object(
                           'amount', amount, 'count', items,
                           'expected', is_expected)) AS causes
                  FROM cause GROUP BY company_id, partner_key, account_id
            )
            SELECT differing.company_id,
                   NULLIF(differing.partner_key, 0) AS partner_id,
                   differing.account_id, NULL::int AS entry_id,
                   NULL AS res_model, NULL::int AS res_id, NULL AS field_name,
                   NULL AS value_expected, NULL AS value_found,
                   differing.expected, differing.actual,
                   COALESCE(named.cause_code, 'unexplained') AS cause_code,
                   named.causes
              FROM differing
         LEFT JOIN named USING (company_id, partner_key, account_id)
            """,
            sides=self._sides_sql(scope),
            items=self._items_sql(),
        )

    def _sides_sql(self, scope):
        """Both totals by company, partner and account; and where they differ."""
        return SQL(
            """
            side AS (
                SELECT move.company_id,
                       COALESCE(owner.commercial_partner_id, owner.id, 0)
                           AS partner_key,
                       line.account_id, SUM(line.balance) AS expected, 0 AS actual
                  FROM account_move_line line
                  JOIN account_move move ON move.id = line.move_id
                  JOIN account_account account ON account.id = line.account_id
             LEFT JOIN res_partner owner ON owner.id = line.partner_id
                 WHERE move.state = 'posted' AND %(trade)s
                   AND %(item_companies)s AND %(item_partners)s
              GROUP BY 1, 2, 3
                 UNION ALL
                SELECT entry.company_id, COALESCE(entry.partner_id, 0),
                       entry.account_id, 0, SUM(entry.debit - entry.credit)
                  FROM subledger_entry entry
                 WHERE %(entry_companies)s AND %(entry_partners)s
              GROUP BY 1, 2, 3
            ), differing AS MATERIALIZED (
                SELECT side.company_id, partner_key, account_id,
                       SUM(expected) AS expected, SUM(actual) AS actual
                  FROM side
                  JOIN res_company company ON company.id = side.company_id
              GROUP BY side.company_id, partner_key, account_id,
                       company.guard_tolerance
                HAVING ABS(SUM(expected) - SUM(actual)) > company.guard_tolerance
            )
            """,
            trade=self.env["subledger.sync"]._trade_condition("account"),
            item_companies=scope.companies(SQL("move.company_id")),
            item_partners=scope.contacts(SQL("line.partner_id")),
            entry_companies=scope.companies(SQL("entry.company_id")),
            entry_partners=scope.partners(SQL("entry.partner_id")),
        )

    def _items_sql(self):
        """The items and entries behind the differing totals, each with its cause."""
        engine = self.env["subledger.sync"]
        return SQL(
            """
            candidate AS MATERIALIZED (
                SELECT item.id AS move_line_id
                  FROM differing
                  JOIN account_move_line item
                    ON item.account_id = differing.account_id
                   AND item.company_id = differing.company_id
             LEFT JOIN res_partner contact ON contact.id = item.partner_id
                 WHERE differing.partner_key
                       = COALESCE(contact.commercial_partner_id, contact.id, 0)
            ), posted AS (
                SELECT move.company_id,
                       COALESCE(%(owner)s, 0) AS partner_key, line.account_id,
                       line.id AS item_id, COALESCE(line.balance, 0) AS balance,
                       line.amount_currency, line.currency_id,
                       %(since)s AS is_since, %(scope)s AS in_scope,
                       %(source)s AS source_type
                  FROM candidate
                  %(joins)s
                 WHERE move.state = 'posted' AND %(trade)s
            ), booked AS (
                SELECT entry.company_id, COALESCE(entry.partner_id, 0) AS partner_key,
                       entry.account_id, COALESCE(entry.move_line_id, 0) AS item_id,
                       SUM(entry.debit - entry.credit) AS balance,
                       SUM(entry.amount_currency) AS amount_currency,
                       MIN(entry.currency_id) AS currency_id,
                       COUNT(*) FILTER (WHERE %(live)s) AS live
                  FROM subledger_entry entry
                  JOIN differing
                    ON differing.company_id = entry.company_id
                   AND differing.account_id = entry.account_id
                   AND differing.partner_key = COALESCE(entry.partner_id, 0)
              GROUP BY 1, 2, 3, 4
            ), delta AS (
                SELECT company_id, partner_key, account_id, item_id,
                       COALESCE(posted.balance, 0) - COALESCE(booked.balance, 0)
                           AS amount,
                       posted.item_id IS NOT NULL AS is_posted,
                       booked.item_id IS NOT NULL AS is_booked,
                       COALESCE(booked.live, 0) AS live,
                       posted.is_since, posted.in_scope, posted.source_type,
                       posted.currency_id = booked.currency_id
                           AND posted.amount_currency = booked.amount_currency
                           AS same_currency_amount, posted.currency_id
                  FROM posted
                  FULL JOIN booked
                      USING (company_id, partner_key, account_id, item_id)
                 WHERE COALESCE(posted.balance, 0) <> COALESCE(booked.balance, 0)
            ), explained AS (%(causes)s)
            """,
            since=engine._since_condition(),
            scope=engine._scope_condition(),
            source=engine._source_type_sql(),
            owner=engine._owner_sql(),
            joins=engine._item_joins_sql(),
            trade=engine._trade_condition("account"),
            live=self.env["subledger.entry"]._live_sql("entry"),
            causes=self._causes_sql(),
        )

    def _causes_sql(self):
        """The cause of each item's difference; exactly one each."""
        return SQL(
            """
            SELECT delta.company_id, partner_key, delta.account_id, item_id, amount,
                   cause_code,
                   CASE cause_code
                        WHEN 'manual_entry' THEN TRUE
                        WHEN 'rounding' THEN TRUE
                        WHEN 'pre_sync_history'
                            THEN company.subledger_history <> 'opening'
                        WHEN 'no_partner' THEN is_posted AND other.id IS NULL
                        ELSE FALSE END AS is_expected
              FROM delta
              JOIN res_company company ON company.id = delta.company_id
         LEFT JOIN account_move_line line ON line.id = item_id
         LEFT JOIN account_move move ON move.id = line.move_id
         LEFT JOIN account_account account ON account.id = line.account_id
         LEFT JOIN LATERAL (
                SELECT entry.id FROM subledger_entry entry
                 WHERE entry.move_line_id = item_id AND NOT is_booked AND %(live)s
                 LIMIT 1) AS other ON TRUE
        CROSS JOIN LATERAL (SELECT %(cause)s AS cause_code) AS named
            """,
            live=self.env["subledger.entry"]._live_sql("entry"),
            cause=SQL(
                "CASE WHEN is_posted AND NOT is_booked THEN %s"
                " WHEN is_posted THEN %s ELSE %s END",
                self._only_posted_sql(),
                self._both_sql(),
                self._only_booked_sql(),
            ),
        )

    def _only_posted_sql(self):
        """In the general ledger only; ``other`` is a live entry elsewhere."""
        return SQL(
            """
            CASE WHEN other.id IS NOT NULL AND partner_key = 0 THEN 'no_partner'
                 WHEN other.id IS NOT NULL AND EXISTS (
                        SELECT FROM subledger_entry moved
                         WHERE moved.id = other.id
                           AND COALESCE(moved.partner_id, 0) = partner_key)
                      THEN 'account_changed'
                 WHEN other.id IS NOT NULL THEN 'partner_changed'
                 WHEN NOT is_since THEN 'pre_sync_history'
                 WHEN NOT in_scope AND partner_key = 0 THEN 'no_partner'
                 WHEN NOT in_scope THEN 'manual_entry'
                 WHEN source_type = 'exchange_difference' THEN 'exchange_revaluation'
                 ELSE 'missing_entry' END
            """
        )

    def _both_sql(self):
        """In both, with other amounts."""
        return SQL(
            """
            CASE WHEN live > 1 THEN 'duplicate_entry'
                 WHEN same_currency_amount
                      AND delta.currency_id <> company.currency_id
                      THEN 'exchange_revaluation'
                 WHEN ABS(amount) <= company.guard_tolerance THEN 'rounding'
                 WHEN live = 0 AND in_scope THEN 'missing_entry'
                 WHEN live = 0 AND NOT is_since THEN 'pre_sync_history'
                 WHEN live = 0 THEN 'manual_entry'
                 ELSE 'amount_tampered' END
            """
        )

    def _only_booked_sql(self):
        """In the ledger only. Openings stand for the history before the start."""
        return SQL(
            """
            CASE WHEN item_id = 0 THEN 'pre_sync_history'
                 WHEN line.id IS NULL THEN 'item_deleted'
                 WHEN live = 0 THEN 'amount_tampered'
                 WHEN move.state <> 'posted' THEN 'draft_reset'
                 WHEN NOT %(trade)s THEN 'outside_scope'
                 WHEN line.account_id <> delta.account_id THEN 'account_changed'
                 WHEN line.partner_id IS NULL THEN 'no_partner'
                 ELSE 'partner_changed' END
            """,
            trade=self.env["subledger.sync"]._trade_condition("account"),
        )

    # Explanation by account, for people

    def _explain(self, scope):
        """Totals of both sides by company and account, with the causes between.

        :return: one dict per account: company_id, account_id, expected (general
            ledger), actual (ledger), difference, causes, unexplained
        """
        engine = self.env["subledger.sync"]
        engine._flush_what_is_read()
        rows = self.env.execute_query(
            SQL(
                """
                WITH %s SELECT company_id, account_id, SUM(expected), SUM(actual)
                  FROM side GROUP BY company_id, account_id ORDER BY 1, 2
                """,
                self._sides_sql(scope),
            )
        )
        found = self._find(scope)
        return [self._explain_account(*row, found) for row in rows]

    def _explain_account(self, company_id, account_id, expected, actual, found):
        causes, unexplained = {}, 0.0
        key = (company_id, account_id)
        rows = [row for row in found if (row["company_id"], row["account_id"]) == key]
        for row in rows:
            self._add_causes(causes, row["causes"])
            unexplained = round(unexplained + row["unexplained"], 6)
        difference = round(expected - actual, 6)
        explained = sum(cause["amount"] for cause in causes.values())
        # Partners within the tolerance have no row, but count in the total.
        rest = round(difference - explained - unexplained, 6)
        if rest:
            self._add_causes(causes, {"rounding": {"amount": rest, "count": 1}})
        return {
            "company_id": company_id,
            "account_id": account_id,
            "expected": expected,
            "actual": actual,
            "difference": difference,
            "causes": causes,
            "unexplained": unexplained,
            "is_expected": all(row["is_expected"] for row in rows),
        }

    def _add_causes(self, total, causes):
        for code, cause in causes.items():
            sums = total.setdefault(code, {"amount": 0.0, "count": 0})
            sums["amount"] = round(sums["amount"] + cause["amount"], 6)
            sums["count"] += cause["count"]
