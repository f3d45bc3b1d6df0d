import json
import logging
from collections import namedtuple

from odoo import api, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

SyncResult = namedtuple("SyncResult", ["entries", "reversals", "items"])

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
        return self._sync(self._candidates_of_moves(move_ids), origin)

    @api.model
    def _sync_lines(self, line_ids, origin="live"):
        """The same for journal items, existing or deleted."""
        candidates = SQL("SELECT unnest(%s::int[]) AS move_line_id", list(line_ids))
        return self._sync(candidates, origin)

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
    def _candidates_of_companies(self, company_ids):
        return SQL(
            """
            SELECT line.id AS move_line_id
              FROM account_move AS move
              JOIN account_move_line AS line ON line.move_id = move.id
              JOIN account_account AS account ON account.id = line.account_id
             WHERE move.company_id = ANY(%(companies)s)
               AND move.state = 'posted' AND %(trade)s
            """,
            companies=list(company_ids),
            trade=self._trade_condition("account"),
        )

    # ------------------------------------------------------------------
    # The engine
    # ------------------------------------------------------------------

    @api.model
    def _sync(self, candidates, origin="live"):
        """Insert what is missing and reverse what is no longer true.

        Takes no lock that stock Odoo does not take: it only inserts.

        :param SQL candidates: query of one column, ``move_line_id``
        :param str origin: 'live' | 'backfill' | 'repair'
        :return: numbers of entries, reversals and compared items
        :rtype: SyncResult
        """
        self._flush_what_is_read()
        rows = self.env.execute_query(self._insert_query(candidates, origin))
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
    def _insert_query(self, candidates, origin):
        """The engine as one statement; see the class.

        Rows: number of candidates, whether any company has opening entries, event,
        company, partner or 0, account, count; a single row with empty event when
        there was nothing to do.
        """
        return SQL(
            """
            WITH %(facts)s,
            inserted AS (
                INSERT INTO subledger_entry (%(columns)s)
                SELECT * FROM (
                    %(reversals)s
                    UNION ALL
                    %(entries)s
                ) AS fresh (%(columns)s)
                -- the reversal first, then the new state of the same item
                ORDER BY fresh.move_line_id, fresh.event DESC
                ON CONFLICT DO NOTHING
                RETURNING event, company_id, COALESCE(partner_id, 0) AS partner_id,
                          account_id
            )
            SELECT (SELECT COUNT(*) FROM candidate),
                   EXISTS (SELECT FROM res_company WHERE subledger_history = 'opening'),
                   event, company_id, partner_id, account_id, COUNT(event)
              FROM (SELECT) AS always
              LEFT JOIN inserted ON TRUE
             GROUP BY event, company_id, partner_id, account_id
            """,
            facts=self._facts_sql(candidates),
            columns=self._columns_sql(),
            reversals=self._reversals_sql(origin),
            entries=self._entries_sql(origin),
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
    def _facts_sql(self, candidates):
        """Common table expressions: candidate, item (what should be), live (what
        is) and difference."""
        return SQL(
            """
            candidate AS MATERIALIZED (%(candidates)s),
            item AS (
                SELECT %(facts)s, %(scope)s AS in_scope
                  FROM candidate
                  %(joins)s
                 WHERE move.state = 'posted' AND %(trade)s
            ),
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
            candidates=candidates,
            facts=self._item_facts_sql(),
            scope=self._scope_condition(),
            joins=self._item_joins_sql(),
            trade=self._trade_condition("account"),
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
    def _item_facts_sql(self):
        # Balances, not residuals: a residual lies once a draft was reconciled.
        return SQL(
            """
            line.id AS item_id, move.id AS move_id, move.company_id,
            owner.id AS partner_id, owner.name AS partner_name,
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
            source=self._source_type_sql(),
        )

    @api.model
    def _item_joins_sql(self):
        """From the candidates to everything the facts and the scope read."""
        return SQL(
            """
            JOIN account_move_line AS line ON line.id = candidate.move_line_id
            JOIN account_move AS move ON move.id = line.move_id
            JOIN account_account AS account ON account.id = line.account_id
            JOIN res_company AS company ON company.id = move.company_id
            LEFT JOIN account_move AS reversed ON reversed.id = move.reversed_entry_id
            LEFT JOIN res_partner AS partner ON partner.id = line.partner_id
            LEFT JOIN res_partner AS owner
              ON owner.id = COALESCE(partner.commercial_partner_id, partner.id)
            """
        )

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
    def _scope_condition(self):
        """SQL condition, with the joins of the engine: the item gets an entry.

        Dated or posted from the company's start on (or history is kept in full),
        and with a source document unless the company records manual items.
        """
        return SQL("(%s AND %s)", self._since_condition(), self._policy_condition())

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
    def _policy_condition(self):
        return SQL(
            "(%s IS NOT NULL OR company.subledger_manual_policy = 'record')",
            self._source_type_sql(),
        )

    @api.model
    def _source_type_sql(self):
        """SQL of the transaction type by source document; NULL: a manual entry.

        The reversal of a sourced entry is sourced as well.
        """
        return SQL(
            """
            CASE
                WHEN move.move_type IN ('out_invoice', 'out_receipt') THEN 'sale'
                WHEN move.move_type = 'out_refund' THEN 'sale_refund'
                WHEN move.move_type IN ('in_invoice', 'in_receipt') THEN 'purchase'
                WHEN move.move_type = 'in_refund' THEN 'purchase_refund'
                WHEN COALESCE(move.origin_payment_id, move.statement_line_id,
                              reversed.origin_payment_id, reversed.statement_line_id)
                     IS NOT NULL THEN 'payment'
                -- a branch books into the journal of its root company
                WHEN move.journal_id IN (SELECT currency_exchange_journal_id
                                           FROM res_company)
                     THEN 'exchange_difference'
                WHEN %(pos)s THEN 'pos'
                WHEN COALESCE(move.tax_cash_basis_rec_id,
                              move.tax_cash_basis_origin_move_id,
                              reversed.tax_cash_basis_rec_id,
                              reversed.tax_cash_basis_origin_move_id) IS NOT NULL
                     OR reversed.move_type <> 'entry' THEN 'adjustment'
            END
            """,
            pos=self._point_of_sale_condition(),
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
    def _entries_sql(self, origin):
        return SQL(
            """
            SELECT company_id, partner_id, partner_name, account_id, ledger, date,
                   date_maturity,
                   CASE WHEN is_transfer THEN 'transfer'
                        ELSE COALESCE(source_type, 'adjustment') END,
                   GREATEST(balance, 0), GREATEST(-balance, 0), currency_id,
                   amount_currency, reference, %(description)s, move_id, move_line_id,
                   'entry',
                   1 + COALESCE((SELECT MAX(version) FROM subledger_entry AS known
                                  WHERE known.move_line_id = difference.move_line_id),
                                0),
                   NULL::int, %(origin)s, %(uid)s::int, %(now)s
              FROM difference
              %(settled)s
             WHERE item_id IS NOT NULL
            """,
            description=self._description_sql(),
            settled=self._settled_document_sql(),
            **self._creation(origin),
        )

    @api.model
    def _creation(self, origin):
        return {
            "origin": origin,
            "uid": self.env.uid,
            "now": SQL("now() AT TIME ZONE 'UTC'"),
        }

    # ------------------------------------------------------------------
    # Opening entries
    # ------------------------------------------------------------------

    @api.model
    def _sync_openings(self, candidates, origin="live"):
        """Keep the opening entries right when history changes.

        Only for companies that carry their history as opening entries, and only
        when the candidates touch history, that is items without any entry. An
        opening sums many items, so all openings of the company are compared: an
        item that changed its partner no longer tells whose opening it was in.

        :return: keys of the subledger accounts touched
        """
        companies = self._find_companies_of_touched_history(candidates)
        return self._write_openings(companies, origin) if companies else set()

    @api.model
    def _find_companies_of_touched_history(self, candidates):
        """Companies with opening entries whose history the candidates touch; all
        of them when an item without any entry is gone, for then nothing tells."""
        query = SQL(
            """
            SELECT DISTINCT company.id
              FROM (%(candidates)s) AS candidate
              LEFT JOIN account_move_line AS line ON line.id = candidate.move_line_id
              LEFT JOIN account_move AS move ON move.id = line.move_id
              JOIN res_company AS company
                ON company.id = COALESCE(move.company_id, company.id)
             WHERE company.subledger_history = 'opening'
               AND CASE WHEN line.id IS NULL
                        THEN NOT EXISTS (
                            SELECT FROM subledger_entry AS entry
                             WHERE entry.move_line_id = candidate.move_line_id)
                        ELSE move.date < company.subledger_start_date END
            """,
            candidates=candidates,
        )
        # As superuser: the items decide about the companies, not who is active.
        company = self.env["res.company"].sudo()
        return company.browse(row[0] for row in self.env.execute_query(query))

    @api.model
    def _write_openings(self, companies, origin="live"):
        """Compare and correct the opening entries of ``companies``.

        :return: keys (company, partner or 0, account) of what was inserted
        """
        self._flush_what_is_read()
        rows = self.env.execute_query(self._openings_query(companies, origin))
        if rows:
            _logger.info("Ledger sync %s: %s opening entries", origin, len(rows))
        return {tuple(row) for row in rows}

    @api.model
    def _openings_query(self, companies, origin):
        return SQL(
            """
            WITH candidate AS (
                SELECT history.id AS move_line_id
                  FROM account_move_line AS history
                  JOIN res_company AS owner ON owner.id = history.company_id
                 WHERE history.company_id = ANY(%(companies)s)
                   AND owner.subledger_history = 'opening'
                   AND history.date < owner.subledger_start_date
            ),
            history AS (
                SELECT %(facts)s, company.subledger_start_date AS start_date,
                       company.currency_id AS company_currency_id
                  FROM candidate
                  %(joins)s
                 WHERE move.state = 'posted' AND %(trade)s AND NOT %(since)s
                   AND NOT EXISTS (
                       SELECT FROM subledger_entry AS entry
                        WHERE entry.move_line_id = line.id AND %(entry_live)s)
            ),
            item AS (
                SELECT company_id, partner_id, MIN(partner_name) AS partner_name,
                       account_id, ledger, start_date, company_currency_id,
                       SUM(balance) AS balance
                  FROM history
              GROUP BY company_id, partner_id, account_id, ledger, start_date,
                       company_currency_id
                HAVING SUM(balance) <> 0
            ),
            live AS (
                SELECT entry.* FROM subledger_entry AS entry
                 WHERE entry.company_id = ANY(%(companies)s)
                   AND entry.move_line_id IS NULL AND %(entry_live)s
            ),
            difference AS (
                SELECT item.*, live.id AS live_id
                  FROM item
                  FULL JOIN live
                    ON live.company_id = item.company_id
                   AND COALESCE(live.partner_id, 0) = COALESCE(item.partner_id, 0)
                   AND live.account_id = item.account_id
                   AND live.ledger = item.ledger
                 WHERE item.balance IS DISTINCT FROM live.debit - live.credit
            ),
            inserted AS (
                INSERT INTO subledger_entry (%(columns)s)
                SELECT * FROM (
                    %(reversals)s
                    UNION ALL
                    %(entries)s
                ) AS fresh (%(columns)s)
                ORDER BY fresh.company_id, fresh.partner_id, fresh.account_id,
                         fresh.event DESC
                ON CONFLICT DO NOTHING
                RETURNING company_id, COALESCE(partner_id, 0) AS partner_id, account_id
            )
            SELECT * FROM inserted
            """,
            companies=list(companies.ids),
            facts=self._item_facts_sql(),
            joins=self._item_joins_sql(),
            trade=self._trade_condition("account"),
            since=self._since_condition(),
            entry_live=self.env["subledger.entry"]._live_sql("entry"),
            columns=self._columns_sql(),
            reversals=self._reversals_sql(origin),
            entries=self._opening_entries_sql(origin),
        )

    @api.model
    def _opening_entries_sql(self, origin):
        return SQL(
            """
            SELECT company_id, partner_id, partner_name, account_id, ledger,
                   start_date, NULL::date, 'opening', GREATEST(balance, 0),
                   GREATEST(-balance, 0), company_currency_id, balance,
                   NULL::varchar, %(label)s, NULL::int, NULL::int, 'entry',
                   1 + COALESCE((
                       SELECT MAX(version) FROM subledger_entry AS known
                        WHERE known.move_line_id IS NULL
                          AND known.company_id = difference.company_id
                          AND COALESCE(known.partner_id, 0)
                              = COALESCE(difference.partner_id, 0)
                          AND known.account_id = difference.account_id), 0),
                   NULL::int, %(origin)s, %(uid)s::int, %(now)s
              FROM difference
             WHERE balance IS NOT NULL
            """,
            label=self._get_labels()["opening"],
            **self._creation(origin),
        )

    # ------------------------------------------------------------------
    # Descriptions
    # ------------------------------------------------------------------

    @api.model
    def _get_labels(self):
        """Sentences of the ledger, in the language of who posts."""
        document = "{document}"
        return {
            "out_invoice": self.env._("Invoice %(document)s", document=document),
            "out_receipt": self.env._("Sales Receipt %(document)s", document=document),
            "out_refund": self.env._("Credit Note %(document)s", document=document),
            "in_invoice": self.env._("Vendor Bill %(document)s", document=document),
            "in_receipt": self.env._(
                "Purchase Receipt %(document)s", document=document
            ),
            "in_refund": self.env._(
                "Vendor Credit Note %(document)s", document=document
            ),
            "entry": self.env._("Journal Entry %(document)s", document=document),
            "payment": self.env._("Payment %(document)s", document=document),
            "payment_out_invoice": self.env._(
                "Payment for Invoice %(document)s", document=document
            ),
            "payment_in_invoice": self.env._(
                "Payment for Vendor Bill %(document)s", document=document
            ),
            "payment_out_refund": self.env._(
                "Payment for Credit Note %(document)s", document=document
            ),
            "payment_in_refund": self.env._(
                "Payment for Vendor Credit Note %(document)s", document=document
            ),
            "statement": self.env._("Bank Transaction %(document)s", document=document),
            "exchange_difference": self.env._(
                "Exchange Difference %(document)s", document=document
            ),
            "pos": self.env._("Point of Sale %(document)s", document=document),
            "opening": self.env._("Opening Balance"),
            "reversal": self.env._("Reversal of %(document)s", document=document),
        }

    @api.model
    def _description_sql(self):
        return SQL(
            """replace(
                %(labels)s::jsonb ->> CASE
                    WHEN document_type <> 'entry' THEN document_type
                    WHEN settled.move_type IS NOT NULL
                         THEN 'payment_' || replace(settled.move_type, 'receipt',
                                                    'invoice')
                    WHEN origin_payment_id IS NOT NULL THEN 'payment'
                    WHEN statement_line_id IS NOT NULL THEN 'statement'
                    WHEN source_type IN ('exchange_difference', 'pos')
                         THEN source_type
                    ELSE 'entry' END,
                '{document}', COALESCE(settled.name, reference, ''))""",
            labels=json.dumps(self._get_labels()),
        )

    @api.model
    def _settled_document_sql(self):
        """The invoices a payment is for, as far as known when it is posted: those
        it was made for, or the one its memo names."""
        return SQL(
            """
            LEFT JOIN LATERAL (
                SELECT MIN(invoice.move_type) AS move_type,
                       string_agg(invoice.name, ', ' ORDER BY invoice.id) AS name
                  FROM account_payment AS payment
                 CROSS JOIN LATERAL (
                        SELECT link.invoice_id AS id
                          FROM account_move__account_payment AS link
                         WHERE link.payment_id = payment.id
                         UNION
                        SELECT named.id
                          FROM account_move AS named
                         WHERE named.name = payment.memo AND named.state = 'posted'
                           -- lets the unique index of posted names serve
                           AND named.name <> '/'
                           AND named.company_id = payment.company_id
                       ) AS paid
                  JOIN account_move AS invoice ON invoice.id = paid.id
                 WHERE payment.id = difference.origin_payment_id
                   AND invoice.move_type <> 'entry'
            ) AS settled ON difference.origin_payment_id IS NOT NULL
            """
        )
