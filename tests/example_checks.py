"""The ledger after a replay against the figures that the file alone gives."""

from datetime import date, timedelta

from odoo.addons.sales_ledger_sync.tests import receivables_oracle

from devtools.example_figures import ledger_figures


class LedgerAgainstFile:
    """Assertions for test cases that have replayed a file of receivables."""

    def assertLedgerEqualsFile(self, env, path, year):
        """The whole year through, and on the evening of its last day."""
        last = date(year, 12, 31)
        for day in (*(date(year, month, 17) for month in range(1, 13, 2)), last):
            expected = receivables_oracle.figures(path, day, last)
            found = ledger_figures(env, env.company, day)
            with self.subTest(f"{path.name} as of {day}"):
                self.assertGreater(expected.invoices, 0)
                for name in (
                    "invoices",
                    "payments",
                    "entries",
                    "open_invoices",
                    "overdue_invoices",
                ):
                    self.assertEqual(found[name], getattr(expected, name), name)
                for name in ("invoiced", "paid", "open_amount", "overdue_amount"):
                    amount = float(getattr(expected, name))
                    self.assertAlmostEqual(found[name], amount, 2, name)
                self.assertBalances(found["balances"], expected.balances)
        before = ledger_figures(env, env.company, date(year, 1, 1) - timedelta(1))
        self.assertEqual(before["entries"], 0)

    def assertBalances(self, found, expected):
        self.assertEqual(set(found), set(expected))
        for customer, balance in expected.items():
            self.assertAlmostEqual(found[customer], float(balance), 2, customer)
