"""Walks through a database until it is killed; see ``test_ledger_walks_killed.py``.

Reads seeds from standard input and answers each with the id of a new process that walks
from then on: one committed transaction per step, and a dot for each.
"""

import os
import random
import sys

import odoo.sql_db
from odoo import api
from odoo.modules.registry import Registry
from odoo.tools import config

from tests.walk_world import find_world
from tests.walks import Walk


def walk(registry, seed):
    """Walk without end, with numbers drawn from ``seed``."""
    numbers = random.Random(seed)
    with registry.cursor() as cr:
        env = api.Environment(cr, api.SUPERUSER_ID, {"tracking_disable": True})
        world = find_world(env)
        walker = Walk(
            env(context=dict(env.context, allowed_company_ids=world.companies.ids)),
            world,
        )
        while True:
            # Now and then documents are needed that the others can act on.
            kind = numbers.choice([0, numbers.randrange(1000)])
            walker.step(
                kind,
                numbers.randrange(50),
                numbers.randrange(8),
                numbers.randrange(10_000),
            )
            cr.commit()
            print(".", flush=True)


def main(database):
    config.parse_config([f"--database={database}", "--log-level=critical"])
    registry = Registry(database)
    for seed in iter(sys.stdin.readline, ""):
        odoo.sql_db.close_all()
        child = os.fork()
        if not child:
            walk(registry, seed)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
