"""Confirms orders at the same instant, each in a process of its own.

Started by ``test_credit_race_processes.py`` with the database and the number of
processes. Each line of standard input is a JSON list of order ids, one per process; it
is answered with one line: a JSON list of ``[runs, seconds, error or null]``.
"""

import json
import multiprocessing
import sys
import time

import odoo.sql_db
from odoo.api import SUPERUSER_ID, Environment
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.tools import config

WAIT_SECONDS = 60


def confirm(registry, order_id, together):
    """Confirm as the server does with every request, once everybody has begun.

    :return: runs (1: Odoo repeated nothing) and seconds from the start to the commit
    """
    runs, started = [], []

    def run(env):
        # The first read fixes what this transaction can see of the others.
        env["sale.order"].search_count([("state", "=", "sale")])
        runs.append(True)
        if len(runs) == 1:
            together.wait(WAIT_SECONDS)
            started.append(time.perf_counter())
        env["sale.order"].browse(order_id).action_confirm()

    with registry.check_signaling().cursor() as cr:
        env = Environment(cr, SUPERUSER_ID, {})
        retrying(lambda: run(env), env)
    return len(runs), time.perf_counter() - started[0]


def work(registry, together, orders, outcomes):
    """Confirm one order after the other until there is None."""
    while (order_id := orders.get()) is not None:
        try:
            outcomes.put([*confirm(registry, order_id, together), None])
        except Exception as error:  # whatever a user would have been shown
            outcomes.put([0, 0.0, repr(error)])


def main():
    database, workers = sys.argv[1], int(sys.argv[2])
    config.parse_config([f"--database={database}", "--log-level=error"])
    registry = Registry(database)
    # Connections do not survive the fork.
    odoo.sql_db.close_all()
    fork = multiprocessing.get_context("fork")
    together, outcomes = fork.Barrier(workers), fork.Queue()
    queues = [fork.Queue() for _number in range(workers)]
    processes = [
        fork.Process(target=work, args=(registry, together, queue, outcomes))
        for queue in queues
    ]
    for process in processes:
        process.start()
    for line in sys.stdin:
        for queue, order_id in zip(queues, json.loads(line), strict=True):
            queue.put(order_id)
        answers = [outcomes.get(timeout=WAIT_SECONDS) for _number in range(workers)]
        print(json.dumps(answers), flush=True)
    for queue, process in zip(queues, processes, strict=True):
        queue.put(None)
        process.join(WAIT_SECONDS)


if __name__ == "__main__":
    main()
