from contextlib import contextmanager

from odoo import fields, models
from odoo.tools import SQL

from .subledger_sync import ALL_PARTS

# Partners whose opening entries give way to entries in one transaction.
BATCH_PARTNERS = 200


class SubledgerBackfill(models.Model):
    """From the way a company keeps its history to the way the backfill wants it.

    The engine works under the settings of the backfill, within each transaction, and
    everybody else under the company's, until the last step changes them. In between
    both are right: entries that the company's settings do not ask for may stay, and
    what an opening entry holds and what has an entry of its own never overlap.
    """

    _inherit = "subledger.backfill"

    @contextmanager
    def _settings_of_draft(self):
        """Show the engine the settings of this backfill, and put back the company's.

        By SQL, below the hooks and caches of the company: nothing outside of this
        transaction ever sees the change.
        """
        query = SQL(
            """SELECT subledger_history, subledger_start_date
                 FROM res_company WHERE id = %s""",
            self.company_id.id,
        )
        [before] = self.env.execute_query(query)
        wanted = (self.mode, self.start_date or before[1])
        if before == wanted:
            yield
            return
        self._set_company_settings(*wanted)
        yield
        self._set_company_settings(*before)

    def _set_company_settings(self, history, start_date):
        self.env.cr.execute(
            SQL(
                """UPDATE res_company
                      SET subledger_history = %s, subledger_start_date = %s
                    WHERE id = %s""",
                history,
                start_date,
                self.company_id.id,
            )
        )

    # ------------------------------------------------------------------
    # Opening entries that give way to entries
    # ------------------------------------------------------------------

    def _is_any_opening_to_split(self):
        company = self.company_id
        return company.subledger_history == "opening" and (
            self.mode == "full" or self.start_date < company.subledger_start_date
        )

    def _split_openings(self):
        """Write the entries of the next partners' history, and their openings anew.

        All of a partner in one transaction: a balance never lacks what was in the
        opening, nor holds it twice.

        :return: values to write on this backfill
        """
        partner_ids = self._get_next_partners_with_opening()
        if not partner_ids:
            return {"openings_done": True}
        sync = self.env["subledger.sync"]
        items = self._history_sql(partner_ids)
        with self._settings_of_draft():
            result = sync._sync(items, "backfill", ALL_PARTS._replace(openings=False))
        # What has no entry now stays in the opening, as the company's settings want.
        self._write_openings(partner_ids)
        return {"last_partner_id": partner_ids[-1], **self._add_counts(result)}

    def _get_next_partners_with_opening(self):
        """Ids of commercial partners, 0 for nobody, in the order they are done."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT COALESCE(partner_id, 0) AS partner_id
                  FROM subledger_entry AS entry
                 WHERE company_id = %s AND move_line_id IS NULL AND %s
                   AND COALESCE(partner_id, 0) > %s
              ORDER BY 1 LIMIT %s
                """,
                self.company_id.id,
                self.env["subledger.entry"]._live_sql("entry"),
                self.last_partner_id,
                BATCH_PARTNERS,
            )
        )
        return [partner_id for (partner_id,) in rows]

    def _history_sql(self, partner_ids):
        """Items of these partners from before the company's ledger, as it is now."""
        sync = self.env["subledger.sync"]
        return SQL(
            """
            SELECT line.id AS move_line_id
              FROM account_move_line AS line
              JOIN account_account AS account ON account.id = line.account_id
             WHERE line.company_id = %s AND line.parent_state = 'posted'
               AND line.date < %s AND %s AND %s
            """,
            self.company_id.id,
            self.company_id.subledger_start_date,
            sync._of_partners_sql(SQL("line.partner_id"), partner_ids),
            sync._trade_condition("account"),
        )

    def _write_openings(self, partner_ids=None):
        """Correct the opening entries; return how many accounts they were of."""
        sync = self.env["subledger.sync"]
        keys = sync._write_openings(self.company_id, "backfill", partner_ids)
        self.env["subledger.account"]._schedule_sealing(keys)
        return len(keys)

    # ------------------------------------------------------------------
    # The last step
    # ------------------------------------------------------------------

    def _finish(self):
        """Do what was posted or changed meanwhile, and change the settings.

        :return: values to write on this backfill
        """
        sync = self.env["subledger.sync"]
        with self._settings_of_draft():
            result = sync._sync(
                self._changed_sql(), "backfill", ALL_PARTS._replace(openings=False)
            )
            openings = self._write_openings()
        self._apply_settings()
        return {
            "state": "done",
            "finished_on": fields.Datetime.now(),
            "opening_count": openings if self.mode == "opening" else 0,
            **self._add_counts(result),
        }

    def _changed_sql(self):
        """Items that are new, or that somebody changed, since the job began.

        They were captured as they were posted, but under the settings of then. An
        hour more, for a transaction that was under way at the start.
        """
        return SQL(
            """
            SELECT id AS move_line_id FROM account_move_line
             WHERE company_id = %(company)s
               AND (id > %(end)s OR write_date >= %(since)s)
             UNION
            SELECT line.id
              FROM account_move AS move
              JOIN account_move_line AS line ON line.move_id = move.id
             WHERE move.company_id = %(company)s AND move.write_date >= %(since)s
            """,
            company=self.company_id.id,
            end=self.end_line_id,
            since=fields.Datetime.subtract(self.started_on, hours=1),
        )

    def _apply_settings(self):
        """From now on everybody works as the backfill did."""
        company = self.company_id
        wanted = {"subledger_history": self.mode}
        if self.start_date:
            wanted["subledger_start_date"] = self.start_date
        changed = {
            name: value for name, value in wanted.items() if company[name] != value
        }
        if changed:
            # A ledger manager sets the ledger's own settings without the rights to
            # the rest of the company.
            company.sudo().write(changed)

    def _add_counts(self, result):
        return {
            "entry_count": self.entry_count + result.entries,
            "reversal_count": self.reversal_count + result.reversals,
        }
