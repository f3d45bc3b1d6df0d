"""The point of sale with ledger and credit, in a database with ``point_of_sale``.

The tests proper are in ``tests/pos``; those in ``tests/pos_sale`` follow in the same
database, once ``pos_sale`` is installed as well.
"""

from .other_addons import run_in_turn


def test_point_of_sale_with_ledger_and_credit():
    alone, with_orders = run_in_turn(
        (["point_of_sale"], "LEDGER_POS_DATABASE", "tests/pos"),
        (["pos_sale"], "LEDGER_POS_SALE_DATABASE", "tests/pos_sale"),
    )
    assert "13 passed" in alone, alone
    assert "12 passed" in with_orders, with_orders
