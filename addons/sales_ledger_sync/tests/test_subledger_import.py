"""Receivables become invoices and payments: whole, once, or with a reason."""

import base64
from datetime import date
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.sales_ledger_sync.models import (
    subledger_import_job,
    subledger_import_reading,
)

HEADER = (
    "invoiceNumber,customerID,InvoiceDate,DueDate,InvoiceAmount,SettledDate,Disputed"
)
LINES = """
A1,C-1,1/13/2025,2/12/2025,100.00,2/20/2025,No
A2,C-2,1/14/2025,2/13/2025,50.50,1/14/2025,No
A3,C-1,1/15/2025,2/14/2025,30.00,,Yes
A4,C-3,2/28/2025,3/30/2025,20.00,3/31/2025,No
"""


class ImportCase(AccountTestInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.company_data["company"]
        cls.importer = new_test_user(
            cls.env,
            "importer",
            "account.group_account_invoice,sales_ledger_sync.group_ledger_manager",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.Import = cls.env["subledger.import"].with_user(cls.importer)

    def load(self, lines=LINES, header=HEADER, user=None, encoding="utf-8", **vals):
        content = f"{header}\n{lines.strip()}\n".encode(encoding)
        return self.Import.with_user(user or self.importer).create(
            {"file": base64.b64encode(content), "file_name": "year.csv", **vals}
        )

    def run_import(self, record):
        record.action_check()
        record.action_start()
        while record._process_batch():
            continue
        return record

    def invoices(self):
        return self.env["account.move"].search(
            [("company_id", "=", self.company.id), ("move_type", "=", "out_invoice")]
        )


@tagged("post_install", "-at_install")
class TestSubledgerImport(ImportCase):
    def test_columns_are_proposed_with_samples(self):
        record = self.load()
        column = record.column_ids.filtered(lambda c: c.name == "InvoiceAmount")
        self.assertEqual(column.meaning, "amount")
        self.assertEqual(column.sample, "100.00 · 50.50 · 30.00")

    def test_check_shows_everything_and_books_nothing(self):
        record = self.load(LINES + "A5,,1/13/2025,,0,,No")
        record.action_check()
        self.assertEqual(record.state, "checked")
        self.assertEqual((record.line_count, record.error_count), (5, 1))
        self.assertEqual(record.ready_amount, 200.5)
        message = record.line_ids.filtered("message").message
        self.assertIn("customerID is empty", message)
        self.assertIn("an invoice of zero", message)
        self.assertFalse(self.invoices())

    def test_rows_become_documents_at_their_dates(self):
        record = self.run_import(self.load())
        self.assertEqual((record.state, record.done_count), ("done", 4))
        late, at_once, unpaid, _last = record.line_ids.move_id.sorted("invoice_date")
        self.assertRecordValues(
            late + at_once + unpaid,
            [
                {
                    "ref": "A1",
                    "state": "posted",
                    "date": date(2025, 1, 13),
                    "invoice_date_due": date(2025, 2, 12),
                    "amount_total": 100.0,
                    "amount_residual": 0.0,
                    "no_followup": False,
                },
                {
                    "ref": "A2",
                    "state": "posted",
                    "date": date(2025, 1, 14),
                    "invoice_date_due": date(2025, 2, 13),
                    "amount_total": 50.5,
                    "amount_residual": 0.0,
                    "no_followup": False,
                },
                {
                    "ref": "A3",
                    "state": "posted",
                    "date": date(2025, 1, 15),
                    "invoice_date_due": date(2025, 2, 14),
                    "amount_total": 30.0,
                    "amount_residual": 30.0,
                    "no_followup": True,
                },
            ],
        )
        self.assertEqual(late.partner_id, unpaid.partner_id)
        self.assertEqual(late.partner_id.ref, "C-1")
        self.assertEqual(late.create_uid, self.importer)
        self.assertEqual(late.matched_payment_ids.date, date(2025, 2, 20))
        self.assertEqual(at_once.upfront_payment_id.date, date(2025, 1, 14))
        lines = record.line_ids
        self.assertEqual(lines.payment_id, lines.move_id.matched_payment_ids)

    def test_replay_until_a_day(self):
        record = self.run_import(self.load(last_date=date(2025, 2, 15)))
        self.assertEqual((record.done_count, record.later_count), (3, 1))
        self.assertEqual(sum(self.invoices().mapped("amount_residual")), 130.0)

    def test_known_customer_is_used(self):
        customer = self.env["res.partner"].create({"name": "Known", "ref": "C-1"})
        record = self.run_import(self.load())
        self.assertEqual(record.line_ids.move_id.partner_id & customer, customer)

    def test_second_file_imports_nothing_twice(self):
        self.run_import(self.load())
        again = self.load(LINES + "A9,C-1,1/13/2025,,1,,No")
        self.run_import(again)
        self.assertEqual((again.done_count, again.known_count), (1, 4))
        self.assertEqual(len(self.invoices()), 5)
        third = self.load()
        third.action_check()
        with self.assertRaisesRegex(UserError, "No line is waiting: 4 were imported"):
            third.action_start()

    def test_two_files_checked_before_either_is_imported(self):
        first, second = self.load(), self.load()
        second.action_check()
        self.run_import(first)
        second.action_start()
        while second._process_batch():
            continue
        self.assertEqual((second.done_count, second.known_count), (0, 4))
        self.assertEqual(len(self.invoices()), 4)

    def test_deleted_invoice_may_be_imported_again(self):
        first = self.run_import(self.load("A3,C-1,1/15/2025,2/14/2025,30,,No"))
        first.line_ids.move_id.button_draft()
        first.line_ids.move_id.with_context(force_delete=True).unlink()
        again = self.run_import(self.load())
        self.assertEqual(again.done_count, 4)

    def test_each_company_has_its_own_numbers(self):
        self.run_import(self.load())
        other = self.setup_other_company()["company"]
        self.importer.company_ids |= other
        model = self.Import.with_context(allowed_company_ids=other.ids)
        record = model.browse(self.load(company_id=other.id).id)
        self.run_import(record)
        self.assertEqual((record.done_count, record.known_count), (4, 0))
        self.assertEqual(record.line_ids.move_id.company_id, other)

    def test_batches_stop_and_continue(self):
        with patch.object(subledger_import_job, "ROWS_PER_BATCH", 1):
            record = self.load()
            record.action_check()
            record.action_start()
            self.assertEqual(record._process_batch(), 1)
            record.action_stop()
            self.assertEqual(record._process_batch(), 0, "stopped")
            self.assertEqual((record.done_count, record.ready_count), (1, 3))
            self.assertEqual(record.progress, 25.0)
            with self.assertRaisesRegex(UserError, "imported already"):
                record.action_check()
            record.action_start()
            while record._process_batch():
                continue
        self.assertEqual(record.state, "done")
        self.assertEqual(len(self.invoices()), 4)

    def test_scheduled_action_reads_and_imports(self):
        job = self.env.ref("sales_ledger_sync.ir_cron_subledger_import")
        with (
            patch.object(subledger_import_reading, "READ_AT_ONCE", 0),
            patch.object(subledger_import_reading, "LINES_PER_BATCH", 3),
            self.enter_registry_test_mode(),
        ):
            record = self.load()
            record.action_check()
            self.assertEqual((record.state, record.line_count), ("reading", 0))
            job.method_direct_trigger()
            record.invalidate_recordset()
            self.assertEqual((record.state, record.ready_count), ("checked", 4))
            record.action_start()
            job.method_direct_trigger()
            record.invalidate_recordset()
            self.assertEqual((record.state, record.done_count), ("done", 4))

    def test_reading_goes_on_where_time_was_over(self):
        cron = type(self.env["ir.cron"])
        with (
            patch.object(subledger_import_reading, "READ_AT_ONCE", 0),
            patch.object(subledger_import_reading, "LINES_PER_BATCH", 1),
            patch.object(subledger_import_job, "READ_SECONDS", 0),
            patch.object(cron, "_commit_progress", return_value=0) as committed,
        ):
            record = self.load(f"{LINES.strip()}\nA2,C-2,1/14/2025,,50.50,,No")
            record.action_check()
            while record._process_batch():
                self.assertEqual(committed.call_args.kwargs, {"remaining": 1})
        self.assertEqual(record.state, "checked")
        lines = record.line_ids.sorted("line_number")
        self.assertEqual(lines.mapped("line_number"), [2, 3, 4, 5, 6])
        self.assertIn("is on line 3 already", lines[-1].message)
        self.assertEqual(lines[-1].content, "A2 | C-2 | 1/14/2025 |  | 50.50 |  | No")

    def test_a_refused_line_does_not_stop_the_others(self):
        record = self.load()
        record.action_check()
        self.company.fiscalyear_lock_date = date(2025, 1, 14)
        record.action_start()
        while record._process_batch():
            continue
        refused = record.line_ids.filtered(lambda line: line.state == "error")
        self.assertEqual(refused.mapped("invoice_number"), ["A1", "A2"])
        self.assertIn("locked to 2025-01-14", refused[0].message)
        self.assertEqual(record.done_count, 2)
        self.assertEqual(set(self.invoices().mapped("ref")), {"A3", "A4"})
        self.assertFalse(self.env["account.payment"].search([("memo", "=", "A1")]))

    def test_locked_period_is_told_by_the_check(self):
        self.company.fiscalyear_lock_date = date(2025, 1, 31)
        record = self.load()
        record.action_check()
        self.assertEqual((record.error_count, record.ready_count), (3, 1))

    def test_customer_tax_and_terms_of_the_company_do_not_change_amounts(self):
        terms = self.env.ref("account.account_payment_term_end_following_month")
        self.env["res.partner"].create(
            {"name": "Known", "ref": "C-1", "property_payment_term_id": terms.id}
        )
        record = self.run_import(self.load())
        invoice = record.line_ids.move_id.filtered(lambda move: move.ref == "A1")
        self.assertEqual(invoice.amount_tax, 0.0)
        self.assertEqual(invoice.invoice_date_due, date(2025, 2, 12))


@tagged("post_install", "-at_install")
class TestSubledgerImportRefusals(ImportCase):
    def test_files_that_cannot_be_read(self):
        for lines, header, text in (
            (LINES, "a,b,c,d,e,f,g", "No column for: Invoice Number"),
            ("A1,C,1/2/2025,,5,,", HEADER, "Choose the date format"),
            ('A1,C,1/13/2025,,"1,234",,', HEADER, "Choose it"),
        ):
            record = self.load(lines, header)
            with self.subTest(text), self.assertRaisesRegex(UserError, text):
                record.action_check()
            self.assertEqual((record.state, record.line_count), ("draft", 0))

    def test_choices_help(self):
        record = self.load("A1,C,1/2/2025,,5,,")
        record.date_order = "dmy"
        record.action_check()
        self.assertEqual(record.line_ids.invoice_date, date(2025, 2, 1))
        record.date_order = "mdy"
        self.assertEqual((record.state, record.line_count), ("draft", 0))

    def test_column_meanings_can_be_chosen(self):
        header = "Ref,Who,When,Due,Sum,Paid,Quarrel"
        record = self.load(header=header)
        names = dict(zip(header.split(","), HEADER.split(","), strict=True))
        meanings = self.load().column_ids
        for column in record.column_ids:
            twin = meanings.filtered(lambda c, n=names[column.name]: c.name == n)
            column.meaning = twin.meaning
        record.action_check()
        self.assertEqual(record.ready_count, 4)
        record.column_ids[:2].meaning = "customer"
        with self.assertRaisesRegex(UserError, "the same meaning"):
            record.action_check()

    def test_not_a_text_file(self):
        with self.assertRaisesRegex(UserError, "Save the table as CSV"):
            self.Import.create({"file": base64.b64encode(b"PK\x03\x04")})

    def test_no_file(self):
        with self.assertRaisesRegex(UserError, "Choose a file"):
            self.Import.create({}).action_check()

    def test_states(self):
        record = self.load()
        with self.assertRaisesRegex(UserError, "not possible now"):
            record.action_start()
        with self.assertRaisesRegex(UserError, "not possible now"):
            record.action_stop()
        self.run_import(record)
        for change in ({"file": False}, {"last_date": date(2025, 1, 1)}):
            with self.assertRaisesRegex(UserError, "not possible now"):
                record.write(change)

    def test_what_was_imported_is_remembered(self):
        record = self.run_import(self.load())
        with self.assertRaisesRegex(UserError, "Keep it"):
            record.unlink()
        self.load().unlink()

    def test_lines_are_written_by_the_import_only(self):
        record = self.load()
        record.action_check()
        with self.assertRaises(AccessError):
            record.line_ids.write({"state": "done"})
        with self.assertRaises(AccessError):
            record.line_ids.unlink()
        with self.assertRaises(AccessError):
            self.env["subledger.import.line"].with_user(self.importer).create(
                {"import_id": record.id, "state": "ready"}
            )

    def test_who_may(self):
        clerk = new_test_user(self.env, "clerk", "account.group_account_invoice")
        with self.assertRaises(AccessError):
            self.load(user=clerk)
        keeper = new_test_user(
            self.env,
            "keeper",
            "sales_ledger_sync.group_ledger_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        record = self.load(user=keeper)
        record.action_check()
        with self.assertRaises(AccessError):
            record.action_start()

    def test_other_companies_are_out_of_sight(self):
        other = self.setup_other_company()["company"]
        record = self.env["subledger.import"].create({"company_id": other.id})
        with self.assertRaises(AccessError):
            record.with_user(self.importer).read(["name"])

    def test_example_needs_an_empty_company(self):
        self.init_invoice("out_invoice", amounts=[10.0])
        with self.assertRaisesRegex(UserError, "empty company"):
            self.Import.action_load_example()

    def test_example_of_an_empty_company(self):
        action = self.Import.action_load_example()
        record = self.Import.browse(action["res_id"])
        self.assertEqual((record.state, record.ready_count), ("running", 300))
        self.assertEqual(record.error_count, 0)
