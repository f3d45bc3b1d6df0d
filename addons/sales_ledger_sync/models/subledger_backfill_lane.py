from contextlib import contextmanager

from odoo import fields, models
from odoo.tools import SQL

# As many as there are scheduled actions for backfills.
LANES = 2


class SubledgerBackfillLane(models.Model):
    """The share of a backfill that one scheduled action works on.

    Customers and suppliers are dealt to the lanes by their ids, so that two actions
    never ask for the same subledger account. Each lane goes through the journal items
    by id and says where it stands.
    """

    _name = "subledger.backfill.lane"
    _description = "Subledger Backfill: Lane"
    _order = "number, id"
    _rec_name = "number"
    _log_access = False

    backfill_id = fields.Many2one(
        "subledger.backfill", required=True, readonly=True, ondelete="cascade"
    )
    number = fields.Integer(required=True, readonly=True, aggregator=None)
    last_line_id = fields.Integer(
        required=True, default=0, readonly=True, aggregator=None
    )
    is_done = fields.Boolean(readonly=True)
    items_done = fields.Integer(readonly=True)
    entry_count = fields.Integer(readonly=True)
    reversal_count = fields.Integer(readonly=True)
    seconds = fields.Float(readonly=True, help="Time that was worked, pauses left out.")

    _one_each = models.UniqueIndex("(backfill_id, number)")

    @contextmanager
    def _hold(self):
        """Have the lane to oneself across transactions, if nobody else has it.

        A lock of the session: it goes with the process, however that ends. It only
        shares out the work; what is written is right without it.
        """
        key = SQL("hashtext('subledger.backfill.lane'), %s", self.id)
        query = SQL("SELECT pg_try_advisory_lock(%s)", key)
        [(is_held,)] = self.env.execute_query(query)
        try:
            yield is_held
        except BaseException:
            # Also where PostgreSQL takes no more statements in this transaction.
            if not self.env.cr.closed:
                self.env.cr.rollback()
            raise
        finally:
            if is_held and not self.env.cr.closed:
                self.env.execute_query(SQL("SELECT pg_advisory_unlock(%s)", key))

    def _lock_at(self, line_id):
        """Lock the lane until the end of the transaction.

        :param int line_id: where it was found
        :return: whether it still is there, has more to do, and nobody else locks it
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT last_line_id FROM subledger_backfill_lane
                    WHERE id = %s AND is_done IS NOT TRUE
                      FOR NO KEY UPDATE SKIP LOCKED""",
                self.id,
            )
        )
        self.invalidate_recordset()
        return rows == [(line_id,)]

    def _get_condition(self, partner):
        """SQL condition: a commercial partner, or 0 for nobody, belongs to the lane."""
        self.ensure_one()
        lanes = len(self.backfill_id.lane_ids)
        return SQL("MOD(%s, %s) = %s", partner, lanes, self.number)

    def _add(self, result, items=0, seconds=0.0, **values):
        """Note what was done.

        :param SyncResult result: what the engine wrote
        """
        self.write(
            {
                "items_done": self.items_done + items,
                "entry_count": self.entry_count + result.entries,
                "reversal_count": self.reversal_count + result.reversals,
                "seconds": self.seconds + seconds,
                **values,
            }
        )

    def _get_rate(self):
        """Items per second: of the lanes at work, else of the whole time."""
        at_work = self.filtered(lambda lane: lane.seconds and not lane.is_done)
        if at_work:
            return sum(lane.items_done / lane.seconds for lane in at_work)
        longest = max(self.mapped("seconds"), default=0.0)
        return sum(self.mapped("items_done")) / longest if longest else 0.0
