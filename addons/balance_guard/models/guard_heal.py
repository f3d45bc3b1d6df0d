import logging
from uuid import uuid4

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .guard_scope import Scope

_logger = logging.getLogger(__name__)

# The same cause on the same scope for the third time within 24 hours is not healed:
# something keeps breaking it, and healing would hide that.
BREAKER_COUNT = 3
BREAKER_HOURS = 24
# Findings repaired in one transaction, which keeps their documents from writers.
BATCH_SIZE = 200


class GuardHeal(models.Model):
    """One attempt to repair a finding, with what came of it.

    Recomputed values (caches, unsealed tails) are repaired by scheduled runs too.
    The ledger is only ever corrected by new, linked entries of the engine. The general
    ledger, stock and the hash chain are never touched.
    """

    _name = "guard.heal"
    _description = "Healing Attempt"
    _order = "id desc"
    _allow_sudo_commands = False
    _rec_name = "finding_id"

    finding_id = fields.Many2one(
        "guard.finding", required=True, index=True, ondelete="cascade", readonly=True
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    cause_code = fields.Selection(
        selection=lambda self: self.env["guard.finding"]
        ._fields["cause_code"]
        .selection,
        readonly=True,
    )
    scope_key = fields.Char(readonly=True)
    batch = fields.Char(readonly=True)
    state = fields.Selection(
        [
            ("planned", "Dry run"),
            ("done", "Healed"),
            ("refused", "Refused"),
            ("postponed", "Postponed"),
            ("tripped", "Stopped by the circuit breaker"),
        ],
        required=True,
        readonly=True,
    )
    note = fields.Char(readonly=True)
    difference_before = fields.Float(digits=(20, 4), readonly=True)
    difference_after = fields.Float(digits=(20, 4), readonly=True)
    user_id = fields.Many2one(
        "res.users", default=lambda self: self.env.user, readonly=True
    )
    healed_at = fields.Datetime(default=fields.Datetime.now, readonly=True)

    # _get_tripped: recent repairs of one scope.
    _scope_idx = models.Index("(scope_key, healed_at) WHERE state = 'done'")

    @api.model
    def _heal_scheduled(self, findings, company):
        """Repair what a scheduled run may repair on its own.

        What it may not is left open without a word: the finding says it already.
        """
        levels = ("cache", "ledger") if company.guard_heal_ledger else ("cache",)
        units = self.env["guard.check"]._get_units()
        healable = findings.filtered(
            lambda finding: finding.state in ("open", "reopened")
            and units[finding.check_code]._check_heals in levels
            and not company.guard_healing_paused
        )
        return self._heal(healable, dry_run=False)

    @api.model
    def _heal(self, findings, dry_run):
        """Repair ``findings``, or only say what would be done.

        :param bool dry_run: change nothing but this log
        :return: one record per finding
        """
        heals = self.browse()
        batch = uuid4().hex
        units = self.env["guard.check"]._get_units()
        for (company, check), group in findings.grouped(
            lambda finding: (finding.company_id, finding.check_id)
        ).items():
            unit = units.get(check.code)
            heals |= self._heal_group(group, company, unit, dry_run, batch)
        return heals

    def _heal_group(self, findings, company, unit, dry_run, batch):
        """Repair the findings of one check in one company."""
        refusal = self._get_refusal(findings, company, unit)
        if refusal:
            return self._log(findings, "refused", batch, refusal)
        healable = findings.filtered(lambda f: unit._can_heal(f.cause_code))
        heals = self._log(findings - healable, "refused", batch, self._get_hands_off())
        tripped = self._get_tripped(healable)
        heals |= self._trip(tripped, batch)
        findings = healable - tripped
        if not findings:
            return heals
        if dry_run:
            note = self.env._("Would be repaired: %s", unit._get_explanation())
            return heals | self._log(findings, "planned", batch, note)
        return heals | self._heal_now(findings, unit, batch)

    def _get_refusal(self, findings, company, unit):
        """Why nothing of this may be healed, if so."""
        if company.guard_healing_paused:
            return self.env._("Healing is on hold in %s.", company.name)
        if unit is None:
            return self.env._("The check is not installed any more.")
        if unit._check_heals == "none":
            return self._get_hands_off()
        return False

    def _get_hands_off(self):
        return self.env._("Not repaired automatically: a person has to decide.")

    def _heal_now(self, findings, unit, batch):
        heals = self.browse()
        for start in range(0, len(findings), BATCH_SIZE):
            part = findings[start : start + BATCH_SIZE]
            heals |= self._heal_part(part, unit, batch)
        return heals

    def _heal_part(self, findings, unit, batch):
        """Repair a few findings and see what came of it."""
        before = {finding.id: finding.difference for finding in findings}
        try:
            with self.env.cr.savepoint():
                used = unit._heal(findings) or findings.browse()
        except UserError as error:
            # The engine's own refusal, for example a closed period.
            return self._log(findings, "refused", batch, str(error))
        note = self.env._("In use at this moment: left alone until the next run.")
        heals = self._log(used, "postponed", batch, note)
        findings -= used
        remaining = self._find_remaining(findings, unit)
        healed = findings.filtered(lambda f: f.fingerprint not in remaining)
        healed._mark_healed()
        done = self._log(healed, "done", batch, False)
        for heal in done:
            heal.difference_before = before[heal.finding_id.id]
        note = self.env._("The difference is still there after the repair.")
        return heals | done | self._log(findings - healed, "refused", batch, note)

    @api.model
    def _rebuild_caches(self, partners, operation):
        """Check the cached balances of ``partners`` and repair the stale ones.

        :return: the healing records; empty when nothing was stale
        """
        scope = Scope(tuple(self.env.companies.ids), tuple(partners.ids))
        run = self.env["guard.run"]._start("manual", scope)
        unit = self.env["guard.check"]._get_units()["cached_balance"]
        self.env["guard.check"]._sync_catalogue()
        findings = run._record(unit, scope, run._look(unit, scope))
        heals = self._heal(findings, dry_run=False)
        run._finish()
        _logger.info(
            "Balances of partners %s rebuilt for %r: %s stale, %s healed",
            partners.ids,
            operation,
            len(findings),
            len(heals.filtered(lambda heal: heal.state == "done")),
        )
        return heals

    def _find_remaining(self, findings, unit):
        """Fingerprints that the check still finds after the repair."""
        if not findings:
            return set()
        companies = tuple(findings.company_id.ids)
        scope = Scope(companies)
        if unit._check_scope != "company":
            partners = {finding.partner_key for finding in findings}
            scope = Scope(companies, tuple(sorted(partners)))
        return {unit._fingerprint(row) for row in unit._find_after_healing(scope)}

    def _log(self, findings, state, batch, note):
        return self.create(
            [
                {
                    "finding_id": finding.id,
                    "company_id": finding.company_id.id,
                    "cause_code": finding.cause_code,
                    "scope_key": finding._get_scope_key(),
                    "batch": batch,
                    "state": state,
                    "note": note,
                    "difference_before": finding.difference,
                    "difference_after": 0.0 if state == "done" else finding.difference,
                }
                for finding in findings
            ]
        )

    # Circuit breaker

    def _get_tripped(self, findings):
        """The findings whose scope was repaired too often for the same cause."""
        keys = list({finding._get_scope_key() for finding in findings})
        since = fields.Datetime.subtract(fields.Datetime.now(), hours=BREAKER_HOURS)
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT scope_key FROM (
                    SELECT scope_key, batch FROM guard_heal
                     WHERE state = 'done' AND healed_at > %(since)s
                       AND scope_key = ANY(%(keys)s)
                     UNION
                    SELECT scope_key, batch FROM guard_repair
                     WHERE repaired_at > %(since)s AND scope_key = ANY(%(keys)s)
                       AND %(lost)s) AS repair
              GROUP BY scope_key HAVING COUNT(*) >= %(count)s
                """,
                since=since,
                keys=keys,
                lost=self.env["guard.repair"]._lost_sql(),
                count=BREAKER_COUNT - 1,
            )
        )
        often = {key for (key,) in rows}
        return findings.filtered(lambda finding: finding._get_scope_key() in often)

    def _trip(self, findings, batch):
        """Stop and alert, once a day for each scope."""
        since = fields.Datetime.subtract(fields.Datetime.now(), hours=BREAKER_HOURS)
        domain = [
            ("finding_id", "in", findings.ids),
            ("state", "=", "tripped"),
            ("healed_at", ">", since),
        ]
        told = self.search(domain).finding_id
        note = self.env._(
            "Repaired %(count)s times in %(hours)s hours and broken again: find out"
            " what keeps changing it.",
            count=BREAKER_COUNT - 1,
            hours=BREAKER_HOURS,
        )
        heals = self._log(findings - told, "tripped", batch, note)
        for finding in (findings - told)[:20]:
            _logger.warning("Healing of %s stopped: %s", finding.fingerprint, note)
            finding._alert(note)
        return heals
