import logging
import time

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from .guard_scope import Scope

_logger = logging.getLogger(__name__)

# For one look: what a part of a sweep has to sort and sum stays in memory.
LOOK_MEMORY = "64MB"


class GuardRun(models.Model):
    """One run of the checks: what was looked at, when, and what was found."""

    _name = "guard.run"
    _description = "Balance Check Run"
    _order = "id desc"
    _allow_sudo_commands = False

    kind = fields.Selection(
        [
            ("manual", "By hand"),
            ("recent", "Recently touched partners"),
            ("nightly", "Nightly sweep"),
            ("startup", "After server start"),
            ("command", "Command line"),
        ],
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        [
            ("running", "Running"),
            ("done", "Done"),
            ("interrupted", "Interrupted"),
        ],
        default="running",
        required=True,
        readonly=True,
    )
    date_start = fields.Datetime(
        default=fields.Datetime.now, required=True, readonly=True
    )
    date_end = fields.Datetime(readonly=True)
    user_id = fields.Many2one(
        "res.users", default=lambda self: self.env.user, readonly=True
    )
    company_ids = fields.Many2many("res.company", string="Companies", readonly=True)
    partner_count = fields.Integer(
        string="Number of Partners",
        readonly=True,
        help="Zero: all partners were looked at.",
    )
    partners_text = fields.Char(string="Partners", compute="_compute_partners_text")
    finding_ids = fields.Many2many("guard.finding", string="Findings", readonly=True)
    check_ids = fields.One2many("guard.run.check", "run_id", string="Checks")
    range_ids = fields.One2many("guard.range", "run_id", string="Parts")
    progress = fields.Float(compute="_compute_progress", help="Percent of the parts.")
    finding_count = fields.Integer(compute="_compute_finding_count")
    failed_check_count = fields.Integer(compute="_compute_finding_count")
    result = fields.Selection(
        [
            ("running", "Running"),
            ("clean", "Clean"),
            ("findings", "Differences found"),
            ("failed", "A check failed"),
        ],
        compute="_compute_finding_count",
    )

    _running_idx = models.Index("(kind) WHERE state = 'running'")

    @api.depends("kind", "date_start")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for run in self:
            run.display_name = f"{kinds.get(run.kind, '')} #{run.id or ''}"

    @api.depends("partner_count")
    @api.depends_context("lang")
    def _compute_partners_text(self):
        for run in self:
            run.partners_text = str(run.partner_count or self.env._("All"))

    @api.depends("range_ids.state")
    def _compute_progress(self):
        for run in self:
            total = len(run.range_ids)
            done = len(run.range_ids.filtered(lambda part: part.state != "todo"))
            run.progress = 100.0 * done / total if total else 100.0

    @api.depends("finding_ids.state", "check_ids.state", "range_ids.state", "state")
    def _compute_finding_count(self):
        for run in self:
            found = run.finding_ids.filtered(lambda f: f.state in ("open", "reopened"))
            failed = run.check_ids.filtered(lambda check: check.state == "failed")
            run.finding_count = len(found)
            run.failed_check_count = len(failed)
            run.result = run._get_result(found, failed)

    def _get_result(self, found, failed):
        if failed or self.range_ids.filtered(lambda part: part.state == "failed"):
            return "failed"
        if found:
            return "findings"
        return "running" if self.state == "running" else "clean"

    def action_open_findings(self):
        """The findings of this run; the open ones only, if there are any."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "balance_guard.action_guard_finding"
        )
        action["domain"] = [("id", "in", self.finding_ids.ids)]
        action["context"] = {"search_default_open": bool(self.finding_count)}
        return action

    # Life cycle

    @api.model
    def _start(self, kind, scope):
        return self.create(
            {
                "kind": kind,
                "company_ids": [fields.Command.set(scope.company_ids)],
                "partner_count": len(scope.partner_ids or ()),
            }
        )

    def _finish(self):
        self.ensure_one()
        self.write({"state": "done", "date_end": fields.Datetime.now()})
        self._notify()
        _logger.info(
            "Balance guard %s run %s: %s open findings, %s failed checks",
            self.kind,
            self.id,
            self.finding_count,
            self.failed_check_count,
        )

    def _interrupt(self):
        """Give up sweeps that nobody finished; a new one begins from the start."""
        self.range_ids.filtered(lambda part: part.state == "todo").state = "failed"
        self.write({"state": "interrupted", "date_end": fields.Datetime.now()})

    # Running the checks

    def _run_now(self, scope):
        """Run all checks over ``scope`` in this transaction: one snapshot."""
        self.ensure_one()
        self.env.flush_all()
        for unit in self.env["guard.check"]._get_active_units(scope):
            self._record(unit, scope, self._look(unit, scope))

    def _run_afresh(self, scope):
        """Run all checks over ``scope`` on what is committed by now.

        Repairs are made in transactions of their own, after this one's snapshot.
        """
        units = self.env["guard.check"]._get_active_units(scope)
        self.env.flush_all()
        with self.env.registry.cursor() as cr:
            seen = self._look_with(cr, units, scope)
        for unit in units:
            self._record(unit, scope, seen[unit._check_code])

    def _run_parts(self, company):
        """Run all checks of ``company`` part by part, so that memory stays flat.

        Yields after each part: the caller may commit there, which gives the next part
        a snapshot of its own.
        """
        checks = self.env["guard.check"]
        for scope in self.env["guard.range"]._get_scopes(company):
            for unit in checks._get_active_units(scope):
                if unit._check_scope == "partner":
                    self._record(unit, scope, self._look(unit, scope))
            yield scope
        scope = Scope((company.id,))
        for unit in checks._get_active_units(scope):
            if unit._check_scope != "partner":
                self._record(unit, scope, self._look(unit, scope))
        yield scope

    @api.model
    def _look(self, unit, scope):
        """Run one check and return its rows, seconds and error.

        A check that raises is a failed check, the others go on. What the transaction
        cannot survive (lost serialization, dead connection) is not caught.
        """
        started = time.monotonic()
        rows, error = [], False
        try:
            with self.env.cr.savepoint():
                self._grant_memory()
                rows = unit._find(scope)
        except psycopg2.OperationalError:
            raise
        except Exception as failure:
            _logger.exception("Balance check %s failed", unit._check_code)
            error = str(failure) or type(failure).__name__
        return {"rows": rows, "error": error, "seconds": time.monotonic() - started}

    def _grant_memory(self):
        """Let the queries of this transaction sort in memory; an administrator who
        grants them more is not overruled."""
        self.env.cr.execute(
            SQL(
                """
                SELECT set_config('work_mem', %(memory)s, true)
                 WHERE pg_size_bytes(current_setting('work_mem'))
                       < pg_size_bytes(%(memory)s)
                """,
                memory=LOOK_MEMORY,
            )
        )

    def _record(self, unit, scope, seen):
        """Write down what a check found: its findings and its line of the run.

        :return: the findings
        """
        self.ensure_one()
        check = self.env["guard.check"].search([("code", "=", unit._check_code)])
        findings = self.env["guard.finding"]
        if not seen["error"]:
            findings = self.env["guard.finding"]._upsert(
                self, check, unit, seen["rows"]
            )
            findings._close_vanished(check, scope)
        self.env["guard.run.check"].create(
            {
                "run_id": self.id,
                "check_id": check.id,
                "state": "failed" if seen["error"] else "done",
                "error": seen["error"],
                "seconds": seen["seconds"],
                "found_count": len(seen["rows"]),
            }
        )
        return findings

    def _look_confirmed(self, units, scope):
        """Look at ``scope`` outside of this transaction, and again at any suspect.

        The first look may run on a replica; a difference counts only if a second
        look, in a new snapshot of the primary, shows it as well.

        :return: what ``_look`` returns, by check code
        """
        with self.env.registry.cursor(readonly=True) as cr:
            first = self._look_with(cr, units, scope)
        suspects = [unit for unit in units if first[unit._check_code]["rows"]]
        if not suspects:
            return first
        with self.env.registry.cursor() as cr:
            for unit in suspects:
                first[unit._check_code] = self._look_again(cr, unit, scope, first)
        return first

    def _look_with(self, cr, units, scope):
        run = self.with_env(self.env(cr=cr))
        return {
            unit._check_code: run._look(unit.with_env(run.env), scope) for unit in units
        }

    def _look_again(self, cr, unit, scope, first):
        """Keep the rows of the second look that the first one had as well."""
        before = first[unit._check_code]
        known = {unit._fingerprint(row) for row in before["rows"]}
        if unit._check_scope == "partner":
            partners = {row["partner_id"] or 0 for row in before["rows"]}
            scope = Scope(scope.company_ids, tuple(sorted(partners)))
        after = self._look_with(cr, [unit], scope)[unit._check_code]
        after["rows"] = [r for r in after["rows"] if unit._fingerprint(r) in known]
        after["seconds"] += before["seconds"]
        return after

    def _run_confirmed(self, units, scope, company):
        """Look, look again at suspects, write down and heal as scheduled runs may."""
        seen = self._look_confirmed(units, scope)
        findings = self.env["guard.finding"]
        for unit in units:
            findings |= self._record(unit, scope, seen[unit._check_code])
        self.env["guard.heal"]._heal_scheduled(findings, company)

    # After the checks

    def _heal_findings(self, dry_run):
        """Heal what this run found, as far as each check allows.

        A repair may settle what another check found, so all are asked again before
        the rest is refused.
        """
        self.ensure_one()
        healable = self._get_open_findings().filtered("can_heal")
        heals = self.env["guard.heal"]._heal(healable, dry_run)
        healed = heals.filtered(lambda heal: heal.state == "done").finding_id
        if healed:
            partners = tuple(sorted(set(self.finding_ids.mapped("partner_key"))))
            self._run_afresh(Scope(tuple(self.company_ids.ids), partners))
        rest = self._get_open_findings() - heals.finding_id
        return heals | self.env["guard.heal"]._heal(rest, dry_run)

    def _get_open_findings(self):
        return self.finding_ids.filtered(
            lambda finding: finding.state in ("open", "reopened")
        )

    def _notify(self):
        """Tell the responsible of each company about what is new; once."""
        for company, findings in self.finding_ids.grouped("company_id").items():
            findings._notify_responsible(company)

    def _close_finished(self):
        """Finish the sweeps whose last part is done; several workers may try."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT run.id
                  FROM guard_run run
                 WHERE run.state = 'running'
                   AND EXISTS (SELECT FROM guard_range part WHERE part.run_id = run.id)
                   AND NOT EXISTS (
                        SELECT FROM guard_range part
                         WHERE part.run_id = run.id AND part.state = 'todo')
                   FOR NO KEY UPDATE SKIP LOCKED
                """
            )
        )
        for run in self.browse(run_id for (run_id,) in rows):
            run._finish()

    @api.autovacuum
    def _gc_runs(self):
        """Forget clean runs after a month and all others after a year."""
        now = fields.Datetime.now()
        month = fields.Datetime.subtract(now, days=30)
        year = fields.Datetime.subtract(now, days=365)
        domain = [
            ("state", "!=", "running"),
            "|",
            ("date_start", "<", year),
            "&",
            ("date_start", "<", month),
            ("finding_ids", "=", False),
        ]
        # In batches: a busy year holds a hundred thousand runs.
        runs = self.search(domain, limit=1000)
        runs.unlink()
        return len(runs), 1000 if len(runs) == 1000 else 0
