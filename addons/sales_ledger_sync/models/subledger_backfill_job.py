import itertools
import logging
import time
from typing import NamedTuple

from psycopg2 import OperationalError, errors

from odoo import api, models
from odoo.tools import SQL

from ..retrying import RETRIABLE, retry
from .subledger_account_sealing import DAMAGED, PENDING
from .subledger_sync import WITHOUT_OPENINGS

_logger = logging.getLogger(__name__)

# Items entered in one transaction: half a second, some ten megabytes.
BATCH_ITEMS = 25_000
# For the sorts and joins of one batch, which do not fit into the usual setting.
WORK_MEM = "64MB"
ATTEMPTS = 8
# Ways of PostgreSQL to read a whole table, and to compile a long statement; ways to
# join, of which only the comparison with the ledger needs one.
READ_WHOLE = ("enable_seqscan", "jit")
JOIN_WHOLE = ("enable_hashjoin", "enable_mergejoin")


class ItemBatch(NamedTuple):
    """The next items of a lane that stands at ``start``: their ids, in order, their
    subledger accounts, whether any of them has an entry, and whether their entries are
    sealed as they are written."""

    start: int
    line_ids: list
    keys: set
    is_known: bool
    is_sealed_at_once: bool


class SubledgerBackfill(models.Model):
    """The background job: committed steps, by two scheduled actions side by side."""

    _inherit = "subledger.backfill"

    @api.model
    def _cron_run(self, backwards=False):
        """Work on the running backfills until they are done or time is over.

        :param bool backwards: begin with the last lane, as the second worker does
        """
        for backfill in self._get_unsettled():
            backfill._repeat(backfill._settle)
        running = self.search([("state", "=", "running")], order="id")
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=running._count_remaining())
        if all(backfill._run(backwards) for backfill in running):
            # What is left has somebody at work on it.
            cron._commit_progress(remaining=0)

    def _run(self, backwards=False):
        """Do what nobody else is at work on; return whether there is time for more."""
        if not self._repeat(self._split_openings):
            return False
        if not self.openings_done:
            return True  # Another one is splitting them, and calls when it is done.
        for lane in self.lane_ids.sorted("number", reverse=backwards):
            with lane._hold() as is_held:
                if is_held and not self._repeat(
                    lambda lane=lane: self._run_items(lane)
                ):
                    return False
        return self._repeat(self._finish)

    def _repeat(self, step):
        """Call ``step`` again and again, each time in a committed transaction.

        A person who pauses or cancels writes the row that each step locks: one of the
        two waits, and the job sees the new state before its next step.

        :param step: method that returns the number of items done, None for no more
        :return: whether there is time for more
        """
        processed = 0
        while True:
            # Also before the first step: it begins with a lock and a fresh snapshot.
            left = self.env["ir.cron"]._commit_progress(
                processed or 0, remaining=self._count_remaining()
            )
            if processed is None or not left:
                return bool(left)
            processed = self._do_safely(step)

    def _do_safely(self, step):
        try:
            return retry(
                step,
                ATTEMPTS,
                0.05,
                undo=self.env.cr.rollback,
                lost=(*RETRIABLE, errors.UniqueViolation),
            )
        except OperationalError:
            # The database, not the data: the next run of the job goes on.
            raise
        except Exception as error:
            _logger.exception("Backfill %s failed", self.id)
            self.env.cr.rollback()
            if self._is_running(SQL("NO KEY UPDATE")):
                self.write({"state": "failed", "error": str(error)})
            return None

    def _is_running(self, lock):
        """Whether to go on, in the order of the commits.

        :param SQL lock: against whoever changes the state, or works on the same
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT state = 'running' FROM subledger_backfill WHERE id = %s FOR %s",
                self.id,
                lock,
            )
        )
        self.invalidate_recordset()
        return rows == [(True,)]

    # ------------------------------------------------------------------
    # The items of a lane
    # ------------------------------------------------------------------

    def _run_items(self, lane):
        """Let the engine enter the next items of ``lane``, sealed at once.

        :return: number of items; None if there are no more, or not for us
        """
        try:
            return self._run_batch(lane)
        except DAMAGED as error:
            # An account that was changed past Odoo must not keep the others out of the
            # ledger. Or somebody entered one of the items just now.
            self.env.cr.rollback()
            _logger.info("Backfill %s repeats a batch unsealed: %s", self.id, error)
            return self._run_batch(lane, seal=False)

    def _run_batch(self, lane, seal=True):
        started = time.monotonic()
        accounts = self.env["subledger.account"]
        batch = accounts._in_own_transaction(self._plan_items, lane, seal)
        # The first statement of the transaction, as when sealing.
        heads = accounts._take_heads(batch.keys) if batch.is_sealed_at_once else []
        if not (self._is_running(SQL("SHARE")) and self.openings_done):
            return None
        if not lane._lock_at(batch.start):
            return None
        if not batch.line_ids:
            lane.is_done = True
            return None
        result = self._enter_items(batch, heads)
        if result.entries and self.company_id.subledger_history == "opening":
            # Split before, these items came into an opening entry again: customers
            # were merged, or an account became a control account.
            self._write_openings(
                sorted({partner_id for _c, partner_id, _a in batch.keys})
            )
        lane._add(
            result,
            len(batch.line_ids),
            time.monotonic() - started,
            last_line_id=batch.line_ids[-1],
        )
        self.env.flush_all()
        self._leave_sealing_to_sweep()
        return len(batch.line_ids)

    def _plan_items(self, env, lane, seal):
        """Find the next items of ``lane``; their accounts get heads to be locked if
        entries are to be sealed at once.

        :rtype: ItemBatch
        """
        self, lane = self.with_env(env), lane.with_env(env)
        self._read_by_index()
        # OFFSET: control accounts first, for most items are on others.
        rows = env.execute_query(
            SQL(
                """
                SELECT partner_id, account_id, array_agg(id)
                  FROM (SELECT *
                          FROM (SELECT line.id, COALESCE(%(owner)s, 0) AS partner_id,
                                       line.account_id
                                  %(items)s
                              ORDER BY line.id OFFSET 0) AS item
                         WHERE %(lane)s
                      ORDER BY id
                         LIMIT %(limit)s) AS item
              GROUP BY partner_id, account_id
                """,
                owner=env["subledger.sync"]._owner_sql(),
                items=self._from_items_sql(lane.last_line_id),
                lane=lane._get_condition(SQL("partner_id")),
                limit=BATCH_ITEMS,
            )
        )
        self._read_as_planned()
        line_ids = sorted(itertools.chain.from_iterable(row[2] for row in rows))
        keys = {(self.company_id.id, *key) for *key, _line_ids in rows}
        [(is_known,)] = env.execute_query(
            SQL(
                """SELECT EXISTS (SELECT FROM subledger_entry
                                   WHERE move_line_id = ANY(%s))""",
                line_ids,
            )
        )
        seal = seal and not is_known
        if seal:
            env["subledger.account"]._create_heads_for(env, keys)
        return ItemBatch(lane.last_line_id, line_ids, keys, is_known, seal)

    def _enter_items(self, batch, heads):
        self.env.cr.execute(SQL("SET LOCAL work_mem = %s", WORK_MEM))
        self._read_by_index(READ_WHOLE if batch.is_known else READ_WHOLE + JOIN_WHOLE)
        sync = self._under_own_settings().env["subledger.sync"]
        if batch.is_known:
            candidates = sync._candidates_of_lines(batch.line_ids)
            result = sync._sync(candidates, "backfill", WITHOUT_OPENINGS)
        else:
            result = sync._sync_new(batch.line_ids, "backfill", WITHOUT_OPENINGS, heads)
        self._read_as_planned()
        self.env["subledger.account"]._drop_unused_heads(heads)
        return result

    def _leave_sealing_to_sweep(self):
        """Let the scheduled sweeps seal beside this job, on processors of their own."""
        if self.env.cr.postcommit.data.pop(PENDING, None):
            self.env["subledger.account"]._trigger_sweeps(self.env)

    def _read_by_index(self, names=READ_WHOLE + JOIN_WHOLE):
        """For the rest of this transaction, go from the items to their documents.

        The planner would rather read the big tables from end to end, for every batch
        again; by index a batch takes the same time however long the history is. What
        it thinks that costs would have it compile the statement, every time.
        """
        for name in names:
            self.env.cr.execute(SQL("SET LOCAL %s = off", SQL.identifier(name)))

    def _read_as_planned(self):
        for name in READ_WHOLE + JOIN_WHOLE:
            self.env.cr.execute(SQL("SET LOCAL %s TO DEFAULT", SQL.identifier(name)))

    def _from_items_sql(self, start=0):
        """FROM and WHERE: posted items on control accounts, as ``line``, with ids
        beyond ``start``."""
        self.env["account.move.line"].flush_model(
            ["account_id", "company_id", "parent_state"]
        )
        return SQL(
            """
              FROM account_move_line AS line
              JOIN account_account AS account ON account.id = line.account_id
             WHERE line.company_id = %(company)s
               AND line.parent_state = 'posted'
               AND line.id > %(start)s
               AND (line.id <= %(end)s OR %(end)s = 0)
               AND %(trade)s
            """,
            company=self.company_id.id,
            start=start,
            end=self.end_line_id,
            trade=self.env["subledger.sync"]._trade_condition("account"),
        )

    def _count_items(self):
        [(count,)] = self.env.execute_query(
            SQL("SELECT COUNT(*) %s", self._from_items_sql())
        )
        return count

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
