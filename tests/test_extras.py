"""Kits and promotions, in a database with ``sale_mrp`` and ``sale_loyalty``.

The tests proper are in ``tests/extras``, and the addon's own about prices: they assert
what holds with and without promotions.
"""

from .other_addons import run_with


def test_kits_and_promotions():
    prices = "addons/credit_control/tests/test_item_price.py"
    modules = ["sale_mrp", "sale_loyalty"]
    output = run_with(modules, "EXTRAS_DATABASE", "tests/extras", prices)
    assert "16 passed" in output, output
