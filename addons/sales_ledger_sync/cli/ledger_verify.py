"""``odoo-bin ledger_verify``: is the ledger what the general ledger says?

Exit code 0: clean. 1: differences. 2: could not check.
"""

import datetime
import json
import optparse
import sys
import traceback

import psycopg2

import odoo.tools.config
from odoo import api
from odoo.cli import Command
from odoo.exceptions import UserError
from odoo.modules.registry import Registry

QUIET = ["--log-level=error"]
CLEAN, DIFFERENT, NOT_CHECKED = 0, 1, 2

CHECKS = {
    "entries": "journal items against entries",
    "openings": "opening entries against earlier items",
    "chain": "numbers, running balances and hashes",
    "heads": "accounts against their entries",
    "reversals": "reversals against what they reverse",
    "general_ledger": "ledger against general ledger",
}
PROBLEMS = {
    "missing": "journal item without its entry",
    "superfluous": "entry without its posted journal item",
    "changed": "entry says something else than its journal item",
    "opening": "opening entry is not the sum of the earlier items",
    "number": "gap in the numbers",
    "running_balance": "running balance does not add up",
    "hash": "hash does not fit the entry and the one before",
    "last_number": "number of entries is wrong on the account",
    "sealed_balance": "balance is wrong on the account",
    "last_hash": "last hash is wrong on the account",
    "reversal": "reversal does not mirror its entry",
    "unexplained": "balances differ and no cause is known",
}


class NotCheckedError(Exception):
    """The question cannot be answered; the message says why."""


class LedgerVerify(Command):
    """Compare the subledger with the general ledger; change nothing."""

    name = "ledger_verify"

    def run(self, args):
        options = self._parse(args)
        try:
            report = self._verify(options)
        except (NotCheckedError, UserError, psycopg2.Error) as error:
            self._give_up(str(error))
        except Exception:
            # Whatever went wrong, 1 must keep its meaning: checked, and different.
            self._give_up(traceback.format_exc())
        if options.as_json:
            text = json.dumps(report, indent=2, default=str)
        else:
            text = "\n".join(format_report(report))
        sys.stdout.write(f"{text}\n")
        sys.exit(CLEAN if report["clean"] else DIFFERENT)

    def _give_up(self, reason):
        sys.stderr.write(f"ledger_verify: {reason.strip()}\n")
        sys.exit(NOT_CHECKED)

    def _parse(self, args):
        parser = odoo.tools.config.parser
        parser.prog = self.prog
        group = optparse.OptionGroup(parser, "Ledger verification", __doc__)
        group.add_option(
            "--company", help="id or name of a company; all companies by default"
        )
        group.add_option("--partner", help="id of a customer or supplier")
        group.add_option(
            "--since", help="report only what is dated from this day on (YYYY-MM-DD)"
        )
        group.add_option(
            "--limit", help="findings listed per check (100); all of them are counted"
        )
        group.add_option(
            "--json", action="store_true", dest="as_json", help="print JSON"
        )
        parser.add_option_group(group)
        # The answer is the output; loading Odoo is not worth a line of it.
        quiet = [] if any(arg.startswith("--log") for arg in args) else QUIET
        return odoo.tools.config.parse_config([*quiet, *args], setup_logging=True)

    def _verify(self, options):
        names = odoo.tools.config["db_name"]
        if len(names) != 1:
            raise NotCheckedError("name one database with -d")
        since = parse_date(options.since)
        limit = parse_number("--limit", options.limit, 100)
        partner = parse_number("--partner", options.partner, None)
        registry = open_registry(names[0])
        # One snapshot for all checks, and nothing can be written.
        with registry.cursor(readonly=True) as cr:
            env = api.Environment(cr, api.SUPERUSER_ID, {"active_test": False})
            companies = find_companies(env, options.company)
            partners = find_partners(env, partner)
            report = env["subledger.verify"]._verify(companies, partners, since, limit)
            return {
                "database": names[0],
                "date": str(cr.now().replace(microsecond=0)),
                "companies": companies.mapped("name"),
                **report,
            }


def open_registry(name):
    try:
        registry = Registry(name)
    except psycopg2.Error as error:
        raise NotCheckedError(f"database {name}: {error}") from error
    if "subledger.verify" not in registry:
        raise NotCheckedError(f"database {name}: Sales Ledger Sync is not installed")
    return registry


def parse_date(text):
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise NotCheckedError(f"--since {text}: not a date like 2026-01-31") from error


def parse_number(option, text, default):
    if not text:
        return default
    if not text.isdecimal():
        raise NotCheckedError(f"{option} {text}: not a number")
    return int(text)


def find_companies(env, wanted):
    companies = env["res.company"].search([], order="id")
    if not wanted:
        return companies
    found = companies.filtered(lambda c: wanted in (str(c.id), c.name))
    if not found:
        names = ", ".join(f"{company.id} {company.name}" for company in companies)
        raise NotCheckedError(
            f"--company {wanted}: no such company; there are: {names}"
        )
    return found


def find_partners(env, wanted):
    """The commercial partner, or the bare id of one that only the ledger knows."""
    if wanted is None:
        return None
    partner = env["res.partner"].browse(wanted).exists()
    if partner:
        return partner.commercial_partner_id.ids
    if env["subledger.entry"].search_count([("partner_id", "=", wanted)], limit=1):
        return [wanted]
    raise NotCheckedError(f"--partner {wanted}: no such partner")


def format_report(report):
    """The report as lines for a person."""
    counts = report["counts"]
    yield f"Ledger of {report['database']} on {report['date']} UTC"
    yield f"Companies: {', '.join(report['companies'])}"
    yield (
        f"{counts['items']} journal items, {counts['entries']} entries, "
        f"{counts['accounts']} accounts"
    )
    yield ""
    for check in report["checks"]:
        result = f"{check['differences']} differences" if check["differences"] else "ok"
        yield f"{CHECKS.get(check['code'], check['code']):42} {result}"
        yield from map(format_finding, check["findings"])
        left_out = check["differences"] - len(check["findings"])
        if left_out:
            yield f"    ... and {left_out} more"
    if report["explained"]:
        yield ""
        yield "Differences from the general ledger that have a known cause:"
        yield from map(format_explained, report["explained"])
    yield ""
    yield "clean" if report["clean"] else "DIFFERENT"


def format_finding(finding):
    where = [finding["partner"] or "no partner", f"account {finding['account_id']}"]
    if finding["entry_id"]:
        where.append(
            f"entry {finding['entry_id']} {finding['reference'] or ''}".strip()
        )
    if finding["move_line_id"]:
        where.append(f"item {finding['move_line_id']}")
    problem = PROBLEMS.get(finding["problem"], finding["problem"])
    return (
        f"    {', '.join(where)}: {problem}: "
        f"expected {finding['expected']}, found {finding['actual']}"
    )


def format_explained(row):
    return (
        f"    {row['partner'] or 'no partner'}, account {row['account_id']}: "
        f"general ledger {row['general_ledger']}, ledger {row['ledger']}, "
        f"manual entries {row['manual_entry']} ({row['manual_count']} items), "
        f"history before the start {row['pre_sync_history']}"
    )
