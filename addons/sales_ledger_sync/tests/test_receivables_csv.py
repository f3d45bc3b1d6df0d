"""The reader of receivables files, without Odoo: what it understands and refuses."""

import io
import tracemalloc
from datetime import date
from decimal import Decimal

from odoo.tests import BaseCase, tagged
from odoo.tools.misc import file_path

from odoo.addons.sales_ledger_sync.receivables_csv import (
    FileError,
    examine,
    guess_mapping,
    read,
)
from odoo.addons.sales_ledger_sync.receivables_csv.values import (
    Unreadable,
    parse_amount,
    parse_date,
    parse_flag,
)

from . import receivables_oracle

HEADER = "invoiceNumber,customerID,InvoiceDate,InvoiceAmount,SettledDate,Disputed"
GOOD = "1,C1,1/31/2025,10.50,2/20/2025,No"
SAMPLE = "sales_ledger_sync/data/example/receivables_sample.csv"


def as_file(text, encoding="utf-8"):
    return io.BytesIO(text.encode(encoding))


def records(text, encoding="utf-8", **choices):
    source = as_file(text, encoding)
    return list(read(source, examine(source, **choices), today=date(2026, 1, 1)))


@tagged("post_install", "-at_install")
class TestReceivablesValues(BaseCase):
    def test_dates(self):
        self.assertEqual(parse_date("1/6/2012", "mdy"), date(2012, 1, 6))
        self.assertEqual(parse_date("1.6.2012", "dmy"), date(2012, 6, 1))
        self.assertEqual(parse_date("2012-06-01", "ymd"), date(2012, 6, 1))
        self.assertEqual(parse_date("20120601", "ymd"), date(2012, 6, 1))
        self.assertEqual(parse_date("2012-06-01 00:00:00", "ymd"), date(2012, 6, 1))

    def test_not_dates(self):
        for text in ("2/30/2012", "13/13/2012", "1/6/12", "1/6-2012", "x", "1/6/0012"):
            with self.subTest(text), self.assertRaises(Unreadable):
                parse_date(text, "mdy")

    def test_amounts(self):
        for text, decimal, amount in (
            ("1,234.50", ".", "1234.50"),
            ("1.234,50", ",", "1234.50"),
            ("1 234 567,5", ",", "1234567.5"),
            ("1'234.50", ".", "1234.50"),
            ("$ 12", ".", "12"),
            ("12 €", ",", "12"),
            ("(12.00)", ".", "-12.00"),
            ("12.00-", ".", "-12.00"),
        ):
            with self.subTest(text):
                self.assertEqual(parse_amount(text, decimal), Decimal(amount))

    def test_not_amounts(self):
        for text in ("1.234,50", "12,34", "1e5", "NaN", "Infinity", "1,2345", ""):
            with self.subTest(text), self.assertRaises(Unreadable):
                parse_amount(text, ".")

    def test_flags(self):
        self.assertTrue(parse_flag("Yes") and parse_flag("1") and parse_flag("oui"))
        self.assertFalse(parse_flag("No") or parse_flag("") or parse_flag("false"))
        with self.assertRaises(Unreadable):
            parse_flag("maybe")


@tagged("post_install", "-at_install")
class TestReceivablesLayout(BaseCase):
    def test_every_separator_and_encoding(self):
        text = f"{HEADER}\n{GOOD.replace('C1', 'Åse')}\n"
        for delimiter in ",;\t|":
            for encoding in (
                "utf-8",
                "utf-8-sig",
                "utf-16",
                "utf-16-le",
                "cp1252",
                "latin-1",
            ):
                with self.subTest(delimiter=delimiter, encoding=encoding):
                    [record] = records(text.replace(",", delimiter), encoding)
                    self.assertEqual(record.row.customer, "Åse")
                    self.assertEqual(record.row.amount, Decimal("10.50"))

    def test_announced_separator_and_line_ends(self):
        text = f"sep=;\r\n{HEADER}\r\n\r\n{GOOD}\r\n".replace(",", ";")
        [record] = records(text)
        self.assertEqual((record.line, record.row.customer), (4, "C1"))

    def test_header_is_recognised_however_it_is_spelled(self):
        header = ["Invoice No", "CUSTOMER", "invoice_date", "Amount", "Paid on", "Memo"]
        mapping = guess_mapping(header)
        self.assertEqual(mapping["invoice_number"], "Invoice No")
        self.assertEqual(mapping["settled_date"], "Paid on")
        self.assertNotIn("disputed", mapping)

    def test_files_that_cannot_be_read(self):
        for content, code in (
            (b"", "empty"),
            (b"\n\n", "empty"),
            (b"PK\x03\x04workbook", "not_text"),
            (b"\x00\x01\x02\x00\x00", "not_text"),
            (b"a,b,c\n1,2,3\n", "missing_columns"),
            (GOOD.encode(), "missing_columns"),
            (f"{HEADER},InvoiceDate\n{GOOD},x\n".encode(), "repeated_column"),
        ):
            with self.subTest(content[:20]), self.assertRaises(FileError) as refused:
                examine(io.BytesIO(content))
            self.assertEqual(refused.exception.code, code)

    def test_wrong_choices(self):
        source = as_file(f"{HEADER}\nÅ{GOOD}\n", "latin-1")
        mapping = {**guess_mapping(HEADER.split(",")), "region": "Land"}
        for choices, code in (
            ({"encoding": "utf-8"}, "bad_encoding"),
            ({"mapping": mapping}, "unknown_column"),
            ({"mapping": {}}, "missing_columns"),
        ):
            with self.subTest(code), self.assertRaises(FileError) as refused:
                examine(source, **choices)
            self.assertEqual(refused.exception.code, code)

    def test_date_order_per_column(self):
        header = "invoiceNumber,customerID,InvoiceAmount,InvoiceDate,SettledDate"
        [record] = records(f"{header}\n1,C,5,31.1.2025,2025-02-20\n")
        self.assertEqual(record.row.invoice_date, date(2025, 1, 31))
        self.assertEqual(record.row.settled_date, date(2025, 2, 20))

    def test_undecided_column_follows_the_others_and_says_so(self):
        source = as_file(f"{HEADER}\n1,C,1/2/2025,5,1/31/2025,No\n")
        plan = examine(source)
        self.assertEqual(plan.orders["invoice_date"], "mdy")
        self.assertEqual(plan.assumed, ("invoice_date",))

    def test_ambiguous_columns_must_be_chosen(self):
        dates = f"{HEADER}\n1,C,1/2/2025,5,3/4/2025,No\n"
        amounts = f'{HEADER}\n1,C,1/31/2025,"1,234",,No\n'
        for text, code in (
            (dates, "ambiguous_dates"),
            (amounts, "ambiguous_amounts"),
        ):
            with self.subTest(code), self.assertRaises(FileError) as refused:
                records(text)
            self.assertEqual(refused.exception.code, code)
        [record] = records(dates, order="dmy")
        self.assertEqual(record.row.invoice_date, date(2025, 2, 1))
        [record] = records(amounts, dec=".")
        self.assertEqual(record.row.amount, 1234)

    def test_contradicting_dates_must_be_chosen(self):
        lines = f"{GOOD}\n2,C1,31/1/2025,5,,No"
        with self.assertRaises(FileError) as refused:
            records(f"{HEADER}\n{lines}\n")
        self.assertEqual(refused.exception.code, "ambiguous_dates")

    def test_one_odd_date_is_an_error_of_its_row(self):
        lines = [f"{n},C1,1/31/2025,5,,No" for n in range(40)] + ["41,C1,31/1/2025,5,,"]
        result = records("\n".join([HEADER, *lines]))
        self.assertEqual([r.line for r in result if r.errors], [42])


@tagged("post_install", "-at_install")
class TestReceivablesRows(BaseCase):
    def check(self, line, column, code):
        good = [GOOD.replace("1,C1", f"{n},C1", 1) for n in range(100, 140)]
        result = records("\n".join([HEADER, *good, line, GOOD]))
        bad = [record for record in result if record.errors]
        self.assertEqual([record.line for record in bad], [42])
        self.assertIsNone(bad[0].row)
        self.assertEqual([(e.column, e.code) for e in bad[0].errors], [(column, code)])
        self.assertEqual(len(result), 42, "the lines around it are read")

    def test_bad_values(self):
        for line, column, code in (
            ("9,C1,2/30/2025,5,,No", "InvoiceDate", "bad_date"),
            ("9,C1,soon,5,,No", "InvoiceDate", "bad_date"),
            ("9,C1,,5,,No", "InvoiceDate", "empty"),
            ("9,C1,1/31/2030,5,,No", "InvoiceDate", "future"),
            ("9,C1,1/31/2025,5,1/31/2030,No", "SettledDate", "future"),
            ("9,C1,1/31/2025,-5,,No", "InvoiceAmount", "negative"),
            ("9,C1,1/31/2025,(5),,No", "InvoiceAmount", "negative"),
            ("9,C1,1/31/2025,0.00,,No", "InvoiceAmount", "zero"),
            ("9,C1,1/31/2025,five,,No", "InvoiceAmount", "bad_amount"),
            ("9,C1,1/31/2025,,,No", "InvoiceAmount", "empty"),
            ("9,C1,1/31/2025,5.001,,No", "InvoiceAmount", "decimals"),
            ("9,C1,1/31/2025,9999999999999,,No", "InvoiceAmount", "too_large"),
            ("9,,1/31/2025,5,,No", "customerID", "empty"),
            (",C1,1/31/2025,5,,No", "invoiceNumber", "empty"),
            ("100,C1,1/31/2025,5,,No", "invoiceNumber", "duplicate"),
            ("9,C1,1/31/2025,5,1/30/2025,No", "SettledDate", "settled_before_invoice"),
            ("9,C1,1/31/2025,5,,maybe", "Disputed", "bad_flag"),
            ("9,C1,1/31/2025,5,", "", "width"),
            ("9,C1,1/31/2025,5,,No,,", "", "width"),
        ):
            with self.subTest(line):
                self.check(line, column, code)

    def test_all_errors_of_a_line_are_told(self):
        [record] = records(f"{HEADER}\n,C1,x,0,,No\n")
        self.assertEqual({e.code for e in record.errors}, {"empty", "bad_date", "zero"})

    def test_settled_on_the_day_is_paid_at_once(self):
        [record] = records(f"{HEADER}\n1,C1,1/31/2025,5,1/31/2025,No\n")
        self.assertEqual(record.row.settled_date, record.row.invoice_date)

    def test_due_date(self):
        header = f"{HEADER},DueDate"
        rows = [f"{GOOD},1/30/2025", f"2{GOOD[1:]},", f"3{GOOD[1:]},2/28/2025"]
        early, none, normal = records("\n".join([header, *rows]))
        self.assertEqual(early.errors[0].code, "due_before_invoice")
        self.assertEqual(none.row.due_date, none.row.invoice_date)
        self.assertEqual(normal.row.due_date, date(2025, 2, 28))

    def test_first_of_two_numbers_stands(self):
        first, second = records(f"{HEADER}\n{GOOD}\n{GOOD}\n")
        self.assertTrue(first.row)
        self.assertEqual(second.errors[0].detail, "2")

    def test_quotation_mark_never_closed_names_its_lines(self):
        [record] = records(f'{HEADER}\n1,"C1,1/31/2025,5,,No\n{GOOD}\n{GOOD}')
        self.assertEqual((record.line, record.errors[0].code), (2, "open_quote"))
        self.assertEqual(record.errors[0].detail, "4")

    def test_line_without_end(self):
        with self.assertRaises(FileError) as refused:
            records(f'{HEADER}\n{GOOD}\n2,"{"x" * 300_000}')
        self.assertEqual(refused.exception.code, "broken_line")
        self.assertEqual(refused.exception.values["line"], 3)

    def test_sample_equals_the_oracle(self):
        path = file_path(SAMPLE)
        with open(path, "rb") as source:
            rows = [record.row for record in read(source, examine(source))]
        figures = receivables_oracle.figures(path, date.max)
        self.assertEqual(len(rows), figures.invoices)
        self.assertEqual(sum(row.amount for row in rows), figures.invoiced)
        self.assertEqual(sum(bool(row.settled_date) for row in rows), figures.payments)
        self.assertEqual(sum(row.disputed for row in rows), figures.disputed_invoices)
        self.assertEqual({row.customer for row in rows}, set(figures.balances))

    def test_memory_does_not_grow_with_the_file(self):
        def peak(lines):
            rows = "\n".join(f"{number}{GOOD[1:]}" for number in range(lines))
            source = as_file(f"{HEADER}\n{rows}")
            del rows
            tracemalloc.start()
            self.assertEqual(sum(1 for _r in read(source, examine(source))), lines)
            _current, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        peak(10)  # imports and caches
        self.assertLess(peak(16_000), 1.2 * peak(4_000))
