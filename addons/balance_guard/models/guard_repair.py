from uuid import uuid4

from odoo import api, fields, models
from odoo.tools import SQL

from .guard_scope import Scope

# What a finding is written from, see guard.finding._upsert.
COPIED = (
    *("res_model", "res_id", "field_name", "value_expected", "value_found"),
    *("expected", "actual", "difference", "explained", "unexplained"),
    *("causes", "cause_code", "is_expected"),
)


class GuardRepair(models.Model):
    """What was repaired, committed together with the repair.

    A repair has a transaction of its own, its finding and its healing record are in
    that of the run. If the run's is lost (the server is killed, somebody else was
    faster), the next scheduled run writes both from what is noted here, and the circuit
    breaker counts it until then. What a run has committed needs no note any more.
    """

    _name = "guard.repair"
    _description = "Repair not yet in a Healing Attempt"
    _allow_sudo_commands = False

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    check_code = fields.Char(required=True)
    scope_key = fields.Char(required=True)
    batch = fields.Char(required=True)
    run_transaction = fields.Char(required=True, help="Transaction of the run.")
    finding = fields.Json(required=True, help="What the run had found.")
    repaired_at = fields.Datetime(default=fields.Datetime.now, required=True)

    # Before the repair, in the transaction of the run

    @api.model
    def _prepare(self, findings):
        """The values to be created by the repair of each of ``findings``.

        :return: dict from the finding's id
        """
        [(transaction,)] = self.env.execute_query(
            SQL("SELECT pg_current_xact_id()::text")
        )
        batch = uuid4().hex
        return {
            finding.id: {
                "company_id": finding.company_id.id,
                "check_code": finding.check_code,
                "scope_key": finding._get_scope_key(),
                "batch": batch,
                "run_transaction": transaction,
                "finding": self._prepare_finding(finding),
            }
            for finding in findings
        }

    def _prepare_finding(self, finding):
        row = {name: finding[name] for name in COPIED}
        for name in ("res_model", "field_name", "value_expected", "value_found"):
            row[name] = row[name] or None
        row["res_id"] = row["res_id"] or None
        row.update(
            company_id=finding.company_id.id,
            partner_id=finding.partner_key or None,
            account_id=finding.account_id.id or None,
            entry_id=finding.entry_id.id or None,
        )
        return row

    # After it

    def _outcome_sql(self):
        """How the transaction of the run ended; empty if nobody can tell any more."""
        # A copied database may hold numbers that its server has not come to yet.
        return SQL(
            """
            CASE WHEN run_transaction::xid8 < pg_snapshot_xmax(pg_current_snapshot())
                 THEN pg_xact_status(run_transaction::xid8) END
            """
        )

    def _lost_sql(self):
        """Condition: the run that made the repair has left no trace of it."""
        return SQL("%s = 'aborted'", self._outcome_sql())

    @api.model
    def _recover(self):
        """Write down the repairs of runs that were lost, and forget all others.

        :return: the healing records written
        """
        rows = self.env.execute_query_dict(
            SQL(
                """
                DELETE FROM guard_repair
                 WHERE %s IS DISTINCT FROM 'in progress'
             RETURNING company_id, check_code, batch, finding, repaired_at, %s AS lost
                """,
                self._outcome_sql(),
                self._lost_sql(),
            )
        )
        units = self.env["guard.check"]._get_units()
        batches = {}
        for row in rows:
            if row["lost"] and row["check_code"] in units:
                keys = ("company_id", "check_code", "batch", "repaired_at")
                batches.setdefault(tuple(map(row.get, keys)), []).append(row["finding"])
        heals = self.env["guard.heal"]
        for (company_id, code, batch, moment), found in batches.items():
            heals |= self._write_down(company_id, units[code], batch, moment, found)
        return heals

    def _write_down(self, company_id, unit, batch, moment, rows):
        """Write findings and healing records as the run would have done."""
        partners = sorted({row["partner_id"] or 0 for row in rows})
        scope = Scope((company_id,), tuple(partners))
        run = self.env["guard.run"]._start("recent", scope)
        check = self.env["guard.check"].search([("code", "=", unit._check_code)])
        fingerprints = [unit._fingerprint(row) for row in rows]
        # Found again since then: that is newer than what is noted here.
        again = self.env["guard.finding"].search(
            [("fingerprint", "in", fingerprints), ("last_seen", ">", moment)]
        )
        known = set(again.mapped("fingerprint"))
        rows = [row for row in rows if unit._fingerprint(row) not in known]
        findings = self.env["guard.finding"]._upsert(run, check, unit, rows)
        findings._mark_healed()
        note = self.env._("Repaired by a run that was interrupted right afterwards.")
        heals = self.env["guard.heal"]._log(findings | again, "done", batch, note)
        heals.write({"healed_at": moment})
        run._finish()
        return heals
