"""Orders of one customer confirmed at the same instant, with real transactions."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from psycopg2.errors import LockNotAvailable

from odoo import Command
from odoo.api import SUPERUSER_ID, Environment
from odoo.service.model import retrying

from .clones import committing_registry, ensure_chart, environment

ORDERS = 8
AMOUNT = 100.0


@contextmanager
def credit_registry():
    """A database with one rule: nobody goes over their limit."""
    with committing_registry() as registry:
        with environment(registry) as env:
            ensure_chart(env)
            env["credit.rule"].create({"name": "Limit", "company_id": env.company.id})
        yield registry


@pytest.fixture(scope="module")
def registry():
    with credit_registry() as registry:
        yield registry


def create_customer(registry, limit, orders=ORDERS, user_id=SUPERUSER_ID):
    """Commit a customer with ``orders`` quotations of 100 each."""
    with environment(registry) as env:
        partner = env["res.partner"].create(
            {
                "name": "Customer",
                "credit_limit": limit,
                "credit_limit_policy": "limit",
            }
        )
        product = env["product.product"].create(
            {"name": "x", "type": "service", "taxes_id": [Command.clear()]}
        )
        line = {"product_id": product.id, "price_unit": AMOUNT}
        values = {
            "partner_id": partner.id,
            "user_id": user_id,
            "order_line": [Command.create(line)],
        }
        quotations = env["sale.order"].create([values] * orders)
        return SimpleNamespace(partner_id=partner.id, order_ids=quotations.ids)


def run_at_once(registry, actions):
    """Run each action in a transaction that began before any other has written.

    :return: runs that were needed for each; 1 means that Odoo repeated nothing
    """
    together = threading.Barrier(len(actions))

    def request(action):
        runs = []

        def run(env):
            # The first read fixes what this transaction can see of the others.
            env["sale.order"].search_count([("state", "=", "sale")])
            runs.append(True)
            if len(runs) == 1:
                together.wait(30)
            action(env)

        with environment(registry) as env:
            # As the server does with every request.
            retrying(lambda: run(env), env)
        return len(runs)

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(request, actions))


def pay(env, customer):
    values = {"partner_id": customer.partner_id, "amount": AMOUNT}
    env["account.payment"].create({"payment_type": "inbound", **values}).action_post()


def confirm(order_id):
    return lambda env: env["sale.order"].browse(order_id).action_confirm()


def states(registry, customer):
    with environment(registry) as env:
        orders = env["sale.order"].browse(customer.order_ids)
        return sorted((order.state, order.credit_state) for order in orders)


def expected(room):
    held, confirmed = ("draft", "hold"), ("sale", "none")
    return [held] * (ORDERS - room) + [confirmed] * room


@pytest.mark.parametrize("room", [0, 1, 3])
def test_as_many_orders_as_there_is_room_for(registry, room):
    """The others are held, nobody gets an error and nothing is repeated."""
    customer = create_customer(registry, room * AMOUNT)
    runs = run_at_once(registry, [confirm(id_) for id_ in customer.order_ids])
    assert states(registry, customer) == expected(room)
    assert runs == [1] * ORDERS
    with environment(registry) as env:
        partner = env["res.partner"].browse(customer.partner_id)
        assert partner.credit_exposure == room * AMOUNT


def test_members_of_a_credit_group_share_the_room(registry):
    customers = [create_customer(registry, 0.0, orders=4) for _number in range(2)]
    with environment(registry) as env:
        env["credit.group"].create(
            {
                "name": "Together",
                "company_id": env.company.id,
                "credit_limit": 3 * AMOUNT,
                "partner_ids": [customer.partner_id for customer in customers],
            }
        )
    order_ids = [id_ for customer in customers for id_ in customer.order_ids]
    run_at_once(registry, [confirm(id_) for id_ in order_ids])
    group = SimpleNamespace(order_ids=order_ids)
    assert states(registry, group) == expected(3)


def test_growth_of_confirmed_orders_shares_the_room(registry):
    customer = create_customer(registry, ORDERS * AMOUNT + 2 * AMOUNT)
    with environment(registry) as env:
        env["sale.order"].browse(customer.order_ids).action_confirm()

    def grow(order_id):
        def action(env):
            env["sale.order"].browse(order_id).order_line.price_unit = 2 * AMOUNT

        return action

    run_at_once(registry, [grow(id_) for id_ in customer.order_ids])
    held = [state for _state, state in states(registry, customer)]
    assert held.count("hold") == ORDERS - 2


def test_batches_and_single_orders_together(registry):
    customer = create_customer(registry, 5 * AMOUNT)
    batch = customer.order_ids[:4]
    actions = [confirm(batch), *(confirm(id_) for id_ in customer.order_ids[4:])]
    run_at_once(registry, actions)
    assert states(registry, customer) == expected(5)


def test_what_is_rolled_back_is_given_back(registry):
    """The second waits for the first, which fails after its decision."""
    customer = create_customer(registry, AMOUNT, orders=2)
    first, second = customer.order_ids
    decided = threading.Event()

    def wait_and_confirm():
        with environment(registry) as env:
            env["sale.order"].search_count([("state", "=", "sale")])
            decided.set()
            env["sale.order"].browse(second).action_confirm()

    with registry.cursor() as cr:
        env = Environment(cr, SUPERUSER_ID, {})
        env["sale.order"].browse(first).action_confirm()
        waiting = threading.Thread(target=wait_and_confirm)
        waiting.start()
        assert decided.wait(30)
        waiting.join(0.5)
        assert waiting.is_alive(), "the second must wait for the first"
        cr.rollback()
        waiting.join(30)
    assert states(registry, customer) == [("draft", "none"), ("sale", "none")]


def test_customers_do_not_wait_for_each_other(registry):
    one = create_customer(registry, AMOUNT, orders=1)
    other = create_customer(registry, AMOUNT, orders=1)
    with registry.cursor() as cr:
        env = Environment(cr, SUPERUSER_ID, {})
        env["sale.order"].browse(one.order_ids).action_confirm()
        with environment(registry) as second:
            second.cr.execute("SET LOCAL lock_timeout = '1s'")
            second["sale.order"].browse(other.order_ids).action_confirm()
        cr.rollback()
    assert states(registry, other) == [("sale", "none")]


def test_a_held_quotation_keeps_nobody_waiting(registry):
    """It adds nothing, so the next decision does not wait for its transaction."""
    customer = create_customer(registry, AMOUNT, orders=2)
    large, small = customer.order_ids
    with registry.cursor() as cr:
        env = Environment(cr, SUPERUSER_ID, {})
        env["sale.order"].browse(large).order_line.price_unit = 2 * AMOUNT
        env["sale.order"].browse(large).action_confirm()
        with environment(registry) as second:
            second.cr.execute("SET LOCAL lock_timeout = '1s'")
            second["sale.order"].browse(small).action_confirm()
    assert states(registry, customer) == [("draft", "hold"), ("sale", "none")]
    with environment(registry) as env:
        held = env["sale.order"].browse(large)
        assert held.amount_total == 2 * AMOUNT, "the change before the check stays"


def test_a_held_growth_keeps_others_waiting(registry):
    """The order has grown, held or not: nobody decides before that is known."""
    customer = create_customer(registry, 2 * AMOUNT, orders=2)
    grown, other = customer.order_ids
    with environment(registry) as env:
        env["sale.order"].browse(grown).action_confirm()
    with registry.cursor() as cr:
        env = Environment(cr, SUPERUSER_ID, {})
        env["sale.order"].browse(grown).order_line.price_unit = 3 * AMOUNT
        with pytest.raises(LockNotAvailable), environment(registry) as second:
            second.cr.execute("SET LOCAL lock_timeout = '200ms'")
            second["sale.order"].browse(other).action_confirm()
    assert states(registry, customer) == [("draft", "none"), ("sale", "hold")]


def test_payment_by_another_transaction_is_seen(registry):
    """What was committed after our snapshot counts: here it makes room."""
    customer = create_customer(registry, AMOUNT, orders=2)
    first, second = customer.order_ids
    with environment(registry) as env:
        env["sale.order"].browse(first).action_confirm()
    with environment(registry) as env:
        env["sale.order"].search_count([("state", "=", "sale")])
        with environment(registry) as payer:
            pay(payer, customer)
        env["sale.order"].browse(second).action_confirm()
    assert states(registry, customer) == [("sale", "none")] * 2


def test_cancelling_and_confirming_in_one_transaction(registry):
    """Own uncommitted changes count once, whatever others see."""
    customer = create_customer(registry, AMOUNT, orders=2)
    first, second = customer.order_ids
    with environment(registry) as env:
        env["sale.order"].browse(first).action_confirm()
    with environment(registry) as env:
        env["sale.order"].browse(first)._action_cancel()
        env["sale.order"].browse(second).action_confirm()
    assert states(registry, customer) == [("cancel", "none"), ("sale", "none")]


def test_payment_at_work_while_the_order_is_held(registry):
    """Neither sees the other; the hold is released as soon as both are committed."""
    customer = create_customer(registry, AMOUNT, orders=2)
    first, second = customer.order_ids
    with environment(registry) as env:
        env["sale.order"].browse(first).action_confirm()
    with environment(registry) as payer:
        payer["sale.order"].search_count([("state", "=", "sale")])
        with environment(registry) as env:
            env["sale.order"].browse(second).action_confirm()
        recheck(registry)
        pay(payer, customer)
        recheck(registry)
        assert states(registry, customer) == [("draft", "hold"), ("sale", "none")]
    recheck(registry)
    with environment(registry) as env:
        assert env["sale.order"].browse(second).credit_hold_ids.state == "released"
        assert not env["credit.recheck"].search_count([])


def test_one_order_held_twice_at_once(registry):
    """Both are told that it is on hold: the second by starting again."""
    answers = []

    def hold(env):
        env["sale.order"].browse(customer.order_ids).apply_credit_hold("Dispute")

    def confirm_and_note(env):
        answers.append(env["sale.order"].browse(customer.order_ids).action_confirm())

    for actions in ([confirm_and_note] * 2, [hold] * 2):
        customer = create_customer(registry, 0.0, orders=1)
        runs = run_at_once(registry, actions)
        assert sorted(runs) == [1, 2]
        assert states(registry, customer) == [("draft", "hold")]
        with environment(registry) as env:
            order = env["sale.order"].browse(customer.order_ids)
            assert order.credit_hold_ids.mapped("state") == ["open"]
    assert {answer["tag"] for answer in answers} == {"display_notification"}


def recheck(registry):
    """What the scheduled action does when it is woken up."""
    with environment(registry) as env:
        env["credit.recheck"]._cron_recheck()
