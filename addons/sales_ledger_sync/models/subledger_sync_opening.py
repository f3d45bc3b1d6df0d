import logging

from odoo import api, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)


class SubledgerSync(models.AbstractModel):
    """The engine for opening entries: one per subledger account, for all that was
    there before the company's ledger began."""

    _inherit = "subledger.sync"

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
        of them when an item without any entry is gone, for then nothing tells.

        An item of today may have been history until now, if its document was posted
        before the start: its date may have changed.
        """
        query = SQL(
            """
            SELECT DISTINCT company.id
              FROM (%(candidates)s) AS candidate
              LEFT JOIN account_move_line AS line ON line.id = candidate.move_line_id
              LEFT JOIN account_move AS move ON move.id = line.move_id
              JOIN %(company_table)s AS company
                ON company.id = COALESCE(move.company_id, company.id)
             WHERE company.subledger_history = 'opening'
               AND CASE WHEN line.id IS NULL
                        THEN NOT EXISTS (
                            SELECT FROM subledger_entry AS entry
                             WHERE entry.move_line_id = candidate.move_line_id)
                        ELSE move.date < company.subledger_start_date
                             OR COALESCE(move.subledger_posted_at
                                         < company.subledger_start_date, TRUE) END
            """,
            candidates=candidates,
            company_table=self._company_sql(),
        )
        # As superuser: the items decide about the companies, not who is active.
        company = self.env["res.company"].sudo()
        return company.browse(row[0] for row in self.env.execute_query(query))

    @api.model
    def _write_openings(self, companies, origin="live", partner_ids=None):
        """Compare and correct the opening entries of ``companies``.

        :param partner_ids: only of these commercial partners; 0 is nobody
        :return: keys (company, partner or 0, account) of what was inserted
        """
        self._flush_what_is_read()
        rows = self.env.execute_query(
            self._openings_query(companies, origin, partner_ids)
        )
        if rows:
            _logger.info("Ledger sync %s: %s opening entries", origin, len(rows))
        return {tuple(row) for row in rows}

    @api.model
    def _openings_query(self, companies, origin, partner_ids=None):
        return SQL(
            """
            WITH candidate AS (
                SELECT history.id AS move_line_id
                  FROM account_move_line AS history
                  JOIN %(company_table)s AS owner ON owner.id = history.company_id
                 WHERE history.company_id = ANY(%(companies)s)
                   AND owner.subledger_history = 'opening'
                   AND history.date < owner.subledger_start_date
                   AND %(history_asked)s
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
                SELECT company_id, partner_id, account_id, ledger, start_date,
                       company_currency_id, SUM(balance) AS balance
                  FROM history
              GROUP BY company_id, partner_id, account_id, ledger, start_date,
                       company_currency_id
                HAVING SUM(balance) <> 0
            ),
            live AS (
                SELECT entry.* FROM subledger_entry AS entry
                 WHERE entry.company_id = ANY(%(companies)s)
                   AND entry.move_line_id IS NULL AND %(entry_live)s
                   AND %(entry_asked)s
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
            inserted AS (%(insert)s)
            SELECT company_id, partner_id, account_id FROM inserted
            """,
            companies=list(companies.ids),
            company_table=self._company_sql(),
            facts=self._item_facts_sql(),
            joins=self._item_joins_sql(),
            trade=self._trade_condition("account"),
            since=self._since_condition(),
            entry_live=self.env["subledger.entry"]._live_sql("entry"),
            history_asked=self._of_partners_sql(SQL("history.partner_id"), partner_ids),
            entry_asked=SQL("TRUE")
            if partner_ids is None
            else SQL("COALESCE(entry.partner_id, 0) = ANY(%s)", list(partner_ids)),
            insert=self._insert_sql(
                self._reversals_sql(origin),
                self._opening_entries_sql(origin),
                SQL("company_id, partner_id, account_id"),
            ),
        )

    @api.model
    def _of_partners_sql(self, contact, partner_ids):
        """SQL condition: the contact of an item belongs to one of these commercial
        partners; 0 is nobody, None everybody."""
        if partner_ids is None:
            return SQL("TRUE")
        condition = SQL(
            """%s IN (SELECT id FROM res_partner
                      WHERE COALESCE(commercial_partner_id, id) = ANY(%s))""",
            contact,
            list(partner_ids),
        )
        if 0 in partner_ids:
            condition = SQL("(%s OR %s IS NULL)", condition, contact)
        return condition

    @api.model
    def _opening_entries_sql(self, origin):
        return SQL(
            """
            SELECT company_id, partner_id, %(partner_name)s, account_id, ledger,
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
            partner_name=self._partner_name_sql(),
            label=self._get_labels()["opening"],
            **self._creation(origin),
        )
