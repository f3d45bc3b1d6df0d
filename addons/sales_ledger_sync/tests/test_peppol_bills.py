"""Vendor bills that arrive as Peppol BIS 3 (EHF) files reach the supplier ledger."""

from odoo.tests import tagged
from odoo.tools import file_open

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


@tagged("post_install", "-at_install")
class TestPeppolBills(AccountTestInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls.setup_other_currency("EUR", rates=[("2010-01-01", 2.0)])
        cls.company_data["company"].subledger_start_date = False

    def _import_bill(self, filename):
        path = f"sales_ledger_sync/tests/data/{filename}"
        with file_open(path, "rb") as stream:
            attachment = self.env["ir.attachment"].create(
                {
                    "name": filename,
                    "raw": stream.read(),
                    "mimetype": "application/xml",
                }
            )
        journal = self.company_data["default_journal_purchase"]
        bill = journal._create_document_from_attachment(attachment.ids)
        if not bill.partner_id:
            bill.partner_id = self.partner_a
        return bill

    def _entries(self, move):
        return self.env["subledger.entry"].search([("move_id", "=", move.id)])

    def test_imported_invoice_is_a_purchase(self):
        bill = self._import_bill("peppol_bis3_base_example.xml")
        self.assertEqual(bill.move_type, "in_invoice")
        self.assertFalse(self._entries(bill), "a draft is not in the ledger")
        bill.action_post()
        self.assertRecordValues(
            self._entries(bill),
            [
                {
                    "ledger": "supplier",
                    "transaction_type": "purchase",
                    "partner_id": bill.commercial_partner_id.id,
                    "debit": 0.0,
                    "credit": bill.amount_total_in_currency_signed / -2.0,
                    "amount_currency": -bill.amount_total,
                    "currency_id": self.euro.id,
                    "reference": bill.name,
                }
            ],
        )

    def test_imported_credit_note_is_a_purchase_refund(self):
        refund = self._import_bill("peppol_bis3_creditnote.xml")
        self.assertEqual(refund.move_type, "in_refund")
        refund.action_post()
        entry = self._entries(refund)
        self.assertEqual(entry.transaction_type, "purchase_refund")
        self.assertEqual(entry.amount_currency, refund.amount_total)

    def test_importing_the_same_file_twice_books_two_documents_once_each(self):
        bills = self._import_bill("peppol_bis3_base_example.xml")
        bills |= self._import_bill("peppol_bis3_base_example.xml")
        bills[1].ref = "another reference"
        bills.action_post()
        self.assertEqual(len(self._entries(bills[0])), 1)
        self.assertEqual(len(self._entries(bills[1])), 1)
