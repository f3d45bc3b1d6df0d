from odoo.tests import HttpCase, tagged

from .test_screens import SubledgerScreenCommon


@tagged("post_install", "-at_install")
class TestSubledgerTours(SubledgerScreenCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._post(230, "2026-01-10")
        cls._post(115, "2026-02-10")

    def test_read_a_customers_ledger(self):
        self.start_tour(
            f"/odoo/customers/{self.partner_a.id}",
            "subledger_read_customer_ledger",
            login=self.biller.login,
        )

    def test_from_the_invoice_to_its_entry_and_back(self):
        self.start_tour(
            f"/odoo/customer-invoices/{self.invoice.id}",
            "subledger_invoice_entry_and_back",
            login=self.biller.login,
        )
