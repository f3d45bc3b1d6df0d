"""What the tests that commit have in common."""

import pytest

from .clones import committing_registry, ensure_chart, environment


@pytest.fixture(scope="module")
def registry():
    """A copy of the database under test, with a chart of accounts."""
    with committing_registry() as registry:
        with environment(registry) as env:
            ensure_chart(env)
        yield registry
