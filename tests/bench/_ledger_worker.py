"""One Odoo process of the ledger benchmark: reads commands, prints figures.

Started by ``bench_ledger.py`` once per database; see ``_worker.py``.
"""

import datetime
import resource
import statistics
import sys
import time

import odoo.api
from odoo.service.model import retrying

from tests.bench._worker import Worker, read_options


class LedgerWorker(Worker):
    def __init__(self, database):
        super().__init__(database)
        self.retries = 0

    def call(self, function, *args):
        """Run ``function(env, *args)`` in a committed transaction, as a request would.

        Counts the runs beyond the first, that is Odoo's retries.
        """
        runs = 0
        with self.registry.cursor() as cr:
            env = odoo.api.Environment(cr, odoo.api.SUPERUSER_ID, {})
            env = odoo.api.Environment(cr, env.ref("base.user_admin").id, {})

            def run():
                nonlocal runs
                runs += 1
                return function(env, *args)

            result = retrying(run, env)
        self.retries += runs - 1
        return result

    # -- preparation -------------------------------------------------------

    def prepare(self):
        return self.call(self._prepare)

    @staticmethod
    def _prepare(env):
        partner = env["res.partner"].create({"name": "Benchmark customer"})
        product = env["product.product"].create(
            {
                "name": "Benchmark service",
                "type": "service",
                "list_price": 100,
                "taxes_id": False,
            }
        )
        return {"partner": partner.id, "product": product.id}

    def customers(self, count):
        """Create the customers whose history the driver then writes by SQL."""

        def create(env):
            names = [{"name": f"History {index}"} for index in range(count)]
            return env["res.partner"].create(names).ids

        return self.call(create)

    @staticmethod
    def _draft(env, partner, product, count):
        moves = env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": partner,
                    "invoice_date": datetime.date.today().isoformat(),
                    "invoice_line_ids": [
                        (0, 0, {"product_id": product, "quantity": 1, "price_unit": 7})
                    ],
                }
                for _i in range(count)
            ]
        )
        return moves.ids

    # -- measurements ------------------------------------------------------

    def post(self, partner, product, count):
        """Post ``count`` fresh invoices in one batch; seconds and statements."""
        ids = self.call(self._draft, partner, product, count)
        figures = {}

        def post(env):
            moves = env["account.move"].browse(ids)
            moves.read(["state"])
            statements = env.cr.sql_log_count
            start = time.perf_counter()
            moves.action_post()
            env.cr.flush()
            figures["statements"] = env.cr.sql_log_count - statements
            figures["start"] = start

        self.call(post)
        # The commit and what runs after it belong to what the user waits for.
        figures["seconds"] = time.perf_counter() - figures.pop("start")
        return figures

    def post_singles(self, ids):
        """Post the given drafts one by one, each in its own transaction."""
        self.retries, failures = 0, 0
        start = time.perf_counter()
        for move_id in ids:
            try:
                self.call(lambda env, i=move_id: env["account.move"].browse(i)._post())
            except Exception as error:  # pylint: disable=broad-except
                failures += 1
                print(f"posting failed: {error}", file=sys.stderr)
        return {
            "seconds": time.perf_counter() - start,
            "retries": self.retries,
            "failures": failures,
        }

    def drafts(self, partner, product, count):
        return self.call(self._draft, partner, product, count)

    def seal(self, backwards=False):
        """Seal everything unsealed, as a scheduled sweep; entries and seconds."""
        start = time.perf_counter()
        with self.registry.cursor() as cr:
            env = odoo.api.Environment(cr, odoo.api.SUPERUSER_ID, {})
            sealed = env["subledger.account"]._seal(backwards=backwards)
        return {"entries": sealed, "seconds": time.perf_counter() - start}

    def balance(self, partner, rounds=50):
        """Median seconds of reading one customer's balance in a fresh transaction."""
        times = []
        for _round in range(rounds):
            with self.registry.cursor() as cr:
                env = odoo.api.Environment(cr, odoo.api.SUPERUSER_ID, {})
                company = env["res.company"].browse(1)
                customer = env["res.partner"].browse(partner)
                cr.execute("SELECT 1")
                start = time.perf_counter()
                env["subledger.account"]._get_balances(company, customer)
                times.append(time.perf_counter() - start)
        return {"seconds": statistics.median(times)}

    def start_backfill(self):
        """Start a backfill of the whole history, as a person would."""

        def run(env):
            env["subledger.backfill"].create(
                {"company_id": 1, "mode": "full", "start_date": False}
            ).action_start()

        start = time.perf_counter()
        self.call(run)
        return {"seconds": time.perf_counter() - start}

    def work_on_backfill(self, backwards=False):
        """What a scheduled action does; the growth of the process's memory."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with self.registry.cursor() as cr:
            env = odoo.api.Environment(cr, odoo.api.SUPERUSER_ID, {})
            env["subledger.backfill"]._cron_run(backwards)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        return {"grown_mib": grown / 1024}

    def enter_unsealed(self, batch=50_000):
        """Write the entries of what came after the last entry, and do not seal."""
        query = """
            SELECT array_agg(id) FROM (
                SELECT id FROM account_move_line
                 WHERE display_type = 'payment_term' AND id > %s
                   AND id > (SELECT MAX(move_line_id) FROM subledger_entry)
              ORDER BY id LIMIT %s) AS item
        """
        line_ids = [0]
        while line_ids:
            with self.registry.cursor() as cr:
                cr.execute(query, [line_ids[-1], batch])
                [line_ids] = cr.fetchone()
                env = odoo.api.Environment(cr, odoo.api.SUPERUSER_ID, {})
                env["subledger.sync"]._sync_new(line_ids or [])
                cr.postcommit.clear()
        return {}


def main():
    options = read_options()
    worker = LedgerWorker(options.database)
    if "stock" not in options.database and "subledger.entry" not in worker.registry:
        raise SystemExit(f"{options.database} has no ledger to measure")
    worker.serve()


if __name__ == "__main__":
    main()
