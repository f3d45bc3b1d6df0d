"""What the subledger costs: ours beside stock Odoo, in alternating pairs.

Every figure is a ratio, a count or a rate taken in one run, because absolute
times say more about the machine than about the code. Two warm Odoo processes,
one on a stock database and one with the addons, take turns; medians are
compared. The last column is the bound that the project promises.
"""

import argparse
import os
import statistics
import sys
import time

from tests.bench._driver import Process, Report
from tests.bench._history import history

PAIRS = 7
ROUNDS = 5


def start(config, database):
    return Process("_ledger_worker.py", config=config, database=database)


def pairs(stock, ours, count, rounds):
    """Alternate posting on both sides; the medians and the statement counts."""
    figures = {}
    sides = [("stock", stock), ("ours", ours)]
    identities = {name: list(side.ask("prepare").values()) for name, side in sides}
    for name, side in sides:
        side.ask("post", *identities[name], count)  # warm up
        figures[name] = []
    for _round in range(rounds):
        for name, side in sides:
            figures[name].append(side.ask("post", *identities[name], count))
        sides.reverse()
    return {
        name: {
            key: statistics.median(row[key] for row in rows)
            for key in ("seconds", "statements")
        }
        for name, rows in figures.items()
    }


def posting(report, stock, ours):
    one = pairs(stock, ours, 1, PAIRS * 5)
    report.add(
        "post one invoice: time, ours / stock",
        one["ours"]["seconds"] / one["stock"]["seconds"],
        1.05,
    )
    extra_one = one["ours"]["statements"] - one["stock"]["statements"]
    report.add("post one invoice: extra SQL statements", extra_one, 4, digits=0)
    batch = pairs(stock, ours, 500, PAIRS)
    report.add(
        "post 500 invoices in a batch: time, ours / stock",
        batch["ours"]["seconds"] / batch["stock"]["seconds"],
        1.05,
    )
    extra = batch["ours"]["statements"] - batch["stock"]["statements"]
    report.add("post 500 invoices: extra SQL statements", extra, 8, digits=0)


def simultaneous(report, config, databases):
    """Eight processes post 25 invoices each for one customer, all at once.

    Odoo itself repeats the first simultaneous invoices of a new customer, to mark it
    as one; so the customer has an invoice already.
    """
    crews = {
        name: [start(config, database) for _index in range(8)]
        for name, database in databases.items()
    }
    identities = {}
    for name, crew in crews.items():
        identities[name] = list(crew[0].ask("prepare").values())
        crew[0].ask("post", *identities[name], 1)
    rates = {name: [] for name in crews}
    totals = {"retries": 0, "failures": 0}
    for _round in range(ROUNDS):
        for name, crew in crews.items():
            answers = post_together(crew, identities[name])
            slowest = max(answer["seconds"] for answer in answers)
            rates[name].append(25 * len(crew) / slowest)
            if name == "ours":
                for key in totals:
                    totals[key] += sum(answer[key] for answer in answers)
    for crew in crews.values():
        for process in crew:
            process.close()
    for key, count in totals.items():
        report.add(f"8 x 25 invoices, one customer: {key}", count, 0, digits=0)
    report.add(
        "8 x 25 invoices, one customer: throughput, ours / stock",
        statistics.median(rates["ours"]) / statistics.median(rates["stock"]),
        0.95,
        at_least=True,
    )


def post_together(crew, identity):
    drafts = [process.ask("drafts", *identity, 25) for process in crew]
    for process, ids in zip(crew, drafts, strict=True):
        process.send("post_singles", ids)
    return [process.answer() for process in crew]


# The same without Odoo: one row per item, numbered, with balance and hash.
PLAIN = """
    CREATE TABLE plain_entry (
        id int PRIMARY KEY, move_line_id int UNIQUE, company_id int, partner_id int,
        account_id int, date date, date_maturity date, reference varchar,
        debit numeric, credit numeric, currency_id int, amount_currency numeric,
        number int, balance_after numeric, hash varchar);
    INSERT INTO plain_entry
    SELECT line.id, line.id, line.company_id, line.partner_id, line.account_id,
           move.date, line.date_maturity, move.name, GREATEST(line.balance, 0),
           GREATEST(-line.balance, 0), line.currency_id, line.amount_currency,
           ROW_NUMBER() OVER chain, SUM(line.balance) OVER chain,
           encode(sha256(convert_to(concat_ws(
               '|', line.id, line.company_id, line.partner_id, line.account_id,
               move.date, line.date_maturity, move.name, line.balance,
               line.currency_id, line.amount_currency), 'UTF8')), 'hex')
      FROM account_move_line AS line
      JOIN account_move AS move ON move.id = line.move_id
      JOIN account_account AS account ON account.id = line.account_id
     WHERE move.state = 'posted'
       AND account.account_type IN ('asset_receivable', 'liability_payable')
    WINDOW chain AS (
        PARTITION BY line.company_id, line.partner_id, line.account_id
        ORDER BY line.id);
"""


def time_plain(ours):
    """Seconds that PostgreSQL takes for the same rows in one statement."""
    started = time.perf_counter()
    ours.sql(PLAIN)
    seconds = time.perf_counter() - started
    ours.sql("DROP TABLE plain_entry")
    return seconds


def seal_together(ours, second):
    """Both scheduled sweeps at once; entries sealed, and seconds until both end."""
    ours.send("seal")
    second.send("seal", True)
    answers = [ours.answer(), second.answer()]
    entries = sum(answer["entries"] for answer in answers)
    return entries, max(answer["seconds"] for answer in answers)


def scale(report, ours, second, items, count):
    """Balance, sealing and backfill on a history of ``items`` invoices.

    :param int count: customers who share them; one has all entries in one account
    """
    partner, product = ours.ask("prepare").values()
    ours.ask("post", partner, product, 10)
    ours.ask("seal")
    few = ours.ask("balance", partner)["seconds"]
    customers = ours.ask("customers", count)
    ours.sql(history(customers, items))
    ours.sql("ANALYZE")
    plain = time_plain(ours)
    filled = ours.ask("backfill")
    report.add(
        "backfill: items per second",
        items / filled["seconds"],
        50_000,
        at_least=True,
        digits=0,
    )
    report.add("backfill: memory growth of the process, MiB", filled["grown_mib"], 100)
    entries, sealing = seal_together(ours, second)
    report.add(
        "sealing by the two scheduled sweeps: entries per second",
        entries / sealing,
        50_000,
        at_least=True,
        digits=0,
    )
    report.add(
        "backfill and sealing: rate, ours / one plain SQL statement",
        plain / (filled["seconds"] + sealing),
        0.5,
        at_least=True,
    )
    ours.sql("VACUUM ANALYZE subledger_entry")
    many = ours.ask("balance", customers[0])["seconds"]
    what = f"read a balance: {items // count:,} entries of {items:,}, beside 10"
    report.add(what, many / few, 1.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=100)
    parser.add_argument("--parts", default="posting,simultaneous,scale")
    options = parser.parse_args()
    parts = options.parts.split(",")
    config = os.environ["ODOO_RC"]
    databases = {
        "stock": os.environ["BENCH_STOCK_DATABASE"],
        "ours": os.environ["BENCH_DATABASE"],
    }
    report = Report()
    ours = start(config, databases["ours"])
    if "posting" in parts:
        stock = start(config, databases["stock"])
        posting(report, stock, ours)
        stock.close()
    if "simultaneous" in parts:
        simultaneous(report, config, databases)
    if "scale" in parts:
        second = start(config, databases["ours"])
        scale(report, ours, second, options.items, options.customers)
        second.close()
    ours.close()
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
