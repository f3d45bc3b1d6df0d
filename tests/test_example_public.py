"""A hundred customers' year of receivables, replayed with real transactions.

It is the public sample of accounts receivable where somebody has put it: at the path in
RECEIVABLES_CSV, or in the folder ``shared/data`` beside the checkout. Elsewhere it is
an invented file of the same shape, with fewer invoices for each customer.
"""

import os
import tempfile
import unittest
from pathlib import Path

from devtools import example_story, receivables_sample

from .clones import committing_registry, environment
from .example_checks import LedgerAgainstFile

ROOT = Path(__file__).parents[1]
YEAR = 2012
SIZE = receivables_sample.Size(YEAR, customers=100, invoices=600)


def find_public():
    """Return the public file's path, or None where nobody has it.

    A path that the variable names and that is no file is a mistake, not an absence.
    """
    if named := os.environ.get("RECEIVABLES_CSV"):
        return Path(named)
    beside = ROOT.parent / "shared/data/receivables_2012.csv"
    return beside if beside.is_file() else None


class TestPublicFile(LedgerAgainstFile, unittest.TestCase):
    def find_file(self):
        """Return the public file, or an invented one that goes with the test."""
        if path := find_public():
            return path
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "invented.csv"
        receivables_sample.write(path, SIZE)
        return path

    def test_ledger_equals_the_file_all_year(self):
        path = self.find_file()
        with committing_registry() as registry, environment(registry) as env:
            env = env(user=env.ref("base.user_admin"))
            record = example_story.replay(env, path)
            self.assertEqual(record.error_count, 0)
            self.assertEqual(record.done_count, record.line_count)
            self.assertGreaterEqual(record.done_count, SIZE.invoices)
            self.assertLedgerEqualsFile(env, path, YEAR)
            self.assertCurveEqualsFile(env, path, YEAR)
