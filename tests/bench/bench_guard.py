"""What the guard costs: all ledger checks beside plain SQL, and the frequent check.

Plain SQL is what a database administrator would write: running balances, hashes and
line by line against the general ledger, each in one statement. Both take turns; the
medians are compared.
"""

import argparse
import os
import resource
import statistics
import sys
import time

import odoo
from odoo.api import SUPERUSER_ID, Environment
from odoo.modules.registry import Registry
from odoo.tools import SQL

from tests.bench._history import history
from tests.clones import ensure_chart

CUSTOMERS = 2000
ROUNDS = 3
RUNNING = """
    SELECT COUNT(*) FROM (
        SELECT number, balance_after, debit - credit AS amount,
               LAG(number) OVER chain AS previous_number,
               LAG(balance_after) OVER chain AS previous_balance
          FROM subledger_entry WHERE number IS NOT NULL
        WINDOW chain AS (PARTITION BY partner_id, company_id, account_id
                         ORDER BY number)) AS step
     WHERE balance_after <> COALESCE(previous_balance, 0) + amount
        OR number <> COALESCE(previous_number, 0) + 1
"""
HASHES = """
    SELECT COUNT(*) FROM (
        SELECT hash, '1$' || encode(sha256(convert_to(
                   COALESCE(LAG(hash) OVER chain, '') || %(payload)s, 'UTF8')), 'hex')
                   AS computed
          FROM subledger_entry entry WHERE number IS NOT NULL
        WINDOW chain AS (PARTITION BY partner_id, company_id, account_id
                         ORDER BY number)) AS chained
     WHERE hash <> computed
"""
LINES = """
    SELECT COUNT(*)
      FROM account_move_line line
      JOIN account_account account ON account.id = line.account_id
       AND account.account_type IN ('asset_receivable', 'liability_payable')
      JOIN account_move move ON move.id = line.move_id AND move.state = 'posted'
 LEFT JOIN res_partner partner ON partner.id = line.partner_id
 FULL JOIN subledger_entry entry ON entry.move_line_id = line.id
     WHERE entry.debit - entry.credit IS DISTINCT FROM line.balance
        OR entry.partner_id IS DISTINCT FROM partner.commercial_partner_id
        OR entry.account_id <> line.account_id
"""


def fill(env, items):
    """Write posted invoices by SQL, let the engine record them, seal them."""
    company = env.company
    ensure_chart(env)
    company.subledger_history = "full"
    customers = [{"name": f"Bench {number}"} for number in range(CUSTOMERS)]
    partners = env["res.partner"].create(customers)
    env.flush_all()
    env.cr.execute(history(partners.ids, items, with_income=True))
    env.cr.commit()
    env.invalidate_all()
    engine = env["subledger.sync"]
    engine._sync(engine._candidates_of_companies(company.ids), "backfill")
    env.cr.postcommit.clear()
    env.cr.commit()
    env["subledger.account"]._seal()
    env.cr.commit()
    env.cr.execute("ANALYZE")
    env.cr.commit()


def seconds(job, *args):
    started = time.monotonic()
    job(*args)
    return time.monotonic() - started


def plain(env):
    payload = env["subledger.entry"]._hash_payload_sql("entry")
    for query in (SQL(RUNNING), SQL(HASHES, payload=payload), SQL(LINES)):
        assert env.execute_query(query) == [(0,)]


def ledger_checks(env, companies):
    """All ledger checks part by part, as a sweep does them."""
    for company in companies:
        for scope in env["guard.range"]._get_scopes(company):
            for unit in env["guard.check"]._get_units().values():
                if unit._check_family == "ledger":
                    seen = env["guard.run"]._look(unit, scope)
                    assert not seen["rows"] and not seen["error"]


def frequent(env, company):
    job = env["guard.job"]
    job._check_recent(company.id, job._get_recent_partners(company.id))
    env.cr.rollback()


def report(what, value, bound):
    missed = value > bound
    print(f"{what:<52}{value:>10.2f}   at most {bound:.2f}", "MISSED" * missed)
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    options = parser.parse_args()
    odoo.tools.config.parse_config(["-c", os.environ["ODOO_RC"]], setup_logging=True)
    registry = Registry(os.environ["BENCH_DATABASE"])
    with registry.cursor() as cr:
        env = Environment(cr, SUPERUSER_ID, {})
        fill(env, options.items)
        env.company.guard_recent_partners = 200
        env.flush_all()
        cr.commit()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        times = {"plain": [], "guard": []}
        for _round in range(ROUNDS):
            times["plain"].append(seconds(plain, env))
            times["guard"].append(seconds(ledger_checks, env, env.company))
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        guard, sql = (statistics.median(times[side]) for side in ("guard", "plain"))
        print(f"{options.items:,} entries: guard {guard:.2f} s, plain SQL {sql:.2f} s")
        recent = statistics.median(
            seconds(frequent, env, env.company) for _round in range(ROUNDS)
        )
        missed = report("all ledger checks: time, guard / plain SQL", guard / sql, 1.5)
        missed += report("memory growth, MiB", grown, 100)
        missed += report("200 touched partners, seconds", recent, 2)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
