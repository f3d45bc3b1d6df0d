import time

from odoo import models
from odoo.tools import SQL

from .subledger_sync import WITHOUT_OPENINGS
from .subledger_sync_scope import DRAFT_SETTINGS, DraftSettings

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

    def _under_own_settings(self):
        """This backfill with the engine working as the company's settings will want."""
        start_date = self.start_date or self.company_id.subledger_start_date
        settings = DraftSettings(self.company_id.id, self.mode, start_date or None)
        return self.with_context(**{DRAFT_SETTINGS: settings})

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
        opening, nor holds it twice. By one worker; the others have their turn then.

        :return: 0; None if there is nothing left to split, or not for us
        """
        started = time.monotonic()
        is_ours = self._is_running(SQL("NO KEY UPDATE SKIP LOCKED"))
        if not is_ours or self.openings_done:
            return None
        partner_ids = self._get_next_partners_with_opening()
        if not partner_ids:
            self.openings_done = True
            self._trigger_job()
            return None
        sync = self._under_own_settings().env["subledger.sync"]
        items = self._history_sql(partner_ids)
        result = sync._sync(items, "backfill", WITHOUT_OPENINGS)
        # What has no entry now stays in the opening, as the company's settings want.
        self._write_openings(partner_ids)
        self.last_partner_id = partner_ids[-1]
        self.lane_ids[:1]._add(result, seconds=time.monotonic() - started)
        self._leave_sealing_to_sweep()
        return 0

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
