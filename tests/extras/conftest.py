"""These tests need ``mrp`` and ``sale_loyalty``; ``tests/test_extras.py`` runs them."""

import os

# Collected only by the run that has prepared a database for them.
collect_ignore_glob = [] if os.environ.get("EXTRAS_DATABASE") else ["test_*.py"]
