"""The public file of receivables, replayed with real transactions."""

import os
import unittest
from pathlib import Path

from devtools import example_story

from .clones import committing_registry, environment
from .example_checks import LedgerAgainstFile

ROOT = Path(__file__).parents[1]
PUBLIC = Path(
    os.environ.get("RECEIVABLES_CSV")
    or ROOT.parent / "shared/data/receivables_2012.csv"
)


class TestPublicFile(LedgerAgainstFile, unittest.TestCase):
    def test_ledger_equals_the_public_file_all_year(self):
        """The public file where somebody has put it; nothing to do elsewhere."""
        for path in filter(Path.is_file, [PUBLIC]):
            with committing_registry() as registry:
                with environment(registry) as env:
                    env = env(user=env.ref("base.user_admin"))
                    example_story.replay(env, path)
                    self.assertLedgerEqualsFile(env, path, 2012)
