from odoo import models

from .guard_cause import EXPECTED_CAUSES


class GuardCheckUnit(models.AbstractModel):
    """One check: one set-based query and one explanation.

    An addon adds a check with a new abstract model that inherits from this one and
    sets ``_check_code``. An addon that must not depend on balance_guard gives any of
    its models a method ``_balance_guard_checks()`` instead, see ``guard.check``.
    """

    _name = "guard.check.unit"
    _description = "Balance check"

    # Unique, stable: findings are stored under it.
    _check_code = None
    _check_family = "other"
    _check_sequence = 100
    # 'partner': can be limited to partners, listed or in a range; 'listed': not to a
    # range; 'company': always looks at all of a company.
    _check_scope = "partner"
    # Whether the job for recently touched partners asks it too. Not for checks that
    # read whole documents: their cost follows the journal, not the subledger.
    _check_often = True
    # What healing may touch: 'none', 'cache' (recomputed values) or 'ledger' (new
    # linked entries by the engine).
    _check_heals = "none"
    # The causes that can be repaired; None: all that the check finds.
    _check_healable = None

    def _get_title(self):
        """Name of the check in the user's language."""
        raise NotImplementedError

    def _get_explanation(self):
        """What is compared with what, in the user's words."""
        raise NotImplementedError

    def _get_flush_fields(self):
        """Map each model that the query reads to its fields, for flushing."""
        return {}

    def _query(self, scope):
        """The query that finds differences within ``scope``.

        :param Scope scope: companies and partners to look at
        :return: SQL with the columns company_id, partner_id, account_id, entry_id,
            res_model, res_id, field_name, value_expected, value_found, expected,
            actual, cause_code and causes (jsonb, amount and count by cause), as
            made by ``_row``
        """
        raise NotImplementedError

    def _find(self, scope):
        """Run the query and return its rows as dicts.

        :rtype: list[dict]
        """
        for model, names in self._get_flush_fields().items():
            self.env[model].flush_model(names)
        self.env.cr.execute(self._query(scope))
        return [self._complete(row) for row in self.env.cr.dictfetchall()]

    def _complete(self, row):
        """Fill in what follows from the columns that the query returned."""
        difference = round(row["expected"] - row["actual"], 6)
        causes = row.get("causes")
        if causes is None:
            causes = {row["cause_code"]: {"amount": difference, "count": 1}}
        named = [cause for code, cause in causes.items() if code != "unexplained"]
        explained = round(sum(cause["amount"] for cause in named), 6)
        row.update(causes=causes, difference=difference, explained=explained)
        row["unexplained"] = round(difference - explained, 6)
        row["is_expected"] = not row["unexplained"] and all(
            cause.get("expected", code in EXPECTED_CAUSES)
            for code, cause in causes.items()
        )
        return row

    def _fingerprint(self, row):
        """The same fault found again has the same fingerprint."""
        scope = self._fingerprint_scope(row)
        keys = [row["company_id"], row.get("partner_id"), row.get("account_id")]
        return ":".join([self._check_code, *(str(key or 0) for key in keys), scope])

    def _fingerprint_scope(self, row):
        """Document and cause: what tells two faults of one account apart."""
        if row.get("entry_id"):
            document = f"entry,{row['entry_id']}"
        else:
            document = f"{row.get('res_model') or ''},{row.get('res_id') or 0}"
        return f"{document}:{row['cause_code']}"

    def _find_after_healing(self, scope):
        """What is still wrong after a repair, which had a transaction of its own."""
        with self.env.registry.cursor() as cr:
            return self.with_env(self.env(cr=cr))._find(scope)

    def _heal(self, findings):
        """Repair what the check is allowed to repair; see ``_check_heals``.

        In a transaction of its own (``_repair``), which first takes what it is about to
        touch (``guard.take``): no writer may have to wait for the rest of the run, nor
        the repair for a writer.

        :param findings: ``guard.finding`` of this check, in one company
        :return: those left alone because somebody is using their documents
        """
        raise NotImplementedError

    def _can_heal(self, cause_code):
        """Whether differences with this cause may be repaired."""
        causes = self._check_healable
        return self._check_heals != "none" and (causes is None or cause_code in causes)

    def _repair(self, method, findings, get_key, *args):
        """Call ``method(*args)`` of this unit in a new transaction, committed after.

        What it repairs is noted in the same transaction (``guard.repair``): the one of
        the run may still be lost.

        :param str method: name of a method that returns the keys it took, and those of
            them that it repaired, as sets
        :param get_key: function from a finding to its key
        :return: the keys taken
        """
        self.env.flush_all()
        values = self.env["guard.repair"]._prepare(findings)
        notes = [(get_key(finding), values[finding.id]) for finding in findings]

        def work(env, *values):
            taken, repaired = getattr(self.with_env(env), method)(*values)
            env["guard.repair"].create([note for key, note in notes if key in repaired])
            return taken

        taken = self.env["subledger.account"]._in_own_transaction(work, *args)
        for name in ("subledger.account", "subledger.entry"):
            self.env[name].invalidate_model(flush=False)
        return taken
