"""Scheduled checks read from a streaming replica, a second PostgreSQL server."""

import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

import odoo.sql_db
from odoo.modules.registry import Registry
from odoo.tools import config

from devtools.embedded_postgres import EmbeddedPostgres
from devtools.workspace import Workspace

from .bookkeeping import post_invoice
from .clones import ensure_chart, environment
from .damage import break_cache

ROOT = Path(__file__).parents[1]
DATABASE = "guard_replica"
SECONDS = 60


@pytest.fixture(scope="module")
def servers():
    """A primary with a copy of the database under test, and its standby."""
    home = Path(tempfile.mkdtemp(prefix="dev-"))
    primary, standby = make_server(home / "a"), make_server(home / "b")
    try:
        with primary.running():
            copy_database(primary)
            base_backup(primary, standby)
            with standby.running():
                yield primary, standby
    finally:
        shutil.rmtree(home)


def make_server(home):
    home.mkdir()
    programs = Path(shutil.which("postgres")).parent
    return EmbeddedPostgres(Workspace(ROOT, home), programs)


def copy_database(primary):
    """Copy the database under test by dump and restore."""
    [source] = config["db_name"]
    _name, info = odoo.sql_db.connection_info_for(source)
    here = [f"--{key}={info[key]}" for key in ("host", "port") if info.get(key)]
    user = ["-U", info["user"]] if info.get("user") else []
    there = ["-h", primary.socket_folder, "-U", "odoo"]
    dump = primary.workspace.home / "dump"
    run("pg_dump", "-Fc", "-f", dump, *here, *user, source)
    run("createdb", *there, DATABASE)
    run("pg_restore", *there, "-d", DATABASE, "--no-owner", dump)


def base_backup(primary, standby):
    standby.folder.mkdir()
    if standby.owner:
        shutil.chown(standby.folder, standby.owner.pw_uid, standby.owner.pw_gid)
    run(
        *("pg_basebackup", "-h", primary.socket_folder, "-U", "odoo"),
        *("-D", standby.data, "-R", "-X", "stream", "-c", "fast"),
        **standby._as_owner(),
    )


def run(*command, **options):
    subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, **options
    )


@pytest.fixture(scope="module")
def registry(servers):
    """The copy, opened as a server with ``db_replica_host`` does."""
    primary, standby = servers
    options = {
        "db_host": str(primary.socket_folder),
        "db_port": None,
        "db_user": "odoo",
        "db_replica_host": str(standby.socket_folder),
        "db_replica_port": None,
        "test_enable": False,
    }
    with patch.dict(config._runtime_options, options):
        registry = Registry(DATABASE)
        with environment(registry) as env:
            ensure_chart(env)
            post_invoice(env, env["res.partner"].create({"name": "Ada"}), 100.0)
        yield registry
        Registry.delete(DATABASE)
        odoo.sql_db.close_db(DATABASE)


@pytest.fixture(autouse=True)
def clean(registry):
    """Forget earlier findings, and let the replica see it all."""
    with environment(registry) as env:
        env["guard.heal"].search([]).unlink()
        env["guard.finding"].search([]).unlink()
        env["guard.run"].search([]).unlink()
    catch_up(registry)


def catch_up(registry):
    """Wait until the replica has replayed what the primary has written."""
    with registry.cursor() as cr:
        cr.execute("SELECT pg_current_wal_insert_lsn()")
        [written] = cr.fetchone()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with registry.cursor(readonly=True) as cr:
            cr.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [written])
            if cr.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("The replica does not follow.")


@contextmanager
def watched_looks(registry):
    """Yield a list that tells of each look whether it was at the replica."""
    runs, looks = registry["guard.run"], []
    look_with = runs._look_with

    def watch(self, cr, units, scope):
        cr.execute("SELECT pg_is_in_recovery()")
        looks.append(cr.fetchone()[0])
        return look_with(self, cr, units, scope)

    with patch.object(runs, "_look_with", watch):
        yield looks


def check_recent(registry):
    """Run the frequent schedule; return where it looked."""
    with watched_looks(registry) as looks, environment(registry) as env:
        env["guard.job"]._cron_recent()
    return looks


def states(registry):
    with environment(registry) as env:
        return env["guard.finding"].search([]).mapped("state")


def test_clean_balances_are_read_from_the_replica_only(registry):
    looks = check_recent(registry)
    assert looks
    assert all(looks)
    assert states(registry) == []


def test_suspect_is_looked_at_again_on_the_primary(registry):
    break_cache(registry, 7)
    catch_up(registry)
    assert check_recent(registry) == [True, False]
    assert states(registry) == ["healed"]


def test_replica_that_lags_makes_no_finding(registry, servers):
    """The replica still shows a fault that the primary no longer has."""
    _primary, standby = servers
    break_cache(registry, 7)
    catch_up(registry)
    tell(standby, "SELECT pg_wal_replay_pause()")
    break_cache(registry, -7)
    looks = check_recent(registry)
    tell(standby, "SELECT pg_wal_replay_resume()")
    assert looks == [True, False]
    assert states(registry) == []


def tell(server, sql):
    run("psql", "-h", server.socket_folder, "-U", "odoo", "-d", DATABASE, "-c", sql)
