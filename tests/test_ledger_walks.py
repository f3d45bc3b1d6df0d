"""Random walks: whatever people do, in any order, the ledger is the general ledger.

Hypothesis draws sequences of actions on documents, items, contacts and accounts of
two companies in three currencies. After every step the ledger is compared with the
posted items by SQL that knows nothing of the engine. ``LEDGER_WALKS`` sets the number
of walks.
"""

import os
from contextlib import contextmanager

from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from odoo.addons.sales_ledger_sync.tests.common import SubledgerCommon

from .walk_world import (
    DATES,
    RATES,
    World,
    make_cash_basis_tax,
    make_second_account,
)
from .walks import Walk

WALKS = int(os.environ.get("LEDGER_WALKS", "200"))
STEPS = 12
# Which action, on which of the documents there are, with which variant and amount.
steps = st.lists(
    st.tuples(
        st.integers(0, 1000),
        st.integers(0, 50),
        st.integers(0, 7),
        # The simplest amount is an ordinary one.
        st.integers(0, 9999).map(lambda cents: (cents + 5000) % 10_000),
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
            company = book["company"]
            make_second_account(book["default_account_receivable"], company)
            book["cash_basis_tax"] = make_cash_basis_tax(company)
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
        self.world.other_transactions = self.in_transaction_of_test
        self.start = Walk(self.env, self.world)
        for variant in range(8):
            for action in ("post_document", "draft_document", "pay", "statement_line"):
                self.start.take(action, variant, variant, 5000)
        for variant in range(2):
            for action in ("schedule", "manual_entry"):
                self.start.take(action, variant, variant, 5000)
        self.reached, self.kinds = set(), set()

    @contextmanager
    def in_transaction_of_test(self, env):
        with self._sealing():
            yield

    def test_any_walk(self):
        for number, name in enumerate(Walk.ACTIONS):
            self.go(number, self.start.choices.index(name))
        # The walks would prove little if some actions were always refused.
        self.assertEqual(self.reached, set(Walk.ACTIONS))
        # A point of sale and opening entries are not there to walk in.
        entries = self.env["subledger.entry"]
        kinds = {kind for kind, _label in entries._fields["transaction_type"].selection}
        self.assertEqual(self.kinds, kinds - {"pos", "opening"})

    def go(self, number, simplest):
        """Take the share of the walks in which one action is drawn as number 0.

        Hypothesis draws 0 often and repeats itself: in many short runs, each with
        another action as the simplest, it meets all of them about equally often.
        """

        # max_examples and the fixed seed make it a test, not a lottery.
        @seed(number)
        @settings(
            max_examples=max(1, (WALKS + number) // len(Walk.ACTIONS)),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(steps)
        def walk(drawn):
            self.walk([(kind + simplest, *step) for kind, *step in drawn])

        walk()

    def walk(self, drawn):
        savepoint = self.env.cr.savepoint()
        try:
            walk = self.start.another()
            for kind, *step in drawn:
                note(walk.get_action(kind))
                walk.step(kind, *step)
                self.assertLedgerMatches(self.world.companies)
                self.assertSealedRight(self.world.companies)
            self.reached |= walk.done
            self.kinds |= self.kinds_of_entries()
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()

    def kinds_of_entries(self):
        groups = self.env["subledger.entry"]._read_group([], ["transaction_type"])
        return {kind for (kind,) in groups}
