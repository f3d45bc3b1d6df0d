from odoo import api, models
from odoo.tools import SQL

DO_NOTHING = SQL("ON CONFLICT DO NOTHING")


class SubledgerSync(models.AbstractModel):
    """The engine's statement, and what it inserts for each difference: the reversal
    of the live entry, and the entry for what is true now.
    """

    _inherit = "subledger.sync"

    @api.model
    def _insert_query(self, facts, origin, parts):
        """The engine as one statement; see the class.

        :param SQL facts: common table expressions, ``compared`` and ``difference``
            among them
        :return: rows of the number of items compared, event, company, partner or 0,
            account, count; a single row with empty event when there was nothing to do
        :rtype: SQL
        """
        return SQL(
            """
            WITH %(facts)s,
            inserted AS (%(insert)s)
            SELECT (SELECT COUNT(*) FROM compared), event, company_id, partner_id,
                   account_id, COUNT(event)
              FROM (SELECT) AS always
              LEFT JOIN inserted ON TRUE
             GROUP BY event, company_id, partner_id, account_id
            """,
            facts=facts,
            insert=self._insert_sql(
                self._reversals_sql(origin) if parts.known else None,
                self._entries_sql(origin, parts)
                if parts.known
                else self._new_entries_sql(origin, parts),
                SQL("move_line_id"),
                self._conflict_sql(origin, parts),
            ),
        )

    @api.model
    def _conflict_sql(self, origin, parts):
        """An item that has its entry by now, or gets it from somebody else.

        PostgreSQL looks into every unique index for each row to know, a sixth of the
        time of a backfill. That finds no entry of its items, so only a transaction of
        the same moment can be in its way; it then fails, and is repeated.
        """
        if origin == "backfill" and not parts.known:
            return SQL()
        return DO_NOTHING

    @api.model
    def _insert_sql(self, reversals, entries, order, on_conflict=DO_NOTHING):
        """Of each thing in ``order`` the reversal first, then its new state."""
        rows = entries
        if reversals:
            rows = SQL(
                "SELECT * FROM (%s UNION ALL %s) AS fresh (%s)",
                reversals,
                entries,
                self._columns_sql(),
            )
            order = SQL("%s, event DESC", order)
        return SQL(
            """
            INSERT INTO subledger_entry (%(columns)s)
            %(rows)s
            ORDER BY %(order)s
            %(on_conflict)s
            RETURNING event, company_id, COALESCE(partner_id, 0) AS partner_id,
                      account_id
            """,
            columns=self._columns_sql(),
            rows=rows,
            order=order,
            on_conflict=on_conflict,
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
    def _entries_sql(self, origin, parts, difference=None, partner_name=None):
        return SQL(
            """
            SELECT company_id, partner_id, %(partner_name)s, account_id, ledger, date,
                   date_maturity,
                   CASE WHEN is_transfer THEN 'transfer'
                        ELSE COALESCE(source_type, 'adjustment') END,
                   GREATEST(balance, 0), GREATEST(-balance, 0), currency_id,
                   amount_currency, reference, %(description)s, move_id, move_line_id,
                   'entry', %(version)s, NULL::int, %(origin)s, %(uid)s::int, %(now)s
              FROM %(difference)s
             WHERE item_id IS NOT NULL
            """,
            difference=difference or SQL("difference"),
            partner_name=partner_name or self._partner_name_sql(),
            description=self._description_sql(parts),
            version=self._next_version_sql() if parts.known else SQL("1"),
            **self._creation(origin),
        )

    @api.model
    def _new_entries_sql(self, origin, parts, difference=None):
        """The same of items without entries, whose facts name their partner."""
        return self._entries_sql(origin, parts, difference, SQL("owner_name"))

    @api.model
    def _partner_name_sql(self):
        return SQL("(SELECT name FROM res_partner WHERE id = difference.partner_id)")

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
