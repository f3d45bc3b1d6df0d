"""The scheduled actions in a running server: nobody calls a method here."""

import contextlib
import time
import urllib.request

import odoo.sql_db

from .bookkeeping import post_invoice
from .clones import committing_registry, ensure_chart, environment
from .servers import PATIENCE, running_server, wait_until_healthy

SEAL = ("sales_ledger_sync", "ir_cron_seal")
RECENT = ("balance_guard", "cron_recent")


def execute(registry, statement, parameters=()):
    with registry.cursor() as cr:
        # The server writes the same rows: wait for it instead of giving up.
        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        cr.execute(statement, parameters)
        return cr.fetchall() if cr.description else []


def wait_for(registry, what, query, *parameters):
    """Wait until the query has rows; return them."""
    deadline = time.monotonic() + PATIENCE
    while not (rows := execute(registry, query, parameters)):
        assert time.monotonic() < deadline, f"{what}: not after {PATIENCE} s"
        wake_scheduler(registry)
        time.sleep(0.5)
    return rows


def wake_scheduler(registry):
    """Let the server look at its schedule, which it does by itself once a minute."""
    with odoo.sql_db.db_connect("postgres").cursor() as cr:
        cr.execute("SELECT pg_notify('cron_trigger', %s)", [registry.db_name])


def leave_only_due(registry, *names):
    """Make these scheduled actions due now, and all others tomorrow."""
    execute(registry, "UPDATE ir_cron SET nextcall = now() + interval '1 day'")
    for module, name in names:
        execute(
            registry,
            """
            UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC'
             WHERE id = (SELECT res_id FROM ir_model_data
                          WHERE model = 'ir.cron' AND module = %s AND name = %s)
            """,
            [module, name],
        )


def post_and_crash(registry, name, amount):
    """Post an invoice in a process that dies before it seals; return the partner."""
    with environment(registry) as env:
        ensure_chart(env)
        partner = env["res.partner"].create({"name": name})
        post_invoice(env, partner, amount)
        env.cr.postcommit.clear()
        return partner.id


def tamper(registry, table, change, partner_id):
    execute(
        registry,
        f"""
        ALTER TABLE {table} DISABLE TRIGGER USER;
        UPDATE {table} SET {change} WHERE partner_id = %s;
        ALTER TABLE {table} ENABLE TRIGGER USER;
        """,
        [partner_id],
    )


def wait_for_finding(registry, cause):
    """Return partner, difference and state of the finding, and the kind of its run."""
    return wait_for(
        registry,
        f"finding {cause}",
        """
        SELECT finding.partner_id, finding.difference, finding.state, run.kind
          FROM guard_finding AS finding
          JOIN guard_run AS run ON run.id = finding.last_run_id
         WHERE finding.cause_code = %s AND run.state = 'done'
        """,
        cause,
    )[0]


def test_schedules_seal_check_and_heal_on_their_own():
    with committing_registry() as registry:
        ada = post_and_crash(registry, "Ada", 100.0)
        bob = post_and_crash(registry, "Bob", 50.0)
        unsealed = "SELECT id FROM subledger_entry WHERE number IS NULL"
        assert len(execute(registry, unsealed)) == 2
        leave_only_due(registry, SEAL)
        with running_server(registry.db_name, "--max-cron-threads=2"):
            wait_for(
                registry,
                "sealed entries of both",
                "SELECT 1 FROM subledger_account HAVING SUM(sealed_balance) = 150",
            )
            assert execute(registry, unsealed) == []
            leave_only_due(registry, RECENT)
            for kind in ("recent", "startup"):
                wait_for(
                    registry,
                    f"clean run {kind}",
                    "SELECT 1 FROM guard_run WHERE kind = %s AND state = 'done'",
                    kind,
                )
            assert execute(registry, "SELECT id FROM guard_finding") == []
            tamper(registry, "subledger_entry", "debit = debit + 9", ada)
            tamper(registry, "subledger_account", "sealed_balance = 57", bob)
            leave_only_due(registry, RECENT)
            found = wait_for_finding(registry, "amount_tampered")
            assert (found[0], found[2:]) == (ada, ("open", "recent"))
            assert wait_for_finding(registry, "stale_cache") == (
                *(bob, -7, "healed"),
                "recent",
            )
        assert execute(
            registry,
            "SELECT sealed_balance FROM subledger_account WHERE partner_id = %s",
            [bob],
        ) == [(50,)]


def test_server_start_does_not_wait_for_the_run_after_it():
    """The ledger is locked and no check gets on: people can log in all the same."""
    with committing_registry() as registry:
        post_and_crash(registry, "Ada", 100.0)
        leave_only_due(registry, RECENT)
        with contextlib.ExitStack() as stack:
            locking = stack.enter_context(registry.cursor())
            locking.execute("LOCK TABLE subledger_entry IN ACCESS EXCLUSIVE MODE")
            url = stack.enter_context(
                running_server(registry.db_name, "--max-cron-threads=2")
            )
            wait_until_healthy(url)
            wait_for(
                registry,
                "a check that waits for the ledger",
                """
                SELECT 1 FROM pg_locks
                 WHERE relation = 'subledger_entry'::regclass AND NOT granted
                """,
            )
            with urllib.request.urlopen(f"{url}/web/login", timeout=PATIENCE) as page:
                assert page.status == 200
            planned = "SELECT state FROM guard_run WHERE kind = 'startup'"
            assert execute(registry, planned) == [("running",)]
            locking.rollback()
            wait_for(
                registry,
                "the run after the start",
                "SELECT 1 FROM guard_run WHERE kind = 'startup' AND state = 'done'",
            )
