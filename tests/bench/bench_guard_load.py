"""The guard beside busy bookkeeping: false findings, lost updates, deadlocks, speed.

Four processes post invoices, register payments, reset, cancel and post again. In every
second phase a fifth process runs the guard without pause: the check of recent partners,
a sweep over everything, healing. Documents per second of both kinds of phases are
compared, neighbours with neighbours, because the tables grow all the time.
"""

import argparse
import os
import statistics
import sys
import time

from tests.bench._driver import Process, Report

BOOKKEEPERS = 4
PHASE_SECONDS = 30
WARM_UP_SECONDS = 10


class Load:
    """The bookkeepers and the guard, phase by phase."""

    def __init__(self, config, database, customers):
        started = [
            Process("_guard_load_worker.py", config=config, database=database)
            for _n in range(BOOKKEEPERS + 1)
        ]
        *self.bookkeepers, self.guard = started
        self.partners = self.guard.ask("prepare", customers)
        self.phases, self.failures = 0, []

    def phase(self, seconds, guarded):
        """Work for ``seconds``; documents per second, retries, deadlocks, guard."""
        until = time.time() + seconds
        for number, process in enumerate(self.bookkeepers):
            seed = self.phases * BOOKKEEPERS + number
            process.send("work", self.partners, until, seed)
        if guarded:
            self.guard.send("guard", until)
        self.phases += 1
        answers = [process.answer() for process in self.bookkeepers]
        # Failures are kept by each process from the first phase on.
        self.failures = sum((answer["failures"] for answer in answers), [])
        return {
            "rate": sum(a["documents"] / a["seconds"] for a in answers),
            "documents": sum(answer["documents"] for answer in answers),
            "retries": sum(answer["retries"] for answer in answers),
            "deadlocks": sum(answer["deadlocks"] for answer in answers),
            "guard": self.guard.answer() if guarded else None,
        }

    def lost(self):
        return sum((process.ask("lost") for process in self.bookkeepers), [])

    def close(self):
        for process in (*self.bookkeepers, self.guard):
            process.close()


def alternate(load, minutes):
    """Phases with and without the guard, in the order ABBA; their figures."""
    pairs = max(1, round(minutes * 60 / PHASE_SECONDS / 2))
    load.phase(WARM_UP_SECONDS, guarded=True)
    phases = []
    for number in range(pairs):
        for guarded in (False, True) if number % 2 else (True, False):
            figures = load.phase(PHASE_SECONDS, guarded)
            phases.append((guarded, figures))
            show(guarded, figures)
    return phases


def show(guarded, figures):
    text = f"{figures['documents']} documents, {figures['rate']:.1f}/s"
    text += f", {figures['retries']} retries"
    if guarded:
        guard = figures["guard"]
        text += f", guard: {guard['rounds']} rounds, {guard['cpu']:.1f} s of its CPU"
    print(("with guard:    " if guarded else "without guard: ") + text, flush=True)


def ratio(phases):
    """Median over neighbouring phases of documents per second, with / without."""
    return statistics.median(
        {one[0]: one[1]["rate"], two[0]: two[1]["rate"]}[True]
        / {one[0]: one[1]["rate"], two[0]: two[1]["rate"]}[False]
        for one, two in zip(phases[::2], phases[1::2], strict=True)
    )


def judge(load, phases, report):
    """Add every figure of the load test to ``report``."""
    lost, verdict = load.lost(), load.guard.ask("verdict")
    for text in (*load.failures, *lost, *verdict["findings"]):
        print("  ", text, flush=True)
    rounds = sum(figures["guard"]["rounds"] for guarded, figures in phases if guarded)
    documents = sum(figures["documents"] for _guarded, figures in phases)
    deadlocks = sum(figures["deadlocks"] for _guarded, figures in phases)
    off = sum(map(abs, verdict["differences"]))
    exact = {"digits": 0}
    report.add("documents", documents, 1, at_least=True, **exact)
    report.add("rounds of the guard", rounds, 1, at_least=True, **exact)
    report.add("false findings", len(verdict["findings"]), 0, **exact)
    report.add("repairs where nothing was broken", verdict["healed"], 0, **exact)
    report.add("failed checks", verdict["failed_checks"], 0, **exact)
    report.add("documents lost or changed", len(lost), 0, **exact)
    report.add("ledger against general ledger, all accounts", off, 0)
    report.add("deadlocks", deadlocks, 0, **exact)
    report.add("failed operations", len(load.failures), 0, **exact)
    report.add(
        "documents per second, with / without the guard",
        ratio(phases),
        0.95,
        at_least=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--customers", type=int, default=50)
    options = parser.parse_args()
    database = os.environ["BENCH_DATABASE"]
    load = Load(os.environ["ODOO_RC"], database, options.customers)
    report = Report()
    judge(load, alternate(load, options.minutes), report)
    load.close()
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
