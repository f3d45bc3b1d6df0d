"""Orders of one customer confirmed at the same instant: by processes, and over HTTP.

The same as ``test_credit_race.py`` with nothing shared but the database: eight
processes, then a server with four workers that eight clients call. A few rounds by
default; ``CREDIT_RACE_ROUNDS=50`` runs as many and prints the slowest confirmation.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests

from odoo.tools import config

from .clones import environment
from .test_credit_race import (
    AMOUNT,
    ORDERS,
    create_customer,
    credit_registry,
    expected,
    states,
)

ROUNDS = int(os.environ.get("CREDIT_RACE_ROUNDS", "2"))
HTTP_WORKERS = 4
PROGRAM = Path(__file__).with_name("confirming_processes.py")
ODOO = Path(__file__).with_name("odoo_program.py")
ROOMS = pytest.mark.parametrize("room", [0, 1, 3])


@pytest.fixture(scope="module")
def registry():
    with credit_registry() as registry:
        yield registry


@pytest.fixture
def report(request, capsys):
    """Collects seconds; prints the slowest where somebody asked for many rounds."""
    seconds = []
    yield seconds
    if "CREDIT_RACE_ROUNDS" in os.environ:
        with capsys.disabled():
            print(
                f"\n{request.node.name}: {len(seconds)} confirmations, slowest"
                f" {max(seconds):.3f} s"
            )


# Processes


@pytest.fixture(scope="module")
def processes(registry):
    """Eight processes that load the addons once and wait for orders."""
    command = [sys.executable, str(PROGRAM), registry.db_name, str(ORDERS)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        # The first confirmation of each process makes it ready.
        confirm_in(program, create_customer(registry, 0.0))
        yield program
        program.stdin.close()
        program.wait(60)


def confirm_in(program, customer):
    """Confirm one order per process; return [runs, seconds, error] of each."""
    program.stdin.write(json.dumps(customer.order_ids) + "\n")
    program.stdin.flush()
    return json.loads(program.stdout.readline())


@ROOMS
def test_processes_get_as_many_orders_as_there_is_room_for(
    registry, processes, report, room
):
    """The others are held and nobody gets an error."""
    for _round in range(ROUNDS):
        customer = create_customer(registry, room * AMOUNT)
        outcomes = confirm_in(processes, customer)
        assert [error for _runs, _seconds, error in outcomes if error] == []
        # Waiting for each other is all it takes: Odoo repeated nobody's request
        assert [runs for runs, _seconds, _error in outcomes] == [1] * ORDERS
        assert states(registry, customer) == expected(room)
        report += [seconds for _runs, seconds, _error in outcomes]


# HTTP


@pytest.fixture(scope="module")
def salesperson(registry):
    """A salesperson who sees their own orders only, with an API key."""
    with environment(registry) as env:
        user = env["res.users"].create(
            {
                "name": "Salesperson",
                "login": "race_salesperson",
                "group_ids": [env.ref("sales_team.group_sale_salesman").id],
            }
        )
        keys = env(user=user)["res.users.apikeys"]
        expiry = datetime.now() + timedelta(days=0.5)
        key = keys._generate(scope="rpc", name="race", expiration_date=expiry)
        return user.id, key


@pytest.fixture(scope="module")
def confirm_by_http(registry, salesperson):
    """A function that confirms an order on a server with four workers."""
    user_id, key = salesperson
    with prefork_server(registry.db_name) as url:

        def confirm(order_id):
            return requests.post(
                f"{url}/json/2/sale.order/action_confirm",
                json={"ids": [order_id]},
                headers={"Authorization": f"Bearer {key}"},
                timeout=60,
            )

        # The first requests of each worker make it ready.
        for _round in range(2):
            customer = create_customer(registry, 0.0, user_id=user_id)
            clients(confirm, customer.order_ids)
        yield confirm


@contextlib.contextmanager
def prefork_server(database):
    """Run a server of its own on ``database``; yields its address."""
    port, other_port = free_port(), free_port()
    command = [sys.executable, str(ODOO), "server", "-c", config["config"]]
    command += ["-d", database, f"--db-filter=^{database}$", "--log-level=error"]
    command += [f"--workers={HTTP_WORKERS}", "--max-cron-threads=0"]
    command += ["--http-interface=127.0.0.1", f"--http-port={port}"]
    command += [f"--gevent-port={other_port}"]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command) as server:
        try:
            wait_until_healthy(server, url)
            yield url
        finally:
            server.terminate()
            server.wait(60)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_healthy(server, url):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{url}/web/health", timeout=60).ok:
                return
        time.sleep(0.2)
    raise AssertionError("the server did not start")


def clients(confirm, order_ids):
    """Confirm each order in a thread; return (answer, seconds) of each."""
    together = threading.Barrier(len(order_ids))

    def client(order_id):
        together.wait(30)
        started = time.perf_counter()
        answer = confirm(order_id)
        return answer, time.perf_counter() - started

    with ThreadPoolExecutor(len(order_ids)) as pool:
        return list(pool.map(client, order_ids))


@ROOMS
def test_clients_of_a_server_get_as_many_orders_as_there_is_room_for(
    registry, salesperson, confirm_by_http, report, room
):
    user_id, _key = salesperson
    for _round in range(ROUNDS):
        customer = create_customer(registry, room * AMOUNT, user_id=user_id)
        answers = clients(confirm_by_http, customer.order_ids)
        refusals = [answer.text for answer, _seconds in answers if not answer.ok]
        assert refusals == []
        assert states(registry, customer) == expected(room)
        # Whoever was held is told so, the others get Odoo's own answer.
        told = [answer.json() for answer, _seconds in answers]
        assert told.count(True) == room
        report += [seconds for _answer, seconds in answers]
