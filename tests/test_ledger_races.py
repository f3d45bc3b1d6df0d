"""The ledger under simultaneous work, with real transactions and real crashes."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from odoo import Command
from odoo.service.model import retrying
from odoo.tools import SQL, config

from odoo.addons.sales_ledger_sync.models import subledger_account_sealing as sealing
from odoo.addons.sales_ledger_sync.tests.common import MISMATCH, MISNUMBERED

from .clones import environment

WORKERS = 8
INVOICES = 4

CHAIN_BROKEN = """
    SELECT entry.id FROM subledger_entry AS entry
      LEFT JOIN subledger_entry AS before
        ON before.company_id = entry.company_id
       AND before.partner_id IS NOT DISTINCT FROM entry.partner_id
       AND before.account_id = entry.account_id
       AND before.number = entry.number - 1
     WHERE entry.number IS NOT NULL
       AND entry.hash IS DISTINCT FROM '1$' || encode(sha256(convert_to(
               COALESCE(before.hash, '') || %s, 'UTF8')), 'hex')
"""


def create_drafts(registry, count, partner_id=None):
    """Commit draft invoices of one customer, each worker with a journal of its own
    so that they do not queue for a number; return their ids and the customer's."""
    with environment(registry) as env:
        # Ranked already: the first invoice of a customer writes its rank, and there
        # stock Odoo makes simultaneous first invoices repeat.
        values = {"name": "Busy", "customer_rank": 1}
        partner_id = partner_id or env["res.partner"].create(values).id
        line = {"name": "x", "price_unit": 10.0, "tax_ids": [Command.clear()]}
        moves = env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": partner_id,
                    "invoice_date": "2026-03-01",
                    "journal_id": journal.id,
                    "invoice_line_ids": [Command.create(line)],
                }
                for journal in create_journals(env)
                for _number in range(count)
            ]
        )
        return moves.ids, partner_id


def create_journals(env):
    journals = env["account.journal"]
    wanted = [f"RACE{number}" for number in range(WORKERS)]
    found = journals.search([("code", "in", wanted)])
    missing = sorted(set(wanted) - set(found.mapped("code")))
    revenue = journals.search([("type", "=", "sale")], limit=1).default_account_id
    values = {"type": "sale", "default_account_id": revenue.id}
    return found + journals.create(
        [dict(values, name=code, code=code) for code in missing]
    )


def in_threads(work, arguments):
    """Run ``work(argument)`` in parallel, all starting together."""
    barrier = threading.Barrier(len(arguments))

    def run(argument):
        barrier.wait()
        return work(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


def assert_ledger_is_right(registry, partner_id=None):
    with environment(registry) as env:
        env["subledger.account"]._seal()
    with environment(registry) as env:
        companies = env["res.company"].search([]).ids
        for query in (MISMATCH, MISNUMBERED):
            assert env.execute_query(SQL(query, companies=companies)) == []
        payload = env["subledger.entry"]._hash_payload_sql("entry")
        assert env.execute_query(SQL(CHAIN_BROKEN, payload)) == []
        assert env["subledger.account"]._count_unsealed() == 0


def test_simultaneous_posting_for_one_customer(registry):
    """The customer's first entries, posted and sealed by eight at once."""
    move_ids, partner_id = create_drafts(registry, INVOICES)
    attempts = []

    def post(chunk):
        for move_id in chunk:
            with environment(registry) as env:

                def call(env=env, move_id=move_id):
                    attempts.append(move_id)
                    env["account.move"].browse(move_id).action_post()

                retrying(call, env)

    chunks = [
        move_ids[start : start + INVOICES]
        for start in range(0, len(move_ids), INVOICES)
    ]
    in_threads(post, chunks)
    assert sorted(attempts) == sorted(move_ids), "A posting had to be repeated"
    with environment(registry) as env:
        accounts = env["subledger.account"]
        balances = accounts._get_balances(
            env.company, env["res.partner"].browse(partner_id)
        )
        assert balances == {partner_id: 10.0 * WORKERS * INVOICES}
    assert_ledger_is_right(registry)


def test_same_document_posted_by_many(registry):
    """Two tabs, or a retry that was no retry: one entry."""
    [move_id, *_others], _partner = create_drafts(registry, 1)

    def post(_number):
        with environment(registry) as env:
            move = env["account.move"].browse(move_id)
            retrying(lambda: move.write({"state": "posted"}), env)

    in_threads(post, range(4))
    with environment(registry) as env:
        entries = env["subledger.entry"].search([("move_id", "=", move_id)])
        assert entries.mapped("event") == ["entry"]
    assert_ledger_is_right(registry)


def test_simultaneous_repair(registry):
    """The engine itself, asked by many about the same changed item."""
    [move_id, *_others], _partner = create_drafts(registry, 1)
    with environment(registry) as env:
        env["account.move"].browse(move_id).action_post()
    with environment(registry) as env:
        # Past every hook, as a program with a database connection may.
        env.cr.execute(
            "UPDATE account_move_line SET date_maturity = '2027-01-01'"
            " WHERE move_id = %s",
            [move_id],
        )

    def repair(_number):
        with environment(registry) as env:
            sync = env["subledger.sync"]
            retrying(lambda: sync._sync_moves([move_id], "repair"), env)

    in_threads(repair, range(4))
    with environment(registry) as env:
        entries = env["subledger.entry"].search([("move_id", "=", move_id)], order="id")
        assert entries.mapped("event") == ["entry", "reversal", "entry"]
    assert_ledger_is_right(registry)


def test_simultaneous_sealing(registry):
    move_ids, _partner = create_drafts(registry, INVOICES)
    with environment(registry) as env:
        env.cr.postcommit.clear()
        env["account.move"].browse(move_ids).action_post()
        # Nobody seals after this commit: the sealers below find all of it.
        env.cr.postcommit.clear()

    def seal(_number):
        with environment(registry) as env:
            return env["subledger.account"]._seal(limit=3)

    while sum(in_threads(seal, range(4))):
        pass
    assert_ledger_is_right(registry)


def test_sweeps_from_both_ends(registry):
    """They meet somewhere; together they seal everything, each entry once."""
    move_ids = [id_ for _number in range(4) for id_ in create_drafts(registry, 1)[0]]
    with environment(registry) as env:
        env["account.move"].browse(move_ids).action_post()
        env.cr.postcommit.clear()
        waiting = env["subledger.account"]._count_unsealed()
    assert waiting == len(move_ids)

    def sweep(backwards):
        shares = [0]
        while not shares[1:] or shares[-1]:
            with environment(registry) as env:
                sealer = env["subledger.account"]
                shares.append(sealer._seal(limit=5, backwards=backwards))
        return sum(shares)

    with patch.object(sealing, "BATCH_SIZE", 5):
        assert sum(in_threads(sweep, [False, True])) == waiting
    assert_ledger_is_right(registry)


@pytest.mark.parametrize("released", [True, False])
def test_entry_committed_while_another_sealer_works(registry, released):
    """The other one looked before this entry was committed and will not see it."""
    move_ids, partner_id = create_drafts(registry, 1)
    with environment(registry) as env:
        env["account.move"].browse(move_ids[0]).action_post()
    with environment(registry) as other:
        other.cr.execute(
            "SELECT FROM subledger_account WHERE partner_id = %s FOR NO KEY UPDATE",
            [partner_id],
        )
        pauses = []

        def pause(seconds):
            pauses.append(seconds)
            if released:
                other.cr.rollback()

        with patch.object(sealing, "time", SimpleNamespace(sleep=pause)):
            with environment(registry) as env:
                env["account.move"].browse(move_ids[1]).action_post()
        assert len(pauses) == (1 if released else sealing.PATIENCE)
    with environment(registry) as env:
        assert env["subledger.account"]._count_unsealed() == (not released)
    assert_ledger_is_right(registry)


def create_debtor(env, account_type):
    """A contact, ranked so that stock Odoo does not write it, and its account."""
    ranks = {"customer_rank": 1, "supplier_rank": 1}
    accounts = env["account.account"]
    account = accounts.create(
        {
            "name": "Race",
            "code": f"RACE{accounts.search_count([])}",
            "account_type": account_type,
            "reconcile": True,
        }
    )
    return env["res.partner"].create(dict(ranks, name="Racer")).id, account.id


def post_manual_entry(env, partner_id, account_id):
    income = env["account.account"].search([("account_type", "=", "income")], limit=1)
    journal = env["account.journal"].search([("type", "=", "general")], limit=1)
    debit = {"account_id": account_id, "partner_id": partner_id, "debit": 5}
    credit = {"account_id": income.id, "credit": 5}
    values = {
        "journal_id": journal.id,
        "date": "2026-03-01",
        "line_ids": [Command.create(debit), Command.create(credit)],
    }
    move = env["account.move"].create(values)
    move.action_post()
    return move.id


def reparent(partner, account):
    partner.parent_id = partner.create({"name": "Its Holding"})


def record_manual(partner, account):
    partner.env.company.subledger_manual_policy = "record"


def make_receivable(partner, account):
    account.account_type = "asset_receivable"


@pytest.mark.parametrize(
    ("change", "policy", "account_type", "difference"),
    [
        (reparent, "record", "asset_receivable", "changed"),
        (record_manual, "skip", "asset_receivable", "missing"),
        (make_receivable, "record", "asset_current", "missing"),
    ],
)
def test_change_beside_a_posting(registry, change, policy, account_type, difference):
    """Neither sees what the other has not committed. The comparison that the checks
    and the command make finds what fell between, and the repair puts it right."""
    with environment(registry) as env:
        env.company.subledger_manual_policy = policy
        partner_id, account_id = create_debtor(env, account_type)
    with environment(registry) as posting:
        move_id = post_manual_entry(posting, partner_id, account_id)
        posting.flush_all()
        with environment(registry) as env:
            # Neither waits for the other; if one did, this would tell.
            env.cr.execute("SET LOCAL lock_timeout = '20s'")
            partner = env["res.partner"].browse(partner_id)
            change(partner, env["account.account"].browse(account_id))
    with environment(registry) as env:
        sync = env["subledger.sync"]
        query = sync._difference_query(sync._candidates_of_moves([move_id]))
        assert [row[0] for row in env.execute_query(query)] == [difference]
        sync._sync_moves([move_id], "repair")
        assert env.execute_query(query) == []
    assert_ledger_is_right(registry)


def test_rolled_back_posting_leaves_nothing(registry):
    [move_id, *_others], _partner = create_drafts(registry, 1)
    with environment(registry) as env:
        env["account.move"].browse(move_id).action_post()
        assert env["subledger.entry"].search_count([("move_id", "=", move_id)]) == 1
        env.cr.rollback()
    with environment(registry) as env:
        assert env["subledger.entry"].search_count([("move_id", "=", move_id)]) == 0


# What a killed process was doing: posting, resetting and sealing without pause.
VICTIM = """
    import sys
    from odoo.api import Environment
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(["-c", sys.argv[1], "-d", sys.argv[2]])
    registry = Registry(sys.argv[2])
    print("ready", flush=True)
    for number in range(10**6):
        for state in ("posted", "draft"):
            with registry.cursor() as cr:
                env = Environment(cr, 1, {})
                ids = [int(name) for name in sys.argv[3].split(",")]
                env["account.move"].browse(ids).write({"state": state})
"""


@pytest.mark.parametrize("delay", [0.05, 0.4, 1.1])
def test_killed_at_any_moment(registry, delay):
    move_ids, _partner = create_drafts(registry, 1)
    ids = ",".join(map(str, move_ids))
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(VICTIM),
        config["config"] or config.rcfile,
        registry.db_name,
        ids,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        try:
            assert victim.stdout.readline().strip() == "ready"
            time.sleep(delay)
        finally:
            os.kill(victim.pid, signal.SIGKILL)
    assert_ledger_is_right(registry)
    with environment(registry) as env:
        moves = env["account.move"].browse(move_ids)
        moves.filtered(lambda move: move.state == "draft").action_post()
    assert_ledger_is_right(registry)
