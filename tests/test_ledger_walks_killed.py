"""The process is killed in the middle of a walk: the ledger is the general ledger.

``LEDGER_KILLS`` sets how often.
"""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from odoo.tools import SQL, config

from odoo.addons.sales_ledger_sync.tests.common import MISMATCH, MISNUMBERED

from .clones import committing_registry, environment
from .walk_world import build_world, find_world

KILLS = int(os.environ.get("LEDGER_KILLS", "6"))
STEPS = 12
# About the time of one step: the kill hits any moment of it.
LONGEST_STEP = 0.15


@pytest.fixture(scope="module")
def registry():
    with committing_registry() as copy:
        with environment(copy) as env:
            build_world(env)
        yield copy


@pytest.fixture
def walkers(registry):
    """The process that makes the walking ones."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.killed_walker", registry.db_name],
        env={**os.environ, "ODOO_RC": config["config"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.stdin.close()


def let_walk_and_kill(walkers, seed):
    """Start a walk, kill it at a random moment of one of its steps."""
    chance = random.Random(seed)
    walkers.stdin.write(f"{seed}\n")
    walkers.stdin.flush()
    process_id, steps = None, 0
    last = chance.randint(1, STEPS)
    while process_id is None or steps < last:
        line = walkers.stdout.readline().strip()
        assert line not in ("gone", ""), f"the walk {seed} ended by itself"
        if line == ".":
            steps += 1
        else:
            process_id = int(line)
    time.sleep(chance.uniform(0, LONGEST_STEP))
    os.kill(process_id, signal.SIGKILL)
    while walkers.stdout.readline().strip() != "gone":
        pass


def differences(registry):
    """What the ledger says wrongly: against the items, in numbers and in balances."""
    with environment(registry) as env:
        ids = list(find_world(env).companies.ids)
        return [
            row
            for query in (MISMATCH, MISNUMBERED)
            for row in env.execute_query(SQL(query, companies=ids))
        ]


def count(registry, condition):
    with environment(registry) as env:
        query = SQL("SELECT COUNT(*) FROM subledger_entry WHERE %s", SQL(condition))
        [(number,)] = env.execute_query(query)
        return number


@pytest.mark.parametrize("kill", range(KILLS))
def test_killed_in_the_middle_of_a_walk(registry, walkers, kill):
    before = count(registry, "TRUE")
    for seed in (2 * kill, 2 * kill + 1):
        let_walk_and_kill(walkers, seed)
        assert differences(registry) == [], f"after the walk {seed}"
    assert count(registry, "TRUE") > before
    # What the dead left unsealed, the scheduled sweep seals.
    with environment(registry) as env:
        env["subledger.account"]._cron_seal()
    assert count(registry, "number IS NULL") == 0
    assert differences(registry) == []


def test_the_killed_walks_went_far(registry):
    """They would prove little if most of their steps were refused."""
    with environment(registry) as env:
        query = SQL("SELECT DISTINCT transaction_type FROM subledger_entry")
        assert {kind for (kind,) in env.execute_query(query)} >= {
            "sale",
            "sale_refund",
            "purchase",
            "purchase_refund",
            "payment",
            "transfer",
            "reversal",
        }
