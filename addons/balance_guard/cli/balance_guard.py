import argparse
import json
import sys
from pathlib import Path

from odoo import SUPERUSER_ID, api
from odoo.cli import Command
from odoo.modules.registry import Registry
from odoo.tools import config

CLEAN, DIFFERENCES, FAILED = 0, 1, 2
# How causes read in a sentence; the others read as their label.
PHRASES = {
    "manual_entry": "manual entries",
    "pre_sync_history": "history",
    "no_partner": "items without partner",
}


class CannotCheck(Exception):
    """Says in one line why nothing could be checked."""


class BalanceGuard(Command):
    """Check, explain or heal balances; exit 0 clean, 1 differences, 2 not checked."""

    name = "balance_guard"

    def run(self, cmdargs):
        """Parse the command line, do it, and exit with the code it deserves."""
        args, odoo_args = self._get_parser().parse_known_args(cmdargs)
        config.parse_config(odoo_args, setup_logging=True)
        try:
            sys.exit(self._run_on_database(args))
        except CannotCheck as error:
            self._print_error(args, str(error))
        except Exception as error:
            self._print_error(args, f"{type(error).__name__}: {error}".strip())
        sys.exit(FAILED)

    def _get_parser(self):
        parser = argparse.ArgumentParser(
            prog=f"{Path(sys.argv[0]).name} {self.name}",
            description=self.__doc__,
            epilog="Other options, as -d or -c, are those of the server.",
        )
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument(
            "--verify", action="store_true", help="run all checks (the default)"
        )
        mode.add_argument(
            "--heal", action="store_true", help="run all checks, repair what may be"
        )
        mode.add_argument(
            "--explain",
            action="store_true",
            help="general ledger against ledger, with the causes in between",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="with --heal: only say what"
        )
        parser.add_argument(
            "--partner", action="append", help="id or exact name; may be repeated"
        )
        parser.add_argument(
            "--company", action="append", help="id or exact name; may be repeated"
        )
        parser.add_argument("--json", action="store_true", help="for other programs")
        return parser

    def _run_on_database(self, args):
        databases = config["db_name"]
        if len(databases) != 1:
            raise CannotCheck("Name one database with -d.")
        with Registry(databases[0]).cursor() as cr:
            return self._run_in(api.Environment(cr, SUPERUSER_ID, {}), args)

    def _run_in(self, env, args):
        if "guard.check" not in env:
            raise CannotCheck("Balance Guard is not installed in this database.")
        companies = self._find(env["res.company"], args.company)
        partners = args.partner and self._find(env["res.partner"], args.partner)
        if args.explain:
            return self._explain(env, args, companies, partners)
        return self._check(env, args, companies, partners)

    def _find(self, model, names):
        """Records by id or exact name; all of them if no name is given."""
        if not names:
            return model.search([])
        records = model
        for name in names:
            found = model.browse(int(name)).exists() if name.isdigit() else model
            found = found or model.search([("name", "=", name)])
            if not found:
                raise CannotCheck(f"There is no {model._description} {name!r}.")
            records |= found
        return records

    def _print_error(self, args, message):
        if args.json:
            print(json.dumps({"error": message}))  # pylint: disable=print-used
        else:
            print(message, file=sys.stderr)  # pylint: disable=print-used

    def _print(self, *lines):
        for line in lines:
            print(line)  # pylint: disable=print-used

    # Checking and healing

    def _check(self, env, args, companies, partners):
        run = self._run_checks(env, companies, partners)
        heals = env["guard.heal"]
        if args.heal:
            heals = run._heal_findings(dry_run=args.dry_run)
        run._finish()
        env.cr.commit()  # pylint: disable=invalid-commit
        result = self._prepare_result(run, heals)
        if args.json:
            self._print(json.dumps(result, default=str))
        else:
            self._print(*self._format_result(result))
        if run.failed_check_count:
            return FAILED
        return DIFFERENCES if result["open"] else CLEAN

    def _run_checks(self, env, companies, partners):
        scope = env["guard.check"]._prepare_scope(
            partners and partners.ids, companies.ids
        )
        run = env["guard.run"]._start("command", scope)
        if partners:
            run._run_now(scope)
            return run
        for company in companies:
            for _part in run._run_parts(company):
                # Part by part: memory stays flat, and what was found stays found.
                env.cr.commit()  # pylint: disable=invalid-commit
        return run

    def _prepare_result(self, run, heals):
        findings = run.finding_ids
        open_findings = findings.filtered(lambda f: f.state in ("open", "reopened"))
        return {
            "run": run.id,
            "result": run.result,
            "open": len(open_findings),
            "explained": len(findings.filtered(lambda f: f.state == "explained")),
            "checks": self._prepare_checks(run),
            "findings": [
                self._prepare_finding(finding)
                for finding in findings.sorted(lambda f: -abs(f.difference))
            ],
            "healing": [
                {"finding": h.finding_id.id, "state": h.state, "note": h.note or None}
                for h in heals
            ],
        }

    def _prepare_checks(self, run):
        checks = {}
        for line in run.check_ids:
            check = checks.setdefault(
                line.check_id.code, {"state": "done", "differences": 0, "error": None}
            )
            check["differences"] += line.found_count
            if line.state == "failed":
                check.update(state="failed", error=line.error)
        return checks

    def _prepare_finding(self, finding):
        return {
            "id": finding.id,
            "check": finding.check_code,
            "company": finding.company_id.name,
            "partner": finding.partner_name or None,
            "partner_id": finding.partner_key or None,
            "account": finding.account_id.display_name or None,
            "cause": finding.cause_code,
            "expected": finding.expected,
            "actual": finding.actual,
            "difference": finding.difference,
            "explained": finding.explained,
            "unexplained": finding.unexplained,
            "causes": finding.causes,
            "entry": finding.entry_id.id or None,
            "document": finding.res_model and f"{finding.res_model},{finding.res_id}",
            "field": finding.field_name or None,
            "value_expected": finding.value_expected or None,
            "value_found": finding.value_found or None,
            "state": finding.state,
        }

    def _format_result(self, result):
        for code, check in result["checks"].items():
            state = f"failed: {check['error']}" if check["error"] else "done"
            yield f"{code}: {state}, {check['differences']} differences"
        healing = {heal["finding"]: heal for heal in result["healing"]}
        for finding in result["findings"]:
            if finding["state"] == "explained":
                continue
            yield self._format_finding(finding, healing.get(finding["id"]))
        yield f"{result['open']} open differences, {result['explained']} explained"

    def _format_finding(self, finding, heal):
        where = finding["partner"] or finding["document"] or finding["company"]
        parts = [
            f"[{finding['state']}] {finding['check']} {where}: {finding['cause']},",
            f"expected {amount(finding['expected'])},",
            f"found {amount(finding['actual'])},",
            f"unexplained {amount(finding['unexplained'])}",
        ]
        if finding["field"]:
            values = f"{finding['value_expected']} -> {finding['value_found']}"
            parts.append(f"({finding['field']}: {values})")
        if heal:
            parts.append(f"healing: {heal['state']} {heal['note'] or ''}".rstrip())
        return " ".join(parts)

    # Explaining

    def _explain(self, env, args, companies, partners):
        scope = env["guard.check"]._prepare_scope(
            partners and partners.ids, companies.ids
        )
        accounts = env["guard.check.control_account"]._explain(scope)
        for account in accounts:
            self._name_account(env, account)
        if args.json:
            self._print(json.dumps({"accounts": accounts}))
        else:
            for account in accounts:
                self._print(*self._format_account(env, account))
        clean = all(account["is_expected"] for account in accounts)
        return CLEAN if clean else DIFFERENCES

    def _name_account(self, env, account):
        record = env["account.account"].browse(account["account_id"])
        company = env["res.company"].browse(account["company_id"])
        account["company"] = company.name
        account["account"] = record.with_company(company).display_name
        # What we owe is shown as a positive amount, as on a supplier's statement.
        account["sign"] = -1 if record.account_type == "liability_payable" else 1

    def _format_account(self, env, account):
        sign = account["sign"]
        labels = dict(env["guard.finding"]._fields["cause_code"].selection)
        # In the order of the vocabulary, however the database gave them.
        causes = [code for code in labels if code in account["causes"]]
        yield f"{account['company']}, {account['account']}"
        for code in causes:
            cause = account["causes"][code]
            label = PHRASES.get(code, labels[code])
            yield f"  {label} {amount(sign * cause['amount'])} ({cause['count']})"
        named = " and ".join(PHRASES.get(code, labels[code].lower()) for code in causes)
        parts = {
            "general ledger": account["expected"],
            "ledger": account["actual"],
            named or "explained": account["difference"] - account["unexplained"],
            "unexplained": account["unexplained"],
        }
        whole = all(float(value).is_integer() for value in parts.values())
        yield "  " + ", ".join(
            f"{name} {amount(sign * value, whole)}" for name, value in parts.items()
        )


def amount(value, whole=False):
    """An amount as people read it in a terminal: 46 000.00, or 46 000 if ``whole``."""
    text = f"{round(value, 2) + 0.0:,.{0 if whole else 2}f}"
    return text.replace(",", " ")
