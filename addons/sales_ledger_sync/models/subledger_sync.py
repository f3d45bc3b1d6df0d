import logging
from collections import Counter, namedtuple

from odoo import api, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

SyncResult = namedtuple("SyncResult", ["entries", "reversals", "items"])
# What not every set of candidates needs: whether any of them has an entry, has no
# source in its own document, is a reversal, is of a payment; whether any company keeps
# opening entries, which the candidates may touch.
Parts = namedtuple("Parts", ["known", "unsourced", "reversal", "payment", "openings"])
ALL_PARTS = Parts(*[True] * len(Parts._fields))
WITHOUT_OPENINGS = ALL_PARTS._replace(openings=False)
NO_PARTS = Parts(*[False] * len(Parts._fields))

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

    Here are the entry points. What they compare is found in
    ``subledger_sync_candidates``, what is in scope in ``subledger_sync_scope``, the
    comparison in ``subledger_sync_comparison``, what needs none in
    ``subledger_sync_new`` and ``subledger_sync_first_posting``, and what is written in
    ``subledger_sync_insertion``, with its sentences in ``subledger_sync_description``.
    Opening entries are in ``subledger_sync_opening``.
    """

    _name = "subledger.sync"
    _description = "Subledger Engine"

    @api.model
    def _sync_moves(self, move_ids, origin="live"):
        """Bring the entries of these journal entries up to date.

        :param move_ids: ids of account.move, existing or deleted
        :param str origin: who asks, one of ``subledger.entry.origin``
        :rtype: SyncResult
        """
        return self._sync_few(self._candidates_of_moves(move_ids), origin)

    @api.model
    def _sync_first_posting(self, moves):
        """The same for journal entries that are posted for the first time.

        One statement without any comparison, of rows that need not be read again; an
        item that gets its entry now was in no opening entry. Where not every item gets
        one, all are compared: some are out of scope, or known in spite of what the
        moves say.

        :param moves: account.move records
        :rtype: SyncResult
        """
        # sudo: what they are decides, whatever the user may read of them
        moves = moves.sudo()
        if any(map(self._is_unsourced, moves)):
            return self._sync_moves(moves.ids)
        lines = moves.line_ids._filter_receivable_payable()
        parts = NO_PARTS._replace(payment=bool(moves.origin_payment_id))
        if parts.payment:
            # the invoices that it is for
            self._flush_what_is_read()
        rows = self.env.execute_query(self._first_entries_query(lines, parts))
        keys = Counter(tuple(key) for _event, *key in rows)
        result = SyncResult(len(rows), 0, len(lines))
        self._finish(result, keys, "live")
        if moves.line_ids and result.entries == len(lines):
            return result
        rest = self._sync_moves(moves.ids)
        return rest._replace(entries=result.entries + rest.entries)

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
                       bool_or(%s),
                       bool_or(move.reversed_entry_id IS NOT NULL),
                       bool_or(move.origin_payment_id IS NOT NULL),
                       (SELECT bool_or(subledger_history = 'opening')
                          FROM res_company)
                  FROM (%s) AS candidate
                  LEFT JOIN account_move_line AS line
                         ON line.id = candidate.move_line_id
                  LEFT JOIN account_move AS move ON move.id = line.move_id
                """,
                self._unsourced_condition(),
                candidates,
            )
        )
        if not line_ids:
            return SyncResult(0, 0, 0)
        parts = Parts(*needs)
        if parts.known or parts.openings:
            return self._sync(self._candidates_of_lines(line_ids), origin, parts)
        return self._sync_new(line_ids, origin, parts)

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
        facts = self._facts_sql(candidates, parts)
        compared = parts._replace(known=True)
        result, keys = self._insert_difference(facts, origin, compared)
        if parts.openings:
            keys.update(self._sync_openings(candidates, origin))
        return self._finish(result, keys, origin)

    @api.model
    def _sync_new(self, line_ids, origin="live", parts=ALL_PARTS, heads=()):
        """The same for items that have no entry: there is nothing to compare with.

        Opening entries are not looked at.

        :param heads: ids of locked heads of subledger accounts; entries of these are
            sealed as they are written
        """
        self._flush_what_is_read()
        facts = self._new_facts_sql(line_ids, parts)
        parts = parts._replace(known=False)
        if heads:
            result, keys = self._insert_sealed(facts, origin, parts, heads)
        else:
            result, keys = self._insert_difference(facts, origin, parts)
        return self._finish(result, keys, origin)

    @api.model
    def _insert_difference(self, facts, origin, parts):
        """Run the engine's statement.

        :param SQL facts: its common table expressions
        :return: a SyncResult, and the subledger accounts that got entries, with their
            numbers
        :rtype: tuple[SyncResult, Counter]
        """
        rows = self.env.execute_query(self._insert_query(facts, origin, parts))
        events, keys = Counter(), Counter()
        for _items, event, *key, count in rows:
            if event:
                events[event] += count
                keys[tuple(key)] += count
        return SyncResult(events["entry"], events["reversal"], rows[0][0]), keys

    @api.model
    def _finish(self, result, keys, origin):
        """Have what was written sealed after the commit, and say so in the log."""
        self.env["subledger.account"]._schedule_sealing(keys)
        # A batch says so as well when all of it was there before.
        if result.entries or result.reversals or origin == "backfill":
            _logger.info(
                "Ledger sync %s: %s entries, %s reversals, %s items", origin, *result
            )
        return result

    @api.model
    def _flush_what_is_read(self):
        for model, names in READ_FIELDS.items():
            self.env[model].flush_model(names)
