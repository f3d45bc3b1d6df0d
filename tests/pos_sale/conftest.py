"""These tests need ``pos_sale``; ``tests/test_point_of_sale.py`` runs them."""

import os

# Collected only by the run that has prepared a database for them.
collect_ignore_glob = (
    [] if os.environ.get("LEDGER_POS_SALE_DATABASE") else ["test_*.py"]
)
