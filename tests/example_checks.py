"""The ledger after a replay against the figures that the file alone gives."""

from datetime import date, timedelta
from itertools import accumulate

from dateutil.relativedelta import relativedelta
from lxml import etree

from odoo.tools.safe_eval import safe_eval

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

    def assertCurveEqualsFile(self, env, path, year):
        """The report's points, month by month: what the customers owed at its end."""
        action = env.ref("sales_ledger_sync.action_receivables_curve")
        view = action.view_ids.filtered(lambda row: row.view_mode == "graph").view_id
        arch = etree.fromstring(view.arch)
        self.assertEqual((arch.get("type"), arch.get("cumulated")), ("line", "1"))
        rows = env["subledger.entry"].formatted_read_group(
            [
                *safe_eval(action.domain),
                ("company_id", "=", env.company.id),
                ("is_reversed", "=", False),
                ("event", "=", "entry"),
            ],
            ["date:month"],
            ["running_balance:sum"],
        )
        months = [date.fromisoformat(row["date:month"][0]) for row in rows]
        self.assertEqual(months, [date(year, month, 1) for month in range(1, 13)])
        last = date(year, 12, 31)
        points = accumulate(row["running_balance:sum"] for row in rows)
        for month, point in zip(months, points, strict=True):
            evening = min(month + relativedelta(months=1, days=-1), last)
            expected = receivables_oracle.figures(path, evening, last)
            self.assertAlmostEqual(point, float(expected.open_amount), 2, evening)
