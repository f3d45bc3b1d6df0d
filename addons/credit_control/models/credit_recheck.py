import logging
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

BATCH_SIZE = 50
# Open holds that are read together to see whether their outcome has changed.
SEARCH_SIZE = 500
# Minutes until a new hold is tried again that still has to wait.
WAIT_MINUTES = 1


class CreditRecheck(models.Model):
    """Customers whose open holds have to be looked at again.

    Whatever lowers an exposure or raises a limit inserts a row, in its own transaction
    and without a lock, and wakes the scheduled action up. Rows, not a flag on the
    hold: two payments of one customer must not wait for each other.

    A payment that is being booked while an order is held sees no hold, and the order's
    decision does not see the payment. So every new hold inserts a row, too; it is
    looked at once nobody is at work any more who began before the hold existed.

    Days that pass, settings and much else change an outcome without an event. A second
    scheduled action therefore reads all open holds, many with one query, and inserts
    rows for those that would be decided otherwise now.
    """

    _name = "credit.recheck"
    _description = "Credit Holds to Look at Again"
    _log_access = False
    _allow_sudo_commands = False

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", required=True, ondelete="cascade")
    is_new_hold = fields.Boolean()

    @api.model
    def _request(self, company, partners):
        """Ask for the holds of ``partners`` in the company's area, if there are any."""
        commercial = partners.commercial_partner_id
        root = company.root_id
        if not commercial or not self._has_open_holds(root, commercial):
            return
        # sudo: whoever books a payment need not have any credit rights
        self.sudo().create(
            [
                {"company_id": root.id, "partner_id": partner.id}
                for partner in commercial
            ]
        )
        self._trigger()

    @api.model
    def _request_new_hold(self, hold):
        """Ask for a second look at a hold that was opened in this transaction."""
        # sudo: whoever runs into a hold need not have any credit rights
        self.sudo().create(
            {
                "company_id": hold.company_id.root_id.id,
                "partner_id": hold.partner_id.id,
                "is_new_hold": True,
            }
        )
        self._trigger()

    @api.model
    def _trigger(self, at=None):
        cron = self.env.ref("credit_control.cron_recheck", raise_if_not_found=False)
        if cron:
            # sudo: as for the rows
            cron.sudo()._trigger(at)

    @api.model
    def _has_open_holds(self, root, partners):
        fellow_ids = self.env["credit.group"]._get_fellow_ids(root, partners.ids)
        # sudo: the question must not depend on which holds the user may see
        return bool(
            self.env["credit.hold"]
            .sudo()
            .search_count(
                [
                    ("state", "=", "open"),
                    ("company_id", "child_of", root.id),
                    ("partner_id", "in", fellow_ids),
                ],
                limit=1,
            )
        )

    @api.model
    def _cron_recheck(self):
        """Look at the holds of the customers in the queue, a few at a time.

        Scheduled actions are not repeated by the server when two transactions meet:
        a batch that loses is left for the next tick.
        """
        cron = self.env["ir.cron"]
        due_ids, waiting = self._split_queue()
        if waiting:
            self._trigger(fields.Datetime.now() + timedelta(minutes=WAIT_MINUTES))
        # Also ends this transaction: the next one sees what was committed until now
        if not cron._commit_progress(remaining=len(due_ids)):
            return
        while taken := self._take(due_ids):
            try:
                self._recheck(taken)
                self.env.flush_all()
            except psycopg2.OperationalError:
                self.env.cr.rollback()
                cron._trigger()
                break
            if not cron._commit_progress(len(taken)):
                break

    @api.model
    def _split_queue(self):
        """Return the ids that can be looked at, and whether new holds have to wait.

        A transaction that began before the hold was committed holds back the oldest
        row version it may need, which is not younger than the hold's row.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT request.id, request.is_new_hold IS TRUE AND EXISTS (
                           SELECT 1 FROM pg_stat_activity activity
                            WHERE activity.datname = current_database()
                              AND activity.pid != pg_backend_pid()
                              AND age(activity.backend_xmin) >= age(request.xmin))
                  FROM credit_recheck request
                """
            )
        )
        return [id_ for id_, waits in rows if not waits], any(row[1] for row in rows)

    @api.model
    def _take(self, due_ids):
        """Remove up to a batch of rows from the queue and return what they ask for.

        Besides those that are due, also what payments have inserted meanwhile.
        """
        return self.env.execute_query(
            SQL(
                """
                DELETE FROM credit_recheck
                      WHERE id IN (SELECT id FROM credit_recheck
                                    WHERE is_new_hold IS NOT TRUE OR id = ANY(%s)
                                 ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
                  RETURNING company_id, partner_id
                """,
                due_ids,
                BATCH_SIZE,
            )
        )

    @api.model
    def _recheck(self, rows):
        Hold = self.env["credit.hold"]
        holds = Hold
        for company_id, partner_id in set(rows):
            root = self.env["res.company"].browse(company_id)
            fellow_ids = self.env["credit.group"]._get_fellow_ids(root, [partner_id])
            holds |= Hold.search(
                [
                    ("state", "=", "open"),
                    ("company_id", "child_of", company_id),
                    ("partner_id", "in", fellow_ids),
                ]
            )
        holds.sorted("id")._recheck()

    # ------------------------------------------------------------------
    # What no event tells
    # ------------------------------------------------------------------

    @api.model
    def _cron_request_changed(self):
        """Ask for the open holds that would be decided otherwise now."""
        cron = self.env["ir.cron"]
        holds = self.env["credit.hold"].search(
            [("state", "=", "open"), ("source", "=", "rule")], order="id"
        )
        cron._commit_progress(remaining=len(holds))
        for start in range(0, len(holds), SEARCH_SIZE):
            batch = holds[start : start + SEARCH_SIZE].exists()
            changed = self._filter_changed(batch)
            for root, of_root in changed.grouped(
                lambda h: h.company_id.root_id
            ).items():
                self._request(root, of_root.partner_id)
            if not cron._commit_progress(len(batch)):
                break

    @api.model
    def _filter_changed(self, holds):
        """Those that would be ready and are not, or the other way round.

        Where one document cannot be examined all of them are taken: looking at them
        one by one leaves out only that one.
        """
        ready = holds.filtered("is_ready")
        try:
            with self.env.cr.savepoint():
                outdated = holds._filter_outdated()
        except psycopg2.OperationalError:
            raise
        except Exception:  # noqa: BLE001 what a document raises is open
            _logger.warning("Open credit holds are examined one by one", exc_info=True)
            return holds - ready
        return (outdated - ready) | (ready - outdated)
