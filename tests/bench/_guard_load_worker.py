"""One Odoo process of the guard's load test: reads commands, prints figures.

Started by ``bench_guard_load.py``: four of them keep bookkeeping busy, one guards;
see ``_worker.py``.
"""

import random
import time

from odoo.api import SUPERUSER_ID, Environment
from odoo.service import model as service

from tests.bench._worker import Worker, read_options
from tests.bookkeeping import post_invoice, treat
from tests.clones import ensure_chart

# How often bookkeepers do what: most documents are posted and paid.
OPERATIONS = ["leave"] * 4 + ["pay"] * 4 + ["reset", "cancel", "repost"]


class LoadWorker(Worker):
    """The commands; each operation is a transaction of its own, as a request is."""

    def __init__(self, database):
        super().__init__(database)
        self.chance = random.Random()
        self.posted, self.retries, self.deadlocks, self.failures = {}, 0, 0, []

    def call(self, function, *args):
        """Run ``function(env, *args)`` in a transaction, repeated as requests are."""
        runs = []
        with self.registry.cursor() as cr:
            env = Environment(cr, SUPERUSER_ID, {})

            def run():
                runs.append(function)
                return self._watching(function, env, *args)

            result = service.retrying(run, env)
        self.retries += len(runs) - 1
        return result

    def _watching(self, function, *args):
        try:
            return function(*args)
        except Exception as error:
            # Counted and raised again: the server decides about repeating it.
            self.deadlocks += getattr(error, "pgcode", None) == "40P01"
            raise

    # -- preparation -------------------------------------------------------

    def prepare(self, customers):
        return self.call(self._prepare, customers)

    @staticmethod
    def _prepare(env, customers):
        ensure_chart(env)
        env.company.guard_heal_ledger = True
        names = [{"name": f"Busy {number}"} for number in range(customers)]
        return env["res.partner"].create(names).ids

    # -- bookkeeping -------------------------------------------------------

    def work(self, partners, until, seed):
        """Post, pay, reset and cancel until ``until`` (a time of the clock).

        :return: documents done, seconds, retries and deadlocks of this phase
        """
        self.chance.seed(seed)
        self.retries = self.deadlocks = 0
        started, done = time.time(), 0
        while time.time() < until:
            what = self.chance.choice(OPERATIONS)
            args = (self.chance.choice(partners), self.chance.randint(1, 999), what)
            try:
                move, state, amount = self.call(self._document, *args)
            except Exception as error:
                # Told at the end; the others go on.
                self.failures.append(f"{what}: {type(error).__name__}: {error}")
            else:
                self.posted[move] = (state, amount)
                done += 1
        return {
            "documents": done,
            "seconds": time.time() - started,
            "retries": self.retries,
            "deadlocks": self.deadlocks,
            "failures": self.failures,
        }

    @staticmethod
    def _document(env, partner, amount, what):
        customer = env["res.partner"].browse(partner)
        invoice = post_invoice(env, customer, amount)
        treat(invoice, what)
        return invoice.id, invoice.state, invoice.amount_total

    def lost(self):
        """What this process has done and the database does not show."""

        def compare(env):
            moves = env["account.move"].browse(map(int, self.posted)).exists()
            shown = {move.id: (move.state, move.amount_total) for move in moves}
            return [
                [move, done, shown.get(move)]
                for move, done in self.posted.items()
                if shown.get(move) != done
            ]

        return self.call(compare)

    # -- guarding ----------------------------------------------------------

    def guard(self, until):
        """Look at recent partners and at everything, and heal, again and again."""
        rounds, busy, started = 0, 0.0, time.time()
        cpu = time.process_time()
        while time.time() < until:
            turn = time.time()
            for job in ("_cron_recent", "_cron_nightly", "_cron_sweep"):
                with self.registry.cursor() as cr:
                    env = Environment(cr, SUPERUSER_ID, {})
                    getattr(env["guard.job"], job)()
            busy += time.time() - turn
            rounds += 1
        return {
            "rounds": rounds,
            "seconds": time.time() - started,
            "busy": busy,
            "cpu": time.process_time() - cpu,
        }

    def verdict(self):
        """Findings there ever were, differences to the general ledger, healing."""

        def ask(env):
            found = env["guard.finding"].search([])
            explained = env["guard.check.control_account"]._explain(
                env["guard.check"]._prepare_scope()
            )
            run = env["guard.check"].run_all()
            return {
                "findings": found.mapped("fingerprint"),
                "healed": len(env["guard.heal"].search([])),
                "failed_checks": env["guard.run.check"].search_count(
                    [("state", "=", "failed")]
                ),
                "failed_parts": env["guard.range"].search_count([("attempts", ">", 1)]),
                "differences": [row["difference"] for row in explained],
                "total": sum(abs(row["expected"]) for row in explained),
                "result": run.result,
            }

        with self.registry.cursor() as cr:
            Environment(cr, SUPERUSER_ID, {})["subledger.account"]._seal()
        return self.call(ask)


def main():
    options = read_options(log_level="critical")
    LoadWorker(options.database).serve()


if __name__ == "__main__":
    main()
