"""What credit control costs: ours beside stock Odoo and the best-known addon.

Customers with 10, 10 000 and 100 000 open items, a list of 80 customers; with
--partners 100000 also sorting and filtering a list of that many. Every side is asked in
turn, each figure is a median, and what counts are ratios of one run.
Absolute times say more about the machine. The other addon (account_financial_risk
with sale_financial_risk) is fetched from the package index; without it its column
stays empty. Run it with ./dev bench bench_credit.
"""

import argparse
import configparser
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile

from tests.bench._driver import Process
from tests.bench._history import history

RIVAL = ("account_financial_risk", "sale_financial_risk")
ROUNDS = 21
# Odoo sorts a long list in Python, which takes a minute
LIST_ROUNDS = 3
LIST_ROWS = 80
# One customer in a hundred owes three items, the others one
CUSTOMERS = """
    INSERT INTO res_partner
    SELECT owner.*
      FROM res_partner AS model,
           (SELECT nextval('res_partner_id_seq') AS id, n
              FROM generate_series(1, {count}) AS n) AS taken,
           jsonb_populate_record(model, jsonb_build_object(
               'id', taken.id, 'commercial_partner_id', taken.id,
               'name', 'Many ' || n, 'complete_name', 'Many ' || n)) AS owner
     WHERE model.id = {model}
"""


class Side(Process):
    """A process on one database and the customers it has there."""

    def __init__(self, name, config, database, addons_path=""):
        super().__init__(
            "_credit_worker.py",
            side=name,
            config=config,
            database=database,
            addons_path=addons_path,
        )
        self.name = name

    def prepare(self, sizes):
        """Give the side its customers; ``self.single`` by size and ``self.rows``."""
        names = [f"{size} items" for size in sizes]
        names += [f"Row {number}" for number in range(LIST_ROWS)]
        ids, self.product = self.ask("prepare", names)
        self.single, self.rows = dict(zip(sizes, ids, strict=False)), ids[len(sizes) :]
        for size, customer in self.single.items():
            self.sql(history([customer], size))
        self.sql(history(self.rows, 10 * len(self.rows)))
        self._settle()

    def add_customers(self, count):
        """Give the side ``count`` more customers who all owe something."""
        self.sql(CUSTOMERS.format(model=self.rows[0], count=count))
        ids = self.ask("find", "Many ")
        self.sql(history(ids, len(ids)))
        debtors = ids[:: len(ids) // 100 or 1]
        self.sql(history(debtors, 2 * len(debtors), first=len(ids) + 1))
        self._settle()

    def _settle(self):
        self.ask("take_history")
        self.sql("VACUUM ANALYZE")


class Report:
    """Prints medians in milliseconds and ratios beside their bounds."""

    def __init__(self, sides):
        self.names, self.missed = [side.name for side in sides], 0
        heads = "".join(f"{name + ' ms':>12}" for name in self.names)
        print(f"{'':<42}{heads}{'ratio':>9}  bound")

    def add(self, what, seconds, ratio, bound):
        columns = "".join(
            f"{seconds[name] * 1000:>12.2f}" if name in seconds else f"{'':>12}"
            for name in self.names
        )
        missed = ratio > bound
        self.missed += missed
        verdict = "   MISSED" if missed else ""
        print(f"{what:<42}{columns}{ratio:>9.2f}  <= {bound:.2f}{verdict}", flush=True)


def measure(sides, question, rounds=ROUNDS):
    """Ask all sides in turn; the median seconds by side."""
    times = {side.name: [] for side in sides}
    for number in range(rounds + 2):
        order = sides if number % 2 else sides[::-1]
        for side in order:
            seconds = question(side)
            # The first two rounds only warm caches up.
            if number > 1:
                times[side.name].append(seconds)
    return {name: statistics.median(values) for name, values in times.items()}


def run(sides, sizes, partners):
    """Measure and print everything; return the number of missed bounds."""
    for side in sides:
        side.prepare(sizes)
    report = Report(sides)
    run_documents(sides, sizes, report)
    if partners:
        run_lists(sides[:2], partners, report)
    return report.missed


def run_documents(sides, sizes, report):
    confirm = {
        size: measure(
            sides,
            lambda side, size=size: side.ask(
                "confirm", side.single[size], side.product
            ),
        )
        for size in sizes
    }
    for size, seconds in confirm.items():
        what = f"confirm an order, {size:,} open items"
        report.add(
            f"{what}: / stock", seconds, seconds["ours"] / seconds["stock"], 1.25
        )
    last, first = confirm[sizes[-1]], confirm[sizes[0]]
    report.add(
        f"confirm, ours {sizes[-1]:,} / {sizes[0]:,}",
        last,
        last["ours"] / first["ours"],
        1.25,
    )
    reading = {
        size: measure(
            sides, lambda side, size=size: side.ask("exposure", side.single[size])
        )
        for size in sizes
    }
    few = reading[sizes[0]]["stock"]
    for size, seconds in reading.items():
        what = f"read exposure, {size:,} open items: / stock {sizes[0]}"
        report.add(what, seconds, seconds["ours"] / few, 1.0)
    rows = measure(sides, lambda side: side.ask("list", side.rows))
    what = f"exposure column of {LIST_ROWS} rows: / stock"
    report.add(what, rows, rows["ours"] / rows["stock"], 1.0)


def run_lists(sides, partners, report):
    """A page of a list of all customers by what they owe, beside the column ``credit``.

    Odoo cannot sort by its column: there all customers are read and sorted in Python.
    """
    for side in sides:
        side.add_customers(partners)
    for what, bound in (("filter", 2.0), ("sort", 1.0)):
        seconds = measure(
            sides, lambda side, what=what: side.ask(what, LIST_ROWS), LIST_ROUNDS
        )
        text = f"{what} {partners:,} customers by what they owe"
        report.add(text, seconds, seconds["ours"] / seconds["stock"], bound)


@contextlib.contextmanager
def rival(config, stock):
    """Yield (database, addons path) with the other addon, or None without it."""
    with tempfile.TemporaryDirectory() as folder:
        fetch = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        fetch += ["--target", folder, *(f"odoo-addon-{name}==19.*" for name in RIVAL)]
        if subprocess.run(fetch, check=False).returncode:
            print("The other addon cannot be fetched; measured without it.")
            yield None
            return
        settings = configparser.RawConfigParser()
        settings.read(config)
        addons_path = settings["options"]["addons_path"] + f",{folder}/odoo/addons"
        database = f"{stock}_rival"
        subprocess.run(["createdb", "-T", stock, database], check=True)
        try:
            install(config, database, addons_path)
            yield database, addons_path
        finally:
            subprocess.run(["dropdb", "--force", database], check=True)


def install(config, database, addons_path):
    command = [sys.executable, "-m", "odoo", "-c", config, "-d", database, "--no-http"]
    command += ["--addons-path", addons_path, "-i", ",".join(RIVAL)]
    command += ["--stop-after-init", "--log-level=error"]
    subprocess.run(command, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default=os.environ.get("ODOO_RC"))
    parser.add_argument("--stock", default=os.environ.get("BENCH_STOCK_DATABASE"))
    parser.add_argument("--ours", default=os.environ.get("BENCH_DATABASE"))
    parser.add_argument("--largest", type=int, default=100_000)
    parser.add_argument("--partners", type=int, default=0)
    options = parser.parse_args()
    sizes = [size for size in (10, 10_000, 100_000) if size <= options.largest]
    with rival(options.config, options.stock) as other, contextlib.ExitStack() as stack:
        sides = [
            Side("stock", options.config, options.stock),
            Side("ours", options.config, options.ours),
        ]
        if other:
            sides.append(Side("oca", options.config, *other))
        for side in sides:
            stack.callback(side.close)
        return 1 if run(sides, sizes, options.partners) else 0


if __name__ == "__main__":
    sys.exit(main())
