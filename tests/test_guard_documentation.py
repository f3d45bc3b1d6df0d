"""What docs/balance_guard.md lists is all that there is."""

import re
from pathlib import Path

import pytest

from odoo.addons.balance_guard.models.guard_cause import CAUSES
from odoo.addons.balance_guard.tests import (
    test_faults_general_ledger,
    test_faults_ledger,
    test_faults_stock,
)

from .clones import committing_registry, environment

PAGE = Path(__file__).parents[1] / "docs" / "balance_guard.md"
FAULTS = (
    test_faults_ledger.TestLedgerFaults,
    test_faults_general_ledger.TestGeneralLedgerFaults,
    test_faults_stock.TestStockFaults,
)


@pytest.fixture(scope="module")
def sections():
    """The text below each heading."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def get_first_column(section):
    """The names in the first column of a table."""
    cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def test_every_check_is_named(sections):
    with committing_registry() as registry, environment(registry) as env:
        codes = set(env["guard.check"]._get_units())
    assert len(codes) > 12
    named = get_first_column(sections["What is checked"])
    # Only with a point of sale, which is not installed here.
    assert sorted(named) == sorted(codes | {"account_sale"})


def test_every_cause_is_named(sections):
    named = get_first_column(sections["Causes"])
    assert sorted(named) == sorted(code for code, _label in CAUSES)


def test_every_fault_is_named_and_its_healing_asserted(sections):
    named = get_first_column(sections["Injected faults"])
    assert len(named) == len(set(named)) > 20
    assert set(named) <= {name for tests in FAULTS for name in tests.HEALING}
    for tests in FAULTS:
        assert all(hasattr(tests, name) for name in tests.HEALING)
