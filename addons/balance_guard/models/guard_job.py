import logging
import os
import random
import time
from datetime import datetime, timezone

import psutil
import psycopg2
from psycopg2 import errors

from odoo import api, fields, models
from odoo.tools import SQL, config

from .guard_scope import Scope

_logger = logging.getLogger(__name__)

# Scheduled actions are not repeated by the server, unlike requests. The last two:
# somebody else wrote the same finding, or deleted its partner, in the meantime.
RETRIED = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.UniqueViolation,
    errors.ForeignKeyViolation,
)
MAX_TRIES = 5
# Journal items and entries looked back at for recently touched partners; of all
# companies, so that a quiet one does not have the whole table read for it.
RECENT_ROWS = 20_000
# While others write, rest so many times as long as was worked, up to so many seconds:
# people who post and pay come first, and a part's time limit is kept.
REST_FACTOR = 10
MAX_REST = 10
LAST_START_PARAMETER = "balance_guard.last_server_start"


class GuardJob(models.AbstractModel):
    """The scheduled actions: often a little, every night everything."""

    _name = "guard.job"
    _description = "Balance Guard Schedules"

    # Often: the most recently touched partners

    @api.model
    def _cron_recent(self):
        """Check the most recently touched partners of each company."""
        self._retrying(self._plan_after_start)
        self._retrying(self.env["guard.repair"]._recover)
        companies = self.env["guard.check"]._all_companies()
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(companies))
        for company_id in companies.ids:
            started = time.monotonic()
            partners = self._retrying(self._get_recent_partners, company_id)
            self._retrying(self._check_recent, company_id, partners)
            if not cron._commit_progress(1):
                break
            self._rest(time.monotonic() - started)

    def _check_recent(self, company_id, partners):
        """Check ``partners``, but for those that a sweep is looking at just now."""
        # First, so that what the sweep has committed by now is seen.
        kept, partners = self.env["guard.range"]._keep(company_id, partners)
        company = self.env["res.company"].browse(company_id).exists()
        if not partners or not company:
            return
        scope = Scope((company.id,), partners)
        run = self.env["guard.run"]._start("recent", scope)
        units = [
            unit
            for unit in self.env["guard.check"]._get_active_units(scope)
            if unit._check_scope == "partner" and unit._check_often
        ]
        run._run_confirmed(units, scope, company)
        run._finish()
        if kept:
            # A worker that came by has found nothing free.
            self._wake_workers()

    def _get_recent_partners(self, company_id):
        """Ids of the partners whose ledger or journal items are newest; 0: none."""
        company = self.env["res.company"].browse(company_id).exists()
        if not company:
            return ()
        rows = self.env.execute_query(
            SQL(
                """
                WITH touched AS (
                    (SELECT partner_id, create_date AS at
                       FROM (SELECT * FROM subledger_entry
                           ORDER BY id DESC LIMIT %(rows)s) entry
                      WHERE company_id = %(company)s)
                    UNION ALL
                    (SELECT partner.commercial_partner_id, line.write_date
                       FROM (SELECT * FROM account_move_line
                           ORDER BY id DESC LIMIT %(rows)s) line
                       JOIN account_account account ON account.id = line.account_id
                        AND account.account_type
                            IN ('asset_receivable', 'liability_payable')
                  LEFT JOIN res_partner partner ON partner.id = line.partner_id
                      WHERE line.company_id = %(company)s)
                )
                  SELECT COALESCE(partner_id, 0) FROM touched
                GROUP BY partner_id ORDER BY MAX(at) DESC LIMIT %(limit)s
                """,
                company=company.id,
                rows=RECENT_ROWS,
                limit=company.guard_recent_partners,
            )
        )
        return tuple(partner_id for (partner_id,) in rows)

    # Everything: plan, then work off in parts

    @api.model
    def _cron_nightly(self):
        """Plan the nightly sweep; the sweep workers do it."""
        self._retrying(self._plan, "nightly")
        self.env["ir.cron"]._commit_progress()

    def _plan(self, kind):
        """Plan a sweep, unless one is still being worked on."""
        run_model = self.env["guard.run"]
        unfinished = run_model.search(
            [("state", "=", "running"), ("range_ids", "!=", False)]
        )
        since = fields.Datetime.subtract(fields.Datetime.now(), days=2)
        stuck = unfinished.filtered(lambda run: run.date_start < since)
        stuck._interrupt()
        if not unfinished - stuck:
            # Before workers share the sweep: two of them would add a new check at once.
            self.env["guard.check"]._sync_catalogue()
            companies = self.env["guard.check"]._all_companies()
            run = run_model._start(kind, Scope(tuple(companies.ids)))
            for company in companies:
                self.env["guard.range"]._plan(run, company)
        self._wake_workers()

    def _wake_workers(self):
        for number in ("1", "2"):
            worker = self.env.ref(f"balance_guard.cron_sweep_{number}", False)
            if worker:
                worker._trigger()

    @api.model
    def _cron_sweep(self):
        """Work off parts of the planned sweep; several workers share it."""
        cron = self.env["ir.cron"]
        remaining = self.env["guard.range"].search_count([("state", "=", "todo")])
        cron._commit_progress(remaining=remaining)
        started = time.monotonic()
        while self._retrying(self._work_next_part):
            if not cron._commit_progress(1):
                break
            self._rest(time.monotonic() - started)
            started = time.monotonic()
        self._retrying(self.env["guard.run"]._close_finished)
        cron._commit_progress()

    def _work_next_part(self):
        """Do the next free part; False if there is none."""
        part = self.env["guard.range"]._claim()
        if not part:
            return False
        try:
            part._work()
            self.env.flush_all()
        except RETRIED:
            raise
        except Exception as error:
            _logger.exception("Part %s of the sweep failed", part.id)
            self.env.cr.rollback()
            part._fail(error)
        return True

    # After a server start

    def _plan_after_start(self):
        """Plan a sweep if the server was started since the last one was planned.

        Asked here and not in the registry's hook: a start must not wait for it.
        """
        parameters = self.env["ir.config_parameter"]
        started = self._get_server_start()
        if started <= (parameters.get_param(LAST_START_PARAMETER) or ""):
            return
        parameters.set_param(LAST_START_PARAMETER, started)
        self._plan("startup")

    def _get_server_start(self):
        """When this server was started, sortable; the same in all its workers."""
        # Workers come and go; with workers, the server is their parent.
        pid = os.getppid() if config["workers"] else os.getpid()
        created = psutil.Process(pid).create_time()
        return datetime.fromtimestamp(created, timezone.utc).isoformat()

    # Letting others go first

    def _rest(self, worked):
        """Sleep, outside of any transaction, if others are writing.

        :param float worked: seconds of the work just committed
        """
        with self.env.registry.cursor() as cr:
            busy = self._is_busy(cr)
        if busy:
            time.sleep(min(MAX_REST, REST_FACTOR * worked))

    def _is_busy(self, cr):
        """Whether anybody but the sweep's own workers has something to commit."""
        cr.execute(
            SQL(
                """
                SELECT EXISTS (
                    SELECT FROM pg_stat_activity other
                     WHERE other.datname = current_database()
                       AND other.pid <> pg_backend_pid()
                       AND other.backend_xid IS NOT NULL
                       AND NOT EXISTS (
                            SELECT FROM pg_locks held
                             WHERE held.pid = other.pid
                               AND held.relation = 'guard_range'::regclass))
                """
            )
        )
        return cr.fetchone()[0]

    # Repeating

    def _retrying(self, job, *args):
        """Do ``job`` in its own transaction, again if it lost against another one."""
        cron = self.env["ir.cron"]
        for attempt in range(1, MAX_TRIES + 1):
            try:
                result = job(*args)
                self.env.flush_all()
                cron._commit_progress()
                return result
            except RETRIED as error:
                self.env.cr.rollback()
                if attempt == MAX_TRIES:
                    raise
                _logger.info("%s is repeated: %s", job.__name__, error.diag.sqlstate)
                time.sleep(random.uniform(0, 0.1 * 2**attempt))
            except psycopg2.Error:
                self.env.cr.rollback()
                raise

    # Digest

    @api.model
    def _cron_digest(self):
        """Mail each company's week to its responsible."""
        for company in self.env["res.company"].search([("guard_digest", "=", True)]):
            self.env["guard.dashboard"]._send_digest(company)
