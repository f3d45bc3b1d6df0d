"""What the subledger costs: ours beside stock Odoo, in alternating pairs.

Every figure is a ratio, a count or a rate taken in one run, because absolute
times say more about the machine than about the code. Two warm Odoo processes,
one on a stock database and one with the addons, take turns, so that both meet the
same moments of the machine; of the ratios of all pairs the median counts. A process
is a percent faster or slower than another one of the same code, for as long as it
lives: several take part. The last column is the bound that the project promises.
"""

import argparse
import os
import statistics
import sys
import time

from tests.bench._driver import Process, Report
from tests.bench._history import history

GENERATIONS = 4
PAIRS_OF_ONE = 40
PAIRS_OF_BATCHES = 3
ROUNDS = 15
OPEN_ITEMS = 100_000


def start(config, database):
    return Process("_ledger_worker.py", config=config, database=database)


def pairs(stock, ours, count, rounds, open_items=0):
    """Alternate posting on both sides.

    :param int open_items: how many the customer has before
    :return: ratios of the times of each pair, and how many more statements ours took
    """
    figures = {}
    sides = [("stock", stock), ("ours", ours)]
    identities = {name: list(side.ask("prepare").values()) for name, side in sides}
    for name, side in sides if open_items else ():
        side.sql(history([identities[name][0]], open_items))
        side.sql("ANALYZE")
    if open_items:
        ours.ask("start_backfill")
        ours.ask("work_on_backfill")
    for name, side in sides:
        side.ask("post", *identities[name], count)  # warm up
        figures[name] = []
    for _round in range(rounds):
        for name, side in sides:
            figures[name].append(side.ask("post", *identities[name], count))
        sides.reverse()
    taken = list(zip(figures["ours"], figures["stock"], strict=True))
    ratios = [ours["seconds"] / stock["seconds"] for ours, stock in taken]
    extra = statistics.median(o["statements"] - s["statements"] for o, s in taken)
    return ratios, extra


def posting(report, config, databases):
    singles, batches, busy = [], [], []
    for _generation in range(GENERATIONS):
        stock, ours = (start(config, databases[name]) for name in ("stock", "ours"))
        ratios, extra_one = pairs(stock, ours, 1, PAIRS_OF_ONE)
        singles += ratios
        ratios, extra_batch = pairs(stock, ours, 500, PAIRS_OF_BATCHES)
        batches += ratios
        ratios, _extra = pairs(stock, ours, 1, PAIRS_OF_ONE, OPEN_ITEMS)
        busy += ratios
        stock.close()
        ours.close()
    report.add("post one invoice: time, ours / stock", statistics.median(singles), 1.05)
    report.add("post one invoice: extra SQL statements", extra_one, 4, digits=0)
    report.add(
        "post 500 invoices in a batch: time, ours / stock",
        statistics.median(batches),
        1.05,
    )
    report.add("post 500 invoices: extra SQL statements", extra_batch, 8, digits=0)
    report.add(
        f"post one for a customer with {OPEN_ITEMS:,} open items, ours / stock",
        statistics.median(busy),
        1.05,
    )


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
    seconds = {name: [] for name in crews}
    totals = {"retries": 0, "failures": 0}
    order = list(crews)
    for _round in range(ROUNDS):
        for name in order:
            answers = post_together(crews[name], identities[name])
            seconds[name].append(max(answer["seconds"] for answer in answers))
            if name == "ours":
                for key in totals:
                    totals[key] += sum(answer[key] for answer in answers)
        order.reverse()
    for crew in crews.values():
        for process in crew:
            process.close()
    for key, count in totals.items():
        report.add(f"8 x 25 invoices, one customer: {key}", count, 0, digits=0)
    ratios = [
        stock / ours
        for stock, ours in zip(seconds["stock"], seconds["ours"], strict=True)
    ]
    report.add(
        "8 x 25 invoices, one customer: throughput, ours / stock",
        statistics.median(ratios),
        0.95,
        at_least=True,
    )


def post_together(crew, identity):
    drafts = [process.ask("drafts", *identity, 25) for process in crew]
    for process, ids in zip(crew, drafts, strict=True):
        process.send("post_singles", ids)
    return [process.answer() for process in crew]


# The same without Odoo: the same rows, numbered, with balance and chained hash, into a
# table like the ledger's, by somebody who knows that all of them are invoices, that
# nobody else is at work, and that nothing will interrupt him.
PLAIN = """
    CREATE TABLE plain_entry (
        LIKE subledger_entry INCLUDING CONSTRAINTS INCLUDING INDEXES);
    INSERT INTO plain_entry (
        id, company_id, partner_id, partner_name, account_id, ledger, date,
        date_maturity, transaction_type, debit, credit, currency_id, amount_currency,
        reference, description, move_id, move_line_id, event, version, origin,
        create_uid, create_date, number, balance_after, hash)
    SELECT id, company_id, partner_id, partner_name, account_id, 'customer', date,
           date_maturity, 'sale', debit, credit, currency_id, amount_currency,
           reference, 'Invoice ' || reference, move_id, id, 'entry', 1, 'backfill',
           1, created, number, balance_after,
           subledger_chain('', concat(
               id, '|', number, '|', company_id, '|', partner_id, '|', account_id, '|',
               'customer', '|', to_char(date, 'YYYY-MM-DD'), '|',
               to_char(date_maturity, 'YYYY-MM-DD'), '|', 'sale', '|',
               trim_scale(debit), '|', trim_scale(credit), '|', currency_id, '|',
               trim_scale(amount_currency), '|', trim_scale(balance_after), '|',
               move_id, '|', id, '|', 'entry', '|', 1, '|', NULL, '|', 'backfill', '|',
               1, '|', to_char(created, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '|',
               quote_nullable(partner_name), '|', quote_nullable(reference), '|',
               quote_nullable('Invoice ' || reference))) OVER chain
      FROM (SELECT line.id, line.company_id, line.partner_id,
                   partner.name AS partner_name, line.account_id, move.date,
                   line.date_maturity, GREATEST(line.balance, 0) AS debit,
                   GREATEST(-line.balance, 0) AS credit, line.currency_id,
                   line.amount_currency, move.name AS reference, line.move_id,
                   now() AT TIME ZONE 'UTC' AS created,
                   ROW_NUMBER() OVER chain AS number,
                   SUM(line.balance) OVER chain AS balance_after
              FROM account_move_line AS line
              JOIN account_move AS move ON move.id = line.move_id
              JOIN account_account AS account ON account.id = line.account_id
              LEFT JOIN res_partner AS partner ON partner.id = line.partner_id
             WHERE move.state = 'posted'
               AND account.account_type IN ('asset_receivable', 'liability_payable')
            WINDOW chain AS (
                PARTITION BY line.company_id, line.partner_id, line.account_id
                ORDER BY line.id)) AS item
    WINDOW chain AS (PARTITION BY company_id, partner_id, account_id ORDER BY id);
"""


def time_plain(ours):
    """Seconds that PostgreSQL takes for the same rows in one statement."""
    started = time.perf_counter()
    ours.sql(PLAIN)
    seconds = time.perf_counter() - started
    ours.sql("DROP TABLE plain_entry")
    return seconds


def together(ours, second, command):
    """Both scheduled actions at once; their answers, and seconds until both end."""
    started = time.perf_counter()
    ours.send(command)
    second.send(command, True)
    answers = [ours.answer(), second.answer()]
    return answers, time.perf_counter() - started


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
    preparing = ours.ask("start_backfill")["seconds"]
    answers, working = together(ours, second, "work_on_backfill")
    report.add(
        "backfill by two scheduled actions, sealed: items per second",
        items / (preparing + working),
        50_000,
        at_least=True,
        digits=0,
    )
    report.add(
        "the same beside one plain SQL statement",
        plain / (preparing + working),
        0.5,
        at_least=True,
    )
    grown = max(answer["grown_mib"] for answer in answers)
    report.add("backfill: memory growth of a process, MiB", grown, 100)
    again = ours.ask("start_backfill")["seconds"]
    _answers, comparing = together(ours, second, "work_on_backfill")
    report.add(
        "a second backfill, which writes nothing: items per second",
        items / (again + comparing),
        50_000,
        at_least=True,
        digits=0,
    )
    # What is posted is sealed afterwards; so much of it only after a long fault.
    ours.sql(history(customers, items // 2, first=items + 1))
    ours.ask("enter_unsealed")
    answers, sealing = together(ours, second, "seal")
    report.add(
        "sealing by the two scheduled sweeps: entries per second",
        sum(answer["entries"] for answer in answers) / sealing,
        50_000,
        at_least=True,
        digits=0,
    )
    ours.sql("VACUUM ANALYZE subledger_entry")
    many = ours.ask("balance", customers[0])["seconds"]
    total = items + items // 2
    what = f"read a balance: {total // count:,} entries of {total:,}, beside 10"
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
    if "posting" in parts:
        posting(report, config, databases)
    if "simultaneous" in parts:
        simultaneous(report, config, databases)
    if "scale" in parts:
        ours, second = (
            start(config, databases["ours"]),
            start(config, databases["ours"]),
        )
        scale(report, ours, second, options.items, options.customers)
        ours.close()
        second.close()
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
