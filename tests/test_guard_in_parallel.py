"""The guard beside other transactions: workers that share, die, and a busy system."""

import contextlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import psycopg2
import pytest
from psycopg2 import errors

from odoo import SUPERUSER_ID
from odoo.api import Environment
from odoo.service.model import retrying

from .bookkeeping import post_invoice, treat
from .clones import environment
from .damage import break_cache

PARTNERS = 6
POSTERS = 3
OPERATIONS = 25


@pytest.fixture(scope="module")
def registry(registry):
    """A company with some customers whose entries are sealed."""
    with environment(registry) as env:
        names = [{"name": f"Customer {number}"} for number in range(PARTNERS)]
        for partner in env["res.partner"].create(names):
            post_invoice(env, partner, 100.0)
    return registry


@pytest.fixture
def sweep(registry):
    """A planned sweep with one part per customer; its id."""
    ranges = registry["guard.range"]
    with patch.object(ranges, "_get_size", lambda self: 1):
        with environment(registry) as env:
            env["guard.range"].search([]).unlink()
            env["guard.run"].search([]).unlink()
            env["guard.finding"].search([]).unlink()
            env["guard.repair"].search([]).unlink()
            env["guard.job"]._plan("nightly")
    with environment(registry) as env:
        return env["guard.run"].search([("kind", "=", "nightly")]).id


def work_off(registry):
    with environment(registry) as env:
        env["guard.job"]._cron_sweep()


def test_workers_share_a_sweep(registry, sweep):
    """Two workers at once: every part is done, and none of them twice."""
    ranges = registry["guard.range"]
    work, together = ranges._work, threading.Barrier(2, timeout=20)
    done, started = [], set()

    def work_together(self):
        if threading.get_ident() not in started:
            started.add(threading.get_ident())
            together.wait()
        done.append((self.id, threading.get_ident()))
        return work(self)

    with patch.object(ranges, "_work", work_together), ThreadPoolExecutor(2) as pool:
        list(pool.map(work_off, [registry] * 2))
    with environment(registry) as env:
        run = env["guard.run"].browse(sweep)
        parts = run.range_ids
        assert len(parts) > PARTNERS
        assert set(parts.mapped("state")) == {"done"}
        assert set(parts.mapped("attempts")) == {1}
        assert sorted(part for part, _worker in done) == parts.ids
        assert len({worker for _part, worker in done}) == 2
        assert run.state == "done"


def test_part_of_a_killed_worker_is_free_again(registry, sweep):
    """The worker's connection dies in the middle of its second part."""
    ranges = registry["guard.range"]
    work, worked = ranges._work, []

    def work_until_killed(self):
        work(self)
        worked.append(self.id)
        if len(worked) == 2:
            self.env.flush_all()
            kill_backend(registry, self.env.cr._cnx.info.backend_pid)
            self.env.cr.execute("SELECT 1")

    with patch.object(ranges, "_work", work_until_killed):
        with pytest.raises(psycopg2.Error):
            work_off(registry)
    with environment(registry) as env:
        states = env["guard.run"].browse(sweep).range_ids.mapped("state")
        assert states.count("done") == 1
    work_off(registry)
    with environment(registry) as env:
        run = env["guard.run"].browse(sweep)
        assert set(run.range_ids.mapped("state")) == {"done"}
        assert set(run.range_ids.mapped("attempts")) == {1}
        checks = run.check_ids.mapped("check_id.code")
        per_part = run.check_ids.filtered(
            lambda line: line.check_id.code == "cached_balance"
        )
        assert "trial_balance" in checks
        assert len(per_part) == len(
            run.range_ids.filtered(lambda part: part.scope == "partners")
        )


def kill_backend(registry, pid):
    with registry.cursor() as cr:
        cr.execute("SELECT pg_terminate_backend(%s)", [pid])


def test_sweep_finds_and_heals_once(registry, sweep):
    break_cache(registry, 5)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work_off, [registry] * 2))
    with environment(registry) as env:
        run = env["guard.run"].browse(sweep)
        assert len(run.finding_ids) == PARTNERS
        assert set(run.finding_ids.mapped("state")) == {"healed"}
        heals = run.finding_ids.heal_ids
        assert len(heals) == PARTNERS
        heads = env["subledger.account"].search([])
        assert heads.mapped("sealed_balance") == heads.mapped("balance")


def check_recent(env):
    """As the five-minute job does for one company."""
    job, company_id = env["guard.job"], env.company.id
    job._check_recent(company_id, job._get_recent_partners(company_id))


def look_at_recent(registry):
    with environment(registry) as env:
        check_recent(env)


def assert_found_once(registry):
    """One finding and one healing record for each customer."""
    with environment(registry) as env:
        findings = env["guard.finding"].search([])
        assert len(findings.partner_id) == len(findings) == PARTNERS
        assert set(findings.mapped("state")) == {"healed"}
        assert findings.heal_ids.mapped("state") == ["done"] * PARTNERS


def get_errors(caplog):
    return [record.message for record in caplog.records if record.levelname == "ERROR"]


def test_recent_partners_leave_out_what_the_sweep_is_at(registry, sweep, caplog):
    """A worker has found something and not committed it when the other job comes."""
    break_cache(registry, 5)
    ranges, looked = registry["guard.range"], []
    work = ranges._work

    def work_while_others_look(self):
        work(self)
        self.env.flush_all()
        if not looked:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(look_at_recent, registry).result(timeout=60)
            looked.append(self.id)

    with patch.object(ranges, "_work", work_while_others_look):
        work_off(registry)
    assert looked
    with environment(registry) as env:
        recent = env["guard.run"].search([("kind", "=", "recent")])
        assert len(recent.finding_ids) == PARTNERS - 1
        first = env["guard.range"].browse(looked)
        assert first.run_id.finding_ids.filtered(
            lambda finding: first._holds(finding.partner_key)
        )
    assert_found_once(registry)
    assert not get_errors(caplog)


def test_sweep_leaves_out_the_partners_looked_at(registry, sweep, caplog):
    """The five-minute job has found something when a worker comes by."""
    break_cache(registry, 5)
    runs = registry["guard.run"]
    finish, worked = runs._finish, []

    def finish_while_others_work(self):
        if not worked:
            worked.append(self.id)
            self.env.flush_all()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(work_off, registry).result(timeout=60)
        return finish(self)

    with patch.object(runs, "_finish", finish_while_others_work):
        look_at_recent(registry)
    assert worked
    assert_found_once(registry)
    with environment(registry) as env:
        run = env["guard.run"].browse(sweep)
        assert set(run.range_ids.mapped("state")) == {"todo", "done"}
        worker = env.ref("balance_guard.cron_sweep_1")
        assert env["ir.cron.trigger"].search([("cron_id", "=", worker.id)])
    work_off(registry)
    with environment(registry) as env:
        assert env["guard.run"].browse(sweep).state == "done"
    assert_found_once(registry)
    assert not get_errors(caplog)


def die(env):
    """As a server killed in the middle of its transaction."""
    kill_backend(env.registry, env.cr._cnx.info.backend_pid)
    env.cr.execute("SELECT 1")


def lose(env):
    """As a transaction that another one was faster than."""
    raise errors.SerializationFailure


@pytest.mark.parametrize("loss", [die, lose])
def test_repair_outlives_the_run_that_made_it(registry, sweep, loss):
    """What was repaired is written down, whatever becomes of the run's transaction."""
    partner_id = break_cache_of_one(registry)
    interrupt_healing(registry, loss)
    with environment(registry) as env:
        [head] = env["subledger.account"].search([("partner_id", "=", partner_id)])
        assert head.sealed_balance == head.balance
        assert not env["guard.finding"].search([("partner_id", "=", partner_id)])
        assert not env["guard.heal"].search([])
    with environment(registry) as env:
        env["guard.job"]._cron_recent()
    with environment(registry) as env:
        [heal] = env["guard.heal"].search([])
        assert (heal.state, heal.difference_before) == ("done", -7.0)
        assert "interrupted" in heal.note
        assert heal.finding_id.partner_id.id == partner_id
        assert heal.finding_id.state == "healed"
        assert heal.finding_id.run_ids.state == "done"
        assert not env["guard.repair"].search([])


def test_breaker_counts_repairs_of_lost_runs(registry, sweep):
    for _time in range(2):
        partner_id = break_cache_of_one(registry)
        interrupt_healing(registry, die)
    break_cache_of_one(registry)
    with environment(registry) as env:
        run = env["guard.check"].run_all([partner_id], heal=True)
        assert run.finding_ids.state == "open"
        assert run.finding_ids.heal_ids.mapped("state") == ["tripped"]
    with environment(registry) as env:
        # Nothing is counted twice once it is written down.
        assert len(env["guard.repair"]._recover()) == 2
        assert not env["guard.repair"]._recover()


def test_nothing_is_kept_of_a_run_that_ended_well(registry, sweep):
    partner_id = break_cache_of_one(registry)
    with environment(registry) as env:
        env["guard.check"].run_all([partner_id], heal=True)
        # Another run does not take it for lost while it is still at work.
        with environment(registry) as other:
            assert len(other["guard.repair"].search([])) == 1
            assert not other["guard.repair"]._recover()
            assert len(other["guard.repair"].search([])) == 1
    with environment(registry) as env:
        assert not env["guard.repair"]._recover()
        assert not env["guard.repair"].search([])
        [heal] = env["guard.heal"].search([])
        assert (heal.state, heal.note) == ("done", False)


def break_cache_of_one(registry):
    """Add 7 to the kept balance of one customer; the customer's id."""
    with environment(registry) as env:
        [partner] = env["res.partner"].search([("name", "=", "Customer 0")])
    break_cache(registry, 7, partner.id)
    return partner.id


def interrupt_healing(registry, loss):
    """Check the recent partners; the run is lost once, after its first repair."""
    heals = registry["guard.heal"]
    log, lost = heals._log, []

    def log_or_lose(self, findings, state, *args):
        if state == "done" and not lost:
            lost.append(state)
            loss(self.env)
        return log(self, findings, state, *args)

    with patch.object(heals, "_log", log_or_lose):
        with contextlib.suppress(psycopg2.Error), environment(registry) as env:
            check_recent(env)
    assert lost


def test_busy_system_gives_no_false_finding(registry, sweep):
    """Posting, paying, resetting and cancelling while the guard never stops."""
    busy = threading.Event()
    busy.set()
    restless = patch.object(registry["guard.job"], "_is_busy", lambda self, cr: False)
    with restless, ThreadPoolExecutor(POSTERS + 1) as pool:
        guard = pool.submit(guard_while, registry, busy)
        posters = [pool.submit(keep_busy, registry, n) for n in range(POSTERS)]
        done = [poster.result() for poster in posters]
        busy.clear()
        rounds = guard.result()
    assert sum(done) == POSTERS * OPERATIONS
    assert rounds > 1
    with environment(registry) as env:
        env["subledger.account"]._seal()
        assert not env["guard.finding"].search([]).mapped("fingerprint")
        run = env["guard.check"].run_all()
        assert run.result == "clean"


def guard_while(registry, busy):
    """Look at recent partners again and again; return how often."""
    rounds = 0
    while busy.is_set():
        with environment(registry) as env:
            env["guard.job"]._cron_recent()
        work_off(registry)
        rounds += 1
    return rounds


def keep_busy(registry, seed):
    """Do random things to the same customers; return how many."""
    chance = random.Random(seed)
    for _number in range(OPERATIONS):
        with registry.cursor() as cr:
            env = Environment(cr, SUPERUSER_ID, {})
            retrying(lambda env=env: do_something(env, chance), env)
    return OPERATIONS


def do_something(env, chance):
    partner = chance.choice(
        env["res.partner"].search([("name", "like", "Customer ")]).sorted("id")
    )
    invoice = post_invoice(env, partner, chance.randint(1, 1000))
    treat(invoice, chance.choice(["leave", "pay", "reset", "cancel", "repost"]))
