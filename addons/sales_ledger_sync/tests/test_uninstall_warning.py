from odoo.tests import tagged

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


@tagged("post_install", "-at_install")
class TestUninstallWarning(AccountTestInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_invoice_one_line(price_unit=100.0, post=True)

    def _wizard(self, name):
        module = self.env["ir.module.module"].search([("name", "=", name)])
        return (
            self.env["base.module.uninstall"].sudo().create({"module_ids": module.ids})
        )

    def test_uninstalling_the_ledger_says_how_much_goes(self):
        wizard = self._wizard("sales_ledger_sync")
        entries = self.env["subledger.entry"].sudo().search_count([])
        self.assertTrue(entries)
        self.assertEqual(wizard.ledger_entry_count, entries)

    def test_uninstalling_what_the_ledger_needs_warns_too(self):
        self.assertTrue(self._wizard("sale_stock").ledger_entry_count)

    def test_uninstalling_another_module_does_not_warn(self):
        self.assertFalse(self._wizard("balance_guard").ledger_entry_count)
