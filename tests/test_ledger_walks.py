"""Random walks: whatever people do, in any order, the ledger is the general ledger.

Hypothesis draws sequences of actions on documents, items, contacts and accounts of
two companies in three currencies. After every step the ledger is compared with the
posted items by SQL that knows nothing of the engine. ``LEDGER_WALKS`` sets the number
of walks.
"""

import os
from contextlib import contextmanager

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.tests import tagged

from odoo.addons.sales_ledger_sync.tests.common import SubledgerCommon

from .walk_world import DATES, RATES, World
from .walks import Walk

WALKS = int(os.environ.get("LEDGER_WALKS", "200"))
STEPS = 12
# Which action, on which of the documents there are, with which variant and amount.
steps = st.lists(
    st.tuples(
        st.integers(0, 1000),
        st.integers(0, 50),
        st.integers(0, 7),
        st.integers(0, 9999),
    ),
    min_size=STEPS // 2,
    max_size=STEPS,
)


@tagged("post_install", "-at_install")
class TestLedgerWalks(SubledgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        books = [cls.company_data, cls.setup_other_company()]
        books[1]["company"].subledger_manual_policy = "record"
        rates = list(zip(DATES, RATES, strict=True))
        euro = cls.setup_other_currency("EUR", rates=rates)
        yen = cls.setup_other_currency(
            "JPY", rates=[(day, rate * 70) for day, rate in rates]
        )
        for book in books:
            book["second"] = book["default_account_receivable"].copy(
                {"code": "121777", "company_ids": [Command.set(book["company"].ids)]}
            )
        currencies = [cls.company.currency_id, euro, yen]
        cls.world = World(books, currencies, cls.pay_terms_b)

    def setUp(self):
        super().setUp()
        self.env = self.env(
            context=dict(
                self.env.context,
                allowed_company_ids=self.world.companies.ids,
                tracking_disable=True,
            )
        )
        self.world.sealing = self.in_transaction_of_test
        self.start = Walk(self.env, self.world)
        for variant in range(8):
            for action in ("post_document", "draft_document", "pay", "statement_line"):
                self.start.step(Walk.ACTIONS.index(action), variant, variant, 5000)
        self.reached = set()

    @contextmanager
    def in_transaction_of_test(self, env):
        with self._sealing():
            yield

    def test_any_walk(self):
        self.go()
        # The walks would prove little if some actions were always refused.
        self.assertEqual(self.reached, set(Walk.ACTIONS))

    # max_examples and the fixed seed make it a test, not a lottery.
    @settings(
        max_examples=WALKS,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(steps)
    def go(self, drawn):
        savepoint = self.env.cr.savepoint()
        try:
            walk = self.start.another()
            for step in drawn:
                walk.step(*step)
                self.assertLedgerMatches(self.world.companies)
                self.assertSealedRight(self.world.companies)
            self.reached |= walk.done
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()
