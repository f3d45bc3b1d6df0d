import logging
from collections import namedtuple

from odoo import api, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

SyncResult = namedtuple("SyncResult", ["entries", "reversals", "items"])
# Parts of the engine's statement that not every set of candidates needs: whether
# any of them has an entry, is a reversal, is of a payment.
Parts = namedtuple("Parts", ["known", "reversal", "payment"])
ALL_PARTS = Parts(known=True, reversal=True, payment=True)

# What a statement of the engine reads. Flushed by name, so that posting does not
# flush what it would not have flushed anyway.
READ_FIELDS = {
    "account.move": [
        "company_id",
        "date",
        "journal_id",
        "move_type",
        "name",
        "origin_payment_id",
        "reversed_entry_id",
        "state",
        "statement_line_id",
        "subledger_posted_at",
        "tax_cash_basis_origin_move_id",
        "tax_cash_basis_rec_id",
    ],
    "account.move.line": [
        "account_id",
        "amount_currency",
        "balance",
        "currency_id",
        "date_maturity",
        "move_id",
        "partner_id",
    ],
    "account.account": ["account_type", "non_trade"],
    "res.company": [
        "currency_exchange_journal_id",
        "subledger_history",
        "subledger_manual_policy",
        "subledger_start_date",
    ],
    "res.partner": ["commercial_partner_id", "name"],
}


class SubledgerSync(models.AbstractModel):
    """The engine: what the subledger should contain, against what it contains.

    Posting, resetting, re-parenting, backfill, repair and the check for
    completeness all come here with a set of journal items, the candidates. One
    statement compares the facts of each posted trade item with its live entry
    and inserts the difference: a reversal of what is no longer true, an entry
    for what is. Comparing makes it idempotent, whatever called it and how often;
    the unique business key makes it exactly once under concurrency.

    A live entry stays when only a setting changed (start date, policy): the
    scope decides what is created, never what is taken back.
    """

    _name = "subledger.sync"
    _description = "Subledger Engine"

    # ------------------------------------------------------------------
    # Entry points: which items to compare
    # ------------------------------------------------------------------

    @api.model
    def _sync_moves(self, move_ids, origin="live"):
        """Bring the entries of these journal entries up to date.

        :param move_ids: ids of account.move, existing or deleted
        :param str origin: who asks, one of ``subledger.entry.origin``
        :rtype: SyncResult
        """
        return self._sync_few(self._candidates_of_moves(move_ids), origin)

    @api.model
    def _sync_lines(self, line_ids, origin="live"):
        """The same for journal items, existing or deleted."""
        return self._sync_few(self._candidates_of_lines(line_ids), origin)

    @api.model
    def _sync_partners(self, partner_ids, origin="live"):
        """The same for every item of these contacts, existing or deleted, and of
        the contacts below them."""
        return self._sync(self._candidates_of_partners(partner_ids), origin)

    @api.model
    def _sync_accounts(self, account_ids, origin="live"):
        """The same for every item on these accounts, existing or deleted."""
        return self._sync(self._candidates_of_accounts(account_ids), origin)

    @api.model
    def _candidates_of_lines(self, line_ids):
        return SQL("SELECT unnest(%s::int[]) AS move_line_id", list(line_ids))

    @api.model
    def _candidates_of_moves(self, move_ids):
        return SQL(
            """
            SELECT line.id AS move_line_id
              FROM account_move_line AS line
              JOIN account_account AS account ON account.id = line.account_id
             WHERE line.move_id = ANY(%(moves)s) AND %(trade)s
             UNION
            SELECT move_line_id FROM subledger_entry
             WHERE move_id = ANY(%(moves)s)
            """,
            moves=list(move_ids),
            trade=self._trade_condition("account"),
        )

    @api.model
    def _candidates_of_partners(self, partner_ids):
        return SQL(
            """
            SELECT line.id AS move_line_id
              FROM account_move_line AS line
              JOIN account_account AS account ON account.id = line.account_id
             WHERE %(trade)s
               AND line.partner_id IN (
                   SELECT id FROM res_partner
                    WHERE id = ANY(%(partners)s)
                       OR commercial_partner_id = ANY(%(partners)s))
             UNION
            SELECT move_line_id FROM subledger_entry
             WHERE partner_id = ANY(%(partners)s) AND move_line_id IS NOT NULL
            """,
            partners=list(partner_ids),
            trade=self._trade_condition("account"),
        )

    @api.model
    def _candidates_of_accounts(self, account_ids):
        return SQL(
            """
            SELECT line.id AS move_line_id
              FROM account_move_line AS line
             WHERE line.account_id = ANY(%(accounts)s)
             UNION
            SELECT move_line_id FROM subledger_entry
             WHERE account_id = ANY(%(accounts)s) AND move_line_id IS NOT NULL
            """,
            accounts=list(account_ids),
        )

    @api.model
    def _candidates_of_companies(self, company_ids, condition=None):
        """Posted trade items, of those ``move`` for which ``condition`` is true."""
        return SQL(
            """
            SELECT line.id AS move_line_id
              FROM account_move AS move
              JOIN account_move_line AS line ON line.move_id = move.id
              JOIN account_account AS account ON account.id = line.account_id
             WHERE move.company_id = ANY(%(companies)s)
               AND move.state = 'posted' AND %(trade)s AND %(condition)s
            """,
            companies=list(company_ids),
            trade=self._trade_condition("account"),
            condition=condition or SQL("TRUE"),
        )

    @api.model
    def _candidates_of_manual_items(self, company_ids):
        """Items that may have no source document; the engine decides."""
        without_source = SQL(
            """(move.move_type = 'entry' AND move.origin_payment_id IS NULL
                AND move.statement_line_id IS NULL)"""
        )
        return self._candidates_of_companies(company_ids, without_source)

    # ------------------------------------------------------------------
    # The engine
    # ------------------------------------------------------------------

    @api.model
    def _sync_few(self, candidates, origin="live"):
        """The same as :meth:`_sync`, quicker for what a single document has.

        For a few items PostgreSQL takes ten times longer to plan the whole statement
        than to execute it, and no plan outlives a transaction, because Odoo discards
        them when it takes a connection from its pool. A short look tells which parts
        of the statement these items need.
        """
        self._flush_what_is_read()
        [(line_ids, *needs)] = self.env.execute_query(
            SQL(
                """
                SELECT array_agg(candidate.move_line_id),
                       bool_or(EXISTS (
                           SELECT FROM subledger_entry AS known
                            WHERE known.move_line_id = candidate.move_line_id)),
                       bool_or(move.reversed_entry_id IS NOT NULL),
                       bool_or(move.origin_payment_id IS NOT NULL)
                  FROM (%s) AS candidate
                  LEFT JOIN account_move_line AS line
                         ON line.id = candidate.move_line_id
                  LEFT JOIN account_move AS move ON move.id = line.move_id
                """,
                candidates,
            )
        )
        if not line_ids:
            return SyncResult(0, 0, 0)
        return self._sync(self._candidates_of_lines(line_ids), origin, Parts(*needs))

    @api.model
    def _sync(self, candidates, origin="live", parts=ALL_PARTS):
        """Insert what is missing and reverse what is no longer true.

        Takes no lock that stock Odoo does not take: it only inserts.

        :param SQL candidates: query of one column, ``move_line_id``
        :param str origin: 'live' | 'backfill' | 'repair'
        :param Parts parts: what the candidates need
        :return: numbers of entries, reversals and compared items
        :rtype: SyncResult
        """
        self._flush_what_is_read()
        rows = self.env.execute_query(self._insert_query(candidates, origin, parts))
        result = self._count(rows)
        keys = {tuple(row[3:6]) for row in rows if row[2]}
        if rows[0][1]:
            keys |= self._sync_openings(candidates, origin)
        self.env["subledger.account"]._schedule_sealing(keys)
        if result.entries or result.reversals:
            _logger.info(
                "Ledger sync %s: %s entries, %s reversals, %s items", origin, *result
            )
        return result

    @api.model
    def _flush_what_is_read(self):
        for model, names in READ_FIELDS.items():
            self.env[model].flush_model(names)

    @staticmethod
    def _count(rows):
        counts = {"entry": 0, "reversal": 0, None: 0}
        for row in rows:
            counts[row[2]] += row[6]
        return SyncResult(counts["entry"], counts["reversal"], rows[0][0])

    @api.model
    def _insert_query(self, candidates, origin, parts):
        """The engine as one statement; see the class.

        Rows: number of candidates, whether any company has opening entries, event,
        company, partner or 0, account, count; a single row with empty event when
        there was nothing to do.
        """
        return SQL(
            """
            WITH %(facts)s,
            inserted AS (%(insert)s)
            SELECT (SELECT COUNT(*) FROM candidate),
                   EXISTS (SELECT FROM res_company WHERE subledger_history = 'opening'),
                   event, company_id, partner_id, account_id, COUNT(event)
              FROM (SELECT) AS always
              LEFT JOIN inserted ON TRUE
             GROUP BY event, company_id, partner_id, account_id
            """,
            facts=self._facts_sql(candidates, parts),
            insert=self._insert_sql(
                self._reversals_sql(origin) if parts.known else None,
                self._entries_sql(origin, parts),
                SQL("fresh.move_line_id"),
            ),
        )

    @api.model
    def _difference_query(self, candidates):
        """The same comparison, read-only.

        :param SQL candidates: query of one column, ``move_line_id``
        :return: query of one row per difference: ``difference`` ('missing',
            'superfluous' or 'changed'), ``move_line_id``, ``entry_id`` (the live
            entry), ``company_id``, ``partner_id``, ``account_id``, ``balance`` (what
            the journal item says, 0 when it is gone) and ``entry_balance``. The
            caller flushes (:meth:`_flush_what_is_read`).
        :rtype: SQL
        """
        return SQL(
            """
            WITH %(facts)s
            SELECT CASE WHEN live_id IS NULL THEN 'missing'
                        WHEN company_id IS NULL THEN 'superfluous'
                        ELSE 'changed' END AS difference,
                   move_line_id,
                   live_id AS entry_id,
                   COALESCE(company_id, live_company_id) AS company_id,
                   CASE WHEN company_id IS NULL THEN live_partner_id
                        ELSE partner_id END AS partner_id,
                   COALESCE(account_id, live_account_id) AS account_id,
                   COALESCE(balance, 0) AS balance,
                   COALESCE(live_debit - live_credit, 0) AS entry_balance
              FROM difference
            """,
            facts=self._facts_sql(candidates),
        )

    # ------------------------------------------------------------------
    # Pieces of the statement
    # ------------------------------------------------------------------

    @api.model
    def _facts_sql(self, candidates, parts=ALL_PARTS):
        """Common table expressions: candidate, item (what should be), live (what
        is, if anything is known) and difference."""
        return SQL(
            """
            candidate AS MATERIALIZED (%(candidates)s),
            item AS (
                SELECT %(facts)s, %(scope)s AS in_scope
                  FROM candidate
                  %(joins)s
                 WHERE move.state = 'posted' AND %(trade)s
            ),
            %(difference)s
            """,
            candidates=candidates,
            facts=self._item_facts_sql(parts),
            scope=self._scope_condition(parts),
            joins=self._item_joins_sql(),
            trade=self._trade_condition("account"),
            difference=(
                self._difference_sql() if parts.known else self._first_entries_sql()
            ),
        )

    @api.model
    def _first_entries_sql(self):
        """Without any entry there is nothing to compare with."""
        return SQL(
            """
            difference AS (
                SELECT item.*, item.item_id AS move_line_id, FALSE AS is_transfer
                  FROM item WHERE item.in_scope
            )
            """
        )

    @api.model
    def _difference_sql(self):
        return SQL(
            """
            live AS (
                SELECT entry.*
                  FROM candidate
                  JOIN subledger_entry AS entry
                    ON entry.move_line_id = candidate.move_line_id
                 WHERE %(live)s
            ),
            difference AS (
                SELECT item.*,
                       COALESCE(item.item_id, live.move_line_id) AS move_line_id,
                       live.id AS live_id, live.company_id AS live_company_id,
                       live.partner_id AS live_partner_id,
                       live.account_id AS live_account_id,
                       live.debit AS live_debit, live.credit AS live_credit,
                       live.id IS NOT NULL AND item.item_id IS NOT NULL
                           AND %(same_amounts)s AS is_transfer
                  FROM item
                  FULL JOIN live ON live.move_line_id = item.item_id
                 WHERE (live.id IS NULL AND item.in_scope)
                    OR (live.id IS NOT NULL
                        AND (item.item_id IS NULL
                             OR NOT (%(same_amounts)s AND %(same_keys)s)))
            )
            """,
            live=self.env["subledger.entry"]._live_sql("entry"),
            same_amounts=self._same_amounts_sql(),
            same_keys=self._same_keys_sql(),
        )

    @api.model
    def _same_amounts_sql(self):
        return SQL(
            """(item.balance = live.debit - live.credit
                AND item.amount_currency = live.amount_currency
                AND item.currency_id = live.currency_id
                AND item.date = live.date
                AND item.date_maturity IS NOT DISTINCT FROM live.date_maturity)"""
        )

    @api.model
    def _same_keys_sql(self):
        return SQL(
            """(item.company_id = live.company_id
                AND item.partner_id IS NOT DISTINCT FROM live.partner_id
                AND item.account_id = live.account_id
                AND item.ledger = live.ledger)"""
        )

    @api.model
    def _item_facts_sql(self, parts=ALL_PARTS):
        # Balances, not residuals: a residual lies once a draft was reconciled.
        return SQL(
            """
            line.id AS item_id, move.id AS move_id, move.company_id,
            %(owner)s AS partner_id,
            line.account_id,
            CASE account.account_type WHEN 'asset_receivable' THEN 'customer'
                 ELSE 'supplier' END AS ledger,
            move.date, line.date_maturity,
            COALESCE(line.balance, 0) AS balance,
            COALESCE(line.amount_currency, 0) AS amount_currency,
            line.currency_id, move.name AS reference,
            move.move_type AS document_type, move.origin_payment_id,
            move.statement_line_id,
            %(source)s AS source_type
            """,
            owner=self._owner_sql(),
            source=self._source_type_sql(parts),
        )

    @api.model
    def _owner_sql(self):
        """SQL of the commercial partner of the item ``line``; NULL: nobody."""
        return SQL(
            """(SELECT COALESCE(contact.commercial_partner_id, contact.id)
                  FROM res_partner AS contact
                 WHERE contact.id = line.partner_id)"""
        )

    @api.model
    def _item_joins_sql(self):
        """From the candidates to everything the facts and the scope read.

        Few joins, and lookups by key in the expressions instead: the time to plan
        a statement grows steeply with its joins, and for a single document
        planning is most of the cost.
        """
        return SQL(
            """
            JOIN account_move_line AS line ON line.id = candidate.move_line_id
            JOIN account_move AS move ON move.id = line.move_id
            JOIN account_account AS account ON account.id = line.account_id
            JOIN res_company AS company ON company.id = move.company_id
            """
        )

    @api.model
    def _partner_name_sql(self):
        return SQL("(SELECT name FROM res_partner WHERE id = difference.partner_id)")

    @api.model
    def _trade_condition(self, alias):
        """SQL condition: a control account, that is a receivable or payable
        account that is not flagged as non-trade."""
        return SQL(
            "(%s IN ('asset_receivable', 'liability_payable') AND %s IS NOT TRUE)",
            SQL.identifier(alias, "account_type"),
            SQL.identifier(alias, "non_trade"),
        )

    @api.model
    def _scope_condition(self, parts=ALL_PARTS):
        """SQL condition, with the joins of the engine: the item gets an entry.

        Dated or posted from the company's start on (or history is kept in full),
        and with a source document unless the company records manual items.
        """
        return SQL(
            "(%s AND %s)", self._since_condition(), self._policy_condition(parts)
        )

    @api.model
    def _since_condition(self):
        return SQL(
            """(company.subledger_start_date IS NULL
                OR company.subledger_history = 'full'
                OR move.date >= company.subledger_start_date
                OR COALESCE(
                    move.subledger_posted_at >= company.subledger_start_date, FALSE))"""
        )

    @api.model
    def _policy_condition(self, parts=ALL_PARTS):
        return SQL(
            "(%s IS NOT NULL OR company.subledger_manual_policy = 'record')",
            self._source_type_sql(parts),
        )

    @api.model
    def _source_type_sql(self, parts=ALL_PARTS):
        """SQL of the transaction type by source document; NULL: a manual entry.

        The reversal of a sourced entry is sourced as well, and so is its reversal.
        """
        return SQL(
            """
            CASE
                WHEN move.move_type IN ('out_invoice', 'out_receipt') THEN 'sale'
                WHEN move.move_type = 'out_refund' THEN 'sale_refund'
                WHEN move.move_type IN ('in_invoice', 'in_receipt') THEN 'purchase'
                WHEN move.move_type = 'in_refund' THEN 'purchase_refund'
                WHEN COALESCE(move.origin_payment_id, move.statement_line_id)
                     IS NOT NULL OR %(reversed_payment)s THEN 'payment'
                -- a branch books into the journal of its root company
                WHEN move.journal_id IN (SELECT currency_exchange_journal_id
                                           FROM res_company)
                     THEN 'exchange_difference'
                WHEN %(pos)s THEN 'pos'
                WHEN COALESCE(move.tax_cash_basis_rec_id,
                              move.tax_cash_basis_origin_move_id) IS NOT NULL
                     OR %(reversed_document)s THEN 'adjustment'
            END
            """,
            pos=self._point_of_sale_condition(),
            reversed_payment=self._reversed_condition(
                SQL("COALESCE(origin_payment_id, statement_line_id) IS NOT NULL"),
                parts,
            ),
            reversed_document=self._reversed_condition(
                SQL(
                    """(move_type <> 'entry'
                        OR COALESCE(tax_cash_basis_rec_id,
                                    tax_cash_basis_origin_move_id) IS NOT NULL)"""
                ),
                parts,
            ),
        )

    @api.model
    def _reversed_condition(self, condition, parts):
        """SQL condition: ``move`` reverses an entry of which ``condition`` is true,
        directly or through further reversals."""
        if not parts.reversal:
            return SQL("FALSE")
        return SQL(
            """(move.reversed_entry_id IS NOT NULL AND EXISTS (
                WITH RECURSIVE original AS (
                    SELECT %(columns)s FROM account_move AS earlier
                     WHERE earlier.id = move.reversed_entry_id
                     UNION
                    SELECT %(columns)s
                      FROM original
                      JOIN account_move AS earlier
                        ON earlier.id = original.reversed_entry_id
                )
                SELECT FROM original WHERE %(condition)s))""",
            columns=SQL(
                """earlier.id, earlier.reversed_entry_id, earlier.move_type,
                earlier.origin_payment_id, earlier.statement_line_id,
                earlier.tax_cash_basis_rec_id, earlier.tax_cash_basis_origin_move_id"""
            ),
            condition=condition,
        )

    @api.model
    def _point_of_sale_condition(self):
        # Closing entries, invoice payments and late invoicing all post into the
        # journal of the point of sale.
        if "pos.config" not in self.env:
            return SQL("FALSE")
        return SQL(
            """EXISTS (SELECT FROM pos_config
                        WHERE pos_config.journal_id = move.journal_id)"""
        )

    @api.model
    def _insert_sql(self, reversals, entries, order):
        """Of each thing in ``order`` the reversal first, then its new state."""
        return SQL(
            """
            INSERT INTO subledger_entry (%(columns)s)
            SELECT * FROM (%(rows)s) AS fresh (%(columns)s)
            ORDER BY %(order)s, fresh.event DESC
            ON CONFLICT DO NOTHING
            RETURNING event, company_id, COALESCE(partner_id, 0) AS partner_id,
                      account_id
            """,
            columns=self._columns_sql(),
            rows=SQL(" UNION ALL ").join(filter(None, [reversals, entries])),
            order=order,
        )

    @api.model
    def _columns_sql(self):
        return SQL(
            """company_id, partner_id, partner_name, account_id, ledger, date,
            date_maturity, transaction_type, debit, credit, currency_id,
            amount_currency, reference, description, move_id, move_line_id, event,
            version, reversal_of_id, origin, create_uid, create_date"""
        )

    @api.model
    def _reversals_sql(self, origin):
        return SQL(
            """
            SELECT live.company_id, live.partner_id, live.partner_name,
                   live.account_id, live.ledger, live.date, live.date_maturity,
                   'reversal', live.credit, live.debit, live.currency_id,
                   -live.amount_currency, live.reference,
                   replace(%(label)s, '{document}', COALESCE(live.description, '')),
                   live.move_id, live.move_line_id, 'reversal', live.version,
                   live.id, %(origin)s, %(uid)s::int, %(now)s
              FROM live
              JOIN difference ON difference.live_id = live.id
            """,
            label=self._get_labels()["reversal"],
            **self._creation(origin),
        )

    @api.model
    def _entries_sql(self, origin, parts):
        return SQL(
            """
            SELECT company_id, partner_id, %(partner_name)s, account_id, ledger, date,
                   date_maturity,
                   CASE WHEN is_transfer THEN 'transfer'
                        ELSE COALESCE(source_type, 'adjustment') END,
                   GREATEST(balance, 0), GREATEST(-balance, 0), currency_id,
                   amount_currency, reference, %(description)s, move_id, move_line_id,
                   'entry', %(version)s, NULL::int, %(origin)s, %(uid)s::int, %(now)s
              FROM difference
              %(settled)s
             WHERE item_id IS NOT NULL
            """,
            partner_name=self._partner_name_sql(),
            description=self._description_sql(),
            version=self._next_version_sql() if parts.known else SQL("1"),
            settled=self._settled_document_sql(parts),
            **self._creation(origin),
        )

    @api.model
    def _next_version_sql(self):
        return SQL(
            """1 + COALESCE((SELECT MAX(version) FROM subledger_entry AS known
                              WHERE known.move_line_id = difference.move_line_id),
                            0)"""
        )

    @api.model
    def _creation(self, origin):
        return {
            "origin": origin,
            "uid": self.env.uid,
            "now": SQL("now() AT TIME ZONE 'UTC'"),
        }
