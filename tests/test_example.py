"""The example: its printed figures are those that the file alone gives."""

import io
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path

from odoo.tests import tagged

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.sales_ledger_sync.tests import receivables_oracle

from devtools import example_story

from .example_checks import LedgerAgainstFile

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "addons/sales_ledger_sync/data/example/receivables_sample.csv"
BILLS = sorted(ROOT.glob("addons/sales_ledger_sync/tests/data/peppol_*.xml"))


@tagged("post_install", "-at_install")
class TestExample(LedgerAgainstFile, AccountTestInvoicingCommon):
    def setUp(self):
        super().setUp()
        self.admin = self.env.ref("base.user_admin")
        self.company = self.company_data["company"]
        self.admin.company_ids |= self.company

    def open_environment(self, cr):
        """The story's environment: the administrator in an empty company."""
        context = {"allowed_company_ids": self.company.ids}
        return self.env(cr=cr, user=self.admin, context=context)

    def replay(self, env, path):
        with redirect_stderr(io.StringIO()):
            return example_story.replay(env, path)

    def test_story_of_the_sample(self):
        out = io.StringIO()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = self.open_environment(cr)
            with redirect_stderr(io.StringIO()), redirect_stdout(out):
                summary = example_story.tell(env, SAMPLE, BILLS)
                example_story.print_table(summary)
            self.check_summary(out.getvalue())
            self.check_what_can_be_looked_at(env)

    def check_summary(self, text):
        """The printed lines, word for word, from the file alone."""
        last = date(2025, 12, 31)
        expected = receivables_oracle.figures(SAMPLE, last, last)
        lines = [" ".join(line.split()) for line in text.splitlines()]
        for line in (
            f"As of {last}",
            f"Invoices {expected.invoices:,} {expected.invoiced:,}",
            f"Payments {expected.payments:,} {expected.paid:,}",
            f"Ledger entries {expected.entries:,} {expected.open_amount:,}",
            f"Open invoices {expected.open_invoices:,} {expected.open_amount:,}",
            f"Overdue invoices {expected.overdue_invoices:,} "
            f"{expected.overdue_amount:,}",
            f"Customers {len(expected.balances)}",
            "Vendor ledger entries 2",
            "Lines with errors 0",
        ):
            self.assertIn(line, lines)
        for cause in ("Manual entry", "Amount changed", "Missing ledger entry"):
            self.assertRegex(text, f"Planted: .*{cause}")

    def check_what_can_be_looked_at(self, env):
        holds = env["credit.hold"].search([("company_id", "=", self.company.id)])
        self.assertEqual(set(holds.mapped("state")), {"open"})
        self.assertEqual(set(holds.mapped("source")), {"rule", "manual"})
        orders = env["sale.order"].search([("company_id", "=", self.company.id)])
        self.assertIn("sale", orders.mapped("state"))
        self.assertEqual(len(holds.order_id), len(holds))
        findings = env["guard.finding"].search([("company_id", "=", self.company.id)])
        planted = findings.message_ids.filtered(lambda m: "Planted" in m.body)
        self.assertEqual(len(planted), len(findings.filtered("partner_key")))

    def test_ledger_equals_the_sample_all_year(self):
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = self.open_environment(cr)
            self.replay(env, SAMPLE)
            self.assertLedgerEqualsFile(env, SAMPLE, 2025)
            self.assertCurveEqualsFile(env, SAMPLE, 2025)
