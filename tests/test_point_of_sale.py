"""The point of sale with ledger and credit, in a database with ``point_of_sale``.

The tests proper are in ``tests/pos``.
"""

from .other_addons import run_with


def test_point_of_sale_with_ledger_and_credit():
    output = run_with(["point_of_sale"], "LEDGER_POS_DATABASE", "tests/pos")
    assert "12 passed" in output, output
