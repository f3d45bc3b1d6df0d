"""Whatever is in a receivables file: every line is a row or an error, never lost."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from odoo.addons.sales_ledger_sync.receivables_csv import FileError, examine, read

HEADER = ["invoiceNumber", "customerID", "InvoiceDate", "InvoiceAmount", "SettledDate"]
FORMATS = {"mdy": "%m/%d/%Y", "dmy": "%d.%m.%Y", "ymd": "%Y-%m-%d"}
characters = st.characters(codec="cp1252", exclude_categories=["C", "Z"])
names = st.text(characters, min_size=1, max_size=20)
days = st.dates(date(1950, 1, 1), date(2049, 12, 31))
amounts = st.decimals("0.01", "999999999.99", places=2)
invoices = st.lists(st.tuples(names, days, amounts, st.none() | st.integers(0, 400)))


def write(rows, delimiter, encoding):
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter).writerows([HEADER, *rows])
    return io.BytesIO(target.getvalue().encode(encoding))


@settings(max_examples=300, deadline=None)
@given(
    invoices,
    st.sampled_from(list(FORMATS)),
    st.sampled_from(".,"),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_what_was_written_is_read(data, order, decimal, delimiter, encoding):
    expected = [
        (str(number), name, day, amount, _later(day, settled))
        for number, (name, day, amount, settled) in enumerate(data)
    ]
    rows = [
        (
            number,
            name,
            _text(day, order),
            f"{amount}".replace(".", decimal),
            _text(settled, order),
        )
        for number, name, day, amount, settled in expected
    ]
    source = write(rows, delimiter, encoding)
    assume(encoding != "cp1252" or not _is_other_text_in_utf8(source.getvalue()))
    plan = examine(source, order=order, dec=decimal)
    found = [record.row for record in read(source, plan)]
    assert [
        (r.invoice_number, r.customer, r.invoice_date, r.amount, r.settled_date)
        for r in found
    ] == expected


def _is_other_text_in_utf8(content):
    """Nobody can tell which of the two was meant: "Â¡" is written as "¡" in UTF-8."""
    try:
        return content.decode("utf-8") != content.decode("cp1252")
    except UnicodeDecodeError:
        return False


def _later(day, days_later):
    return None if days_later is None else day + timedelta(days_later)


def _text(day, order):
    return f"{day:{FORMATS[order]}}" if day else ""


@settings(max_examples=300, deadline=None)
@given(st.lists(days, min_size=1), st.sampled_from(list(FORMATS)))
def test_a_detected_date_order_is_the_right_one(dates, order):
    rows = [(n, "C", _text(d, order), "1.00", "") for n, d in enumerate(dates)]
    source = write(rows, ",", "utf-8")
    try:
        plan = examine(source, dec=".")
    except FileError as error:
        assert error.code == "ambiguous_dates"
        assert all(day.day <= 12 for day in dates)
    else:
        assert [record.row.invoice_date for record in read(source, plan)] == dates


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_an_answer(content):
    header = ",".join(HEADER).encode()
    for source in (io.BytesIO(content), io.BytesIO(header + b"\n" + content)):
        try:
            plan = examine(source, order="mdy", dec=".")
            found = list(read(source, plan))
        except FileError:
            continue
        assert all(bool(record.row) != bool(record.errors) for record in found)


values = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n\0'), max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(values, min_size=5, max_size=5)))
def test_no_line_is_lost(table):
    source = write(table, ",", "utf-8")
    plan = examine(source, order="mdy", dec=".")
    found = list(read(source, plan, today=date(2026, 1, 1)))
    filled = [row for row in table if any(map(str.strip, row))]
    assert len(found) == len(filled)
    good = [record.row for record in found if record.row]
    assert len({row.invoice_number for row in good}) == len(good)
    assert all(row.amount > Decimal(0) for row in good)
