"""Sealing follows the commit, on the connection that has just committed."""

from unittest.mock import patch

import psycopg2
import pytest

import odoo.sql_db
from odoo import Command

from odoo.addons.sales_ledger_sync.models import subledger_account_sealing as sealing

from .clones import environment


@pytest.fixture
def draft(registry):
    """Id of a committed draft invoice of a customer who has one posted already."""
    with environment(registry) as env:
        # Ranked: else Odoo would write the customer after the commit, too.
        partner = env["res.partner"].create({"name": "Prompt", "customer_rank": 1})
        line = {"name": "x", "price_unit": 10.0, "tax_ids": [Command.clear()]}
        first, second = env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": partner.id,
                    "invoice_line_ids": [Command.create(line)],
                }
            ]
            * 2
        )
        first.action_post()
        return second.id


def get_number(registry, move_id):
    with environment(registry) as env:
        [number] = (
            env["subledger.entry"].search([("move_id", "=", move_id)]).mapped("number")
        )
        return number


def commit_counting(env):
    """Commit; return how many connections that took from the pool."""
    borrowed = []
    borrow = odoo.sql_db.ConnectionPool.borrow

    def count(pool, connection_info):
        borrowed.append(connection_info)
        return borrow(pool, connection_info)

    with patch.object(odoo.sql_db.ConnectionPool, "borrow", count):
        env.cr.commit()
    return len(borrowed)


def sealing_only(env):
    """Leave nothing but the sealing to be done after the commit."""
    accounts = env["subledger.account"]
    pending = dict(env.cr.postcommit.data[sealing.PENDING])
    env.cr.postcommit.clear()
    accounts._schedule_sealing(pending)


def test_takes_no_other_connection(registry, draft):
    with environment(registry) as env:
        env["account.move"].browse(draft).action_post()
        sealing_only(env)
        assert commit_counting(env) == 0
    assert get_number(registry, draft) == 2


def test_another_hook_left_a_transaction_open(registry, draft):
    """Its snapshot is too old for the lock, and what it wrote is not ours to end."""
    with environment(registry) as env:
        env["account.move"].browse(draft).action_post()
        pending = dict(env.cr.postcommit.data[sealing.PENDING])
        env.cr.postcommit.clear()
        env.cr.postcommit.add(
            lambda: env.cr.execute("SELECT set_config('test.hook', 'open', TRUE)")
        )
        env["subledger.account"]._schedule_sealing(pending)
        assert commit_counting(env) == 1
        env.cr.execute("SELECT current_setting('test.hook', TRUE)")
        assert env.cr.fetchone() == ("open",)
    assert get_number(registry, draft) == 2


def test_failure_disturbs_neither_the_posting_nor_other_hooks(registry, draft):
    with environment(registry) as env:
        env["account.move"].browse(draft).action_post()
        sealing_only(env)
        after = []
        env.cr.postcommit.add(lambda: after.append(env.cr.connection.status))

        def fail(accounts, hook_env, *args):
            hook_env.cr.execute("SELECT 1")
            raise psycopg2.OperationalError("the disk is full")

        with patch.object(type(env["subledger.account"]), "_seal_batch", fail):
            env.cr.commit()
        assert after == [psycopg2.extensions.STATUS_READY]
    assert get_number(registry, draft) == 0
    with environment(registry) as env:
        env["subledger.account"]._seal()
    assert get_number(registry, draft) == 2
