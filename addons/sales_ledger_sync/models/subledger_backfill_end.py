import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .subledger_backfill import FINISHED
from .subledger_backfill_figures import KEPT
from .subledger_sync import WITHOUT_OPENINGS

_logger = logging.getLogger(__name__)

# Transactions that were under way at the end of a backfill are over then: requests and
# scheduled actions may take two minutes by default.
SETTLE_AFTER = timedelta(minutes=10)


class SubledgerBackfill(models.Model):
    """The end of a backfill: what was posted, changed or moved while it was at work.

    Ledger and documents are compared once more, all of them. The two lanes went through
    the items one after the other, and contacts may have changed lanes behind them.
    """

    _inherit = "subledger.backfill"

    def _finish(self):
        """Compare, and change the settings; by who finds all lanes done.

        :return: None, there is nothing left
        """
        started = time.monotonic()
        # Waits for those at work: whoever of them ends last comes here after that.
        if not self._is_running(SQL("NO KEY UPDATE")):
            return
        lanes = self.lane_ids
        if not (self.openings_done and lanes and all(lanes.mapped("is_done"))):
            return
        draft = self._under_own_settings()
        result = draft._sync_what_differs()
        openings = draft._write_openings()
        self._apply_settings()
        # What the ledger looks like now, and what stayed out of it.
        self._write_figures(compare=False)
        lanes[0]._add(result, seconds=time.monotonic() - started)
        self.write(
            {
                "state": "done",
                "finished_on": fields.Datetime.now(),
                "opening_count": openings if self.mode == "opening" else 0,
            }
        )
        self._leave_sealing_to_sweep()

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

    # ------------------------------------------------------------------
    # Transactions that were under way
    # ------------------------------------------------------------------

    @api.model
    def _get_unsettled(self):
        """Backfills that ended, or were cancelled, some time ago."""
        return self.search(
            [
                ("state", "in", FINISHED),
                ("started_on", "!=", False),
                ("is_settled", "=", False),
                ("finished_on", "<=", fields.Datetime.now() - SETTLE_AFTER),
            ],
            order="id",
        )

    def _settle(self):
        """Compare once more, under the settings of now.

        Who resets a document to draft while its entry is being written sees no entry,
        and the backfill sees no draft: neither transaction has to wait for the other.

        :return: None, there is nothing left
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT FROM subledger_backfill
                    WHERE id = %s AND is_settled IS NOT TRUE
                      FOR NO KEY UPDATE SKIP LOCKED""",
                self.id,
            )
        )
        if not rows:
            return
        result = self._sync_what_differs()
        openings = self._write_openings()
        if result.entries or result.reversals or openings:
            _logger.info(
                "Backfill %s settled: %s entries, %s reversals, %s opening entries",
                self.id,
                result.entries,
                result.reversals,
                openings,
            )
        self.is_settled = True

    # ------------------------------------------------------------------
    # What differs
    # ------------------------------------------------------------------

    def _sync_what_differs(self):
        """Bring up to date what the lanes did not find, or found otherwise.

        :rtype: SyncResult
        """
        self._keep_standing_out()
        candidates = SQL("%s UNION %s", self._changed_sql(), self._astray_sql())
        sync = self.env["subledger.sync"]
        return sync._sync(candidates, "backfill", WITHOUT_OPENINGS)

    def _keep_standing_out(self):
        """Keep the items that stand out in a table of this transaction: the engine
        and the figures ask for them, and finding them reads the whole ledger."""
        self.env["subledger.sync"]._flush_what_is_read()
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS pg_temp.subledger_standing_out"))
        self.env.cr.execute(
            SQL(
                """CREATE TEMPORARY TABLE subledger_standing_out ON COMMIT DROP
                       AS %s""",
                self._standing_out_sql(),
            )
        )

    def _astray_sql(self):
        """Items without entry that should have one, entries that no longer fit."""
        return SQL(
            """
            SELECT move_line_id FROM (%s) AS item WHERE is_missing
             UNION
            SELECT move_line_id FROM (%s) AS item WHERE is_astray
            """,
            self._classified_items_sql(KEPT),
            KEPT,
        )

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
