"""What the tests that commit have in common."""

import pytest

from . import backfill_world
from .clones import committing_registry, ensure_chart, environment


@pytest.fixture(scope="module")
def registry():
    """A copy of the database under test, with a chart of accounts."""
    with committing_registry() as registry:
        with environment(registry) as env:
            ensure_chart(env)
        yield registry


@pytest.fixture(scope="session")
def clean_run():
    """What the ledger says after one undisturbed backfill."""
    with committing_registry() as registry:
        with environment(registry) as env:
            backfill_world.prepare(env)
        with environment(registry) as env:
            env["subledger.backfill"]._cron_run()
        return backfill_world.facts(registry)


@pytest.fixture
def started():
    """A registry of its own and the id of its started backfill."""
    with committing_registry() as registry:
        with environment(registry) as env:
            backfill_id = backfill_world.prepare(env)
        yield registry, backfill_id
