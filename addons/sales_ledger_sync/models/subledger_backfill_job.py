import logging
import time

from psycopg2 import OperationalError, errors

from odoo import api, models
from odoo.tools import SQL

from ..retrying import RETRIABLE, retry
from .subledger_account_sealing import PENDING
from .subledger_sync import ALL_PARTS

_logger = logging.getLogger(__name__)

# Items compared in one transaction: about a second, some ten megabytes.
BATCH_ITEMS = 50_000
# For the sorts and joins of one batch, which do not fit into the usual setting.
WORK_MEM = "64MB"
ATTEMPTS = 8
# Ways of PostgreSQL to read a whole table, and to compile a long statement.
READ_OTHERWISE = ("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "jit")


class SubledgerBackfill(models.Model):
    """The background job: committed batches by id of the journal items."""

    _inherit = "subledger.backfill"

    @api.model
    def _cron_run(self):
        """Work on the running backfills until they are done or time is over."""
        running = self.search([("state", "=", "running")], order="id")
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=running._count_remaining())
        for backfill in running:
            if not backfill._run():
                break

    def _run(self):
        """Batch after batch; return whether there is time for more.

        Every batch is committed with its progress. A person who pauses or cancels
        writes the same row: one of the two waits, and the job sees the new state
        before its next batch.
        """
        while self.exists() and self.state == "running":
            processed = self._run_batch_safely()
            left = self.env["ir.cron"]._commit_progress(
                processed, remaining=self._count_remaining()
            )
            if not left:
                return False
        return True

    def _run_batch_safely(self):
        try:
            return self._run_batch_with_retries()
        except OperationalError:
            # The database, not the data: the next run of the job goes on.
            raise
        except Exception as error:
            _logger.exception("Backfill %s failed", self.id)
            self.env.cr.rollback()
            self.write({"state": "failed", "error": str(error)})
            return 0

    def _run_batch_with_retries(self):
        # An item of the batch that somebody wrote at the same moment is known, and
        # left alone, when the batch is tried again.
        return retry(
            self._try_batch,
            ATTEMPTS,
            0.05,
            undo=self.env.cr.rollback,
            lost=(*RETRIABLE, errors.UniqueViolation),
        )

    def _try_batch(self):
        if self.state != "running":
            return 0
        processed = self._run_batch()
        self.env.flush_all()
        return processed

    def _run_batch(self):
        """Do the next piece of work in this transaction; return the items done."""
        self.ensure_one()
        started = time.monotonic()
        self.env.cr.execute(SQL("SET LOCAL work_mem = %s", WORK_MEM))
        if not self.openings_done:
            values, processed = self._split_openings(), 0
        else:
            values, processed = self._run_items()
        values["seconds"] = self.seconds + time.monotonic() - started
        self.write(values)
        if values.get("state") == "done":
            # What the ledger looks like now, and what stayed out of it.
            self._write_figures(compare=False)
        self._leave_sealing_to_sweep()
        return processed

    def _leave_sealing_to_sweep(self):
        """Let the scheduled sweeps seal beside this job, on processors of their own."""
        if self.env.cr.postcommit.data.pop(PENDING, None):
            self.env["subledger.account"]._trigger_sweeps(self.env)

    def _run_items(self):
        """Let the engine compare the next items; nothing left: done."""
        self._read_by_index()
        last, count = self._get_next_batch()
        if not count:
            self._read_as_planned()
            return self._finish(), 0
        sync = self.env["subledger.sync"]
        with self._settings_of_draft():
            if self._is_any_known(last):
                items = SQL(
                    "SELECT line.id AS move_line_id %s", self._from_items_sql(last)
                )
                result = sync._sync(
                    items, "backfill", ALL_PARTS._replace(openings=False)
                )
            else:
                items = SQL(
                    "line.company_id = %s AND line.id > %s AND line.id <= %s",
                    self.company_id.id,
                    self.last_line_id,
                    last,
                )
                result = sync._sync_new(
                    items, "backfill", ALL_PARTS._replace(openings=False)
                )
        return {
            "last_line_id": last,
            "items_done": self.items_done + count,
            **self._add_counts(result),
        }, count

    def _is_any_known(self, last):
        """Whether any of the next items, up to the id ``last``, may have an entry."""
        query = SQL(
            """SELECT EXISTS (SELECT FROM subledger_entry
                               WHERE move_line_id > %s AND move_line_id <= %s)""",
            self.last_line_id,
            last,
        )
        return self.env.execute_query(query)[0][0]

    def _read_by_index(self):
        """For the rest of this transaction, go from the items to their documents.

        The planner would rather read the big tables from end to end, for every batch
        again; by index a batch takes the same time however long the history is. What
        it thinks that costs would have it compile the statement, every time.
        """
        for name in READ_OTHERWISE:
            self.env.cr.execute(SQL("SET LOCAL %s = off", SQL.identifier(name)))

    def _read_as_planned(self):
        for name in READ_OTHERWISE:
            self.env.cr.execute(SQL("SET LOCAL %s TO DEFAULT", SQL.identifier(name)))

    def _get_next_batch(self):
        """Id of the last item of the next batch, and the number of its items."""
        [bounds] = self.env.execute_query(
            SQL(
                """SELECT MAX(id), COUNT(*)
                     FROM (SELECT line.id %s ORDER BY line.id LIMIT %s) AS item""",
                self._from_items_sql(),
                BATCH_ITEMS,
            )
        )
        return bounds

    def _count_items(self):
        [(count,)] = self.env.execute_query(
            SQL("SELECT COUNT(*) %s", self._from_items_sql())
        )
        return count

    def _from_items_sql(self, last=None):
        """FROM and WHERE: posted items on control accounts, still to be compared.

        :param int last: up to this id; to the end of the backfill when omitted
        """
        self.env["account.move.line"].flush_model(
            ["account_id", "company_id", "parent_state"]
        )
        return SQL(
            """
              FROM account_move_line AS line
              JOIN account_account AS account ON account.id = line.account_id
             WHERE line.company_id = %(company)s
               AND line.parent_state = 'posted'
               AND line.id > %(done)s
               AND (line.id <= %(end)s OR %(end)s = 0)
               AND %(trade)s
            """,
            company=self.company_id.id,
            done=self.last_line_id,
            end=last or self.end_line_id,
            trade=self.env["subledger.sync"]._trade_condition("account"),
        )

    def _get_last_line_id(self):
        rows = self.env.execute_query(SQL("SELECT MAX(id) FROM account_move_line"))
        return rows[0][0] or 0

    def _count_remaining(self):
        """Items that all running backfills still have before them, and one step to
        finish each: a job with remaining work is run again at once."""
        return sum(
            max(backfill.items_total - backfill.items_done, 0) + 1
            for backfill in self.search([("state", "=", "running")])
        )
