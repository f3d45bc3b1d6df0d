"""odoo-bin receivables_import: what it prints and how it ends."""

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.sales_ledger_sync.cli.receivables_import import ReceivablesImport

from .test_subledger_import import HEADER, LINES, ImportCase


@tagged("post_install", "-at_install")
class TestReceivablesImport(ImportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        admin = cls.env.ref("base.user_admin")
        admin.company_ids |= cls.company
        cls.folder = Path(cls.enterClassContext(TemporaryDirectory()))

    def call(self, lines, *arguments, header=HEADER):
        """Run the command; return its exit code and what it prints."""
        path = self.folder / "receivables.csv"
        path.write_text(f"{header}\n{lines.strip()}\n")
        command = ReceivablesImport()
        options = command._get_parser().parse_args(
            ["--file", str(path), "--company", self.company.name, *arguments]
        )
        out, err = StringIO(), StringIO()
        with (
            self.enter_registry_test_mode(),
            redirect_stdout(out),
            redirect_stderr(err),
            self.registry.cursor() as cr,
        ):
            code = command._run_in(cr, options)
        self.env.invalidate_all()
        return code, out.getvalue(), err.getvalue()

    def test_all_is_imported(self):
        code, out, err = self.call(LINES)
        self.assertEqual(code, 0)
        self.assertIn("4 lines: 4 imported", out)
        self.assertIn("4 of 4 lines", err)
        self.assertEqual(len(self.invoices()), 4)
        code, out, _err = self.call(LINES)
        self.assertEqual(code, 0)
        self.assertIn("4 lines: 0 imported, 4 imported before", out)

    def test_lines_with_errors_are_listed(self):
        code, out, err = self.call(f"{LINES.strip()}\nA5,C,1/13/2025,,-1,,No")
        self.assertEqual(code, 1)
        self.assertIn("4 imported", out)
        self.assertIn("line 6: InvoiceAmount: “-1” is negative", err)

    def test_check_only(self):
        code, out, _err = self.call(LINES, "--check", "--until", "2025-01-31")
        self.assertEqual(code, 0)
        self.assertIn("1 after the last day, 3 waiting", out)
        self.assertFalse(self.invoices())

    def test_refusals(self):
        code, _out, err = self.call(LINES, header="a,b,c,d,e,f,g")
        self.assertEqual(code, 2)
        self.assertIn("No column for", err)
        code, _out, err = self.call(LINES, "--company", "Nobody Ltd")
        self.assertEqual(code, 2)
        self.assertIn("Nobody Ltd", err)
        with patch.object(Path, "read_bytes", side_effect=PermissionError(13, "No")):
            code, _out, err = self.call(LINES)
        self.assertEqual(code, 2)
        self.assertFalse(self.env["subledger.import"].search([]))
