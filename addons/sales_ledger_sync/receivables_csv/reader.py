"""Rows of a receivables file, one at a time, each whole or with its errors."""

import csv
import sqlite3
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from . import layout as layouts
from .layout import LONGEST_LINE, FileError, column_indexes, guess_mapping, text_of
from .values import (
    LARGEST,
    Unreadable,
    amount_evidence,
    date_evidence,
    parse_amount,
    parse_date,
    parse_flag,
)

DATE_FIELDS = ("invoice_date", "due_date", "settled_date")
LONGEST_NAME = 128


class Plan(NamedTuple):
    """Everything needed to read a file; what :func:`examine` found or a user chose.

    ``mapping`` is ``{field: column name}``, ``orders`` ``{date field: 'ymd' | 'mdy' |
    'dmy'}``, ``assumed`` the date fields whose order was taken from other columns.
    """

    layout: layouts.Layout
    mapping: dict
    orders: dict
    decimal: str
    assumed: tuple = ()


class Row(NamedTuple):
    """One invoice; ``settled_date`` None: unpaid, equal to the date: paid at once."""

    invoice_number: str
    customer: str
    invoice_date: date
    due_date: date
    amount: Decimal
    settled_date: date | None
    disputed: bool
    region: str


class RowError(NamedTuple):
    """What is wrong with one value; ``detail`` is what was expected instead."""

    line: int
    column: str
    value: str
    code: str
    detail: str = ""


class Record(NamedTuple):
    """A line of the file: its row, or the errors for which it has none.

    ``text`` is the beginning of a line with errors, for people to find it.
    """

    line: int
    row: Row | None
    errors: tuple = ()
    text: str = ""


def examine(source, mapping=None, encoding=None, delimiter=None, order=None, dec=None):
    """Find out how a seekable binary file is written; read it once, flat in memory.

    :param dict mapping: ``{field: column name}``; guessed from the header if None
    :param order: date order of all date columns; detected per column if None
    :param dec: decimal separator; detected if None
    :rtype: Plan
    :raise FileError: the file cannot be read that way.  ``ambiguous_dates`` and
        ``ambiguous_amounts`` name the column for which the user must choose.
    """
    layout = layouts.detect_layout(source, encoding, delimiter)
    mapping = dict(guess_mapping(layout.header) if mapping is None else mapping)
    indexes = column_indexes(layout.header, mapping)
    dates = {field: date_evidence() for field in DATE_FIELDS if field in indexes}
    amounts = amount_evidence()
    if not order or not dec:
        _gather(source, layout, indexes, dates, amounts)
    orders, assumed = _decide_orders(dates, mapping, order)
    dec = dec or amounts.decide()
    if not dec:
        raise FileError("ambiguous_amounts", column=mapping["amount"])
    return Plan(layout, mapping, orders, dec, assumed)


def _gather(source, layout, indexes, dates, amounts):
    seen = {**dates, "amount": amounts}
    for _line, values in records_of(source, layout):
        for field, evidence in seen.items():
            if indexes[field] < len(values) and (text := values[indexes[field]]):
                evidence.add(text)


def _decide_orders(dates, mapping, order):
    """Decide per column; a column that fits two orders follows the others."""
    if order:
        return dict.fromkeys(dates, order), ()
    orders = {field: evidence.decide() for field, evidence in dates.items()}
    open_fields = tuple(field for field in orders if orders[field] is None)
    known = {orders[field] for field in orders if dates[field].ways} - {None}
    if open_fields and len(known) != 1:
        raise FileError("ambiguous_dates", column=mapping[open_fields[0]])
    for field in open_fields:
        orders[field] = next(iter(known))
        if not all(orders[field] in ways for ways in dates[field].ways if ways):
            raise FileError("ambiguous_dates", column=mapping[field])
    return orders, open_fields


def read(source, plan, today=None, digits=2):
    """Yield a :class:`Record` per line of content; memory stays flat.

    A number that was on an earlier line is an error of the later line.

    :param date today: rows after it are errors; None: any date is good
    :param int digits: decimals of the currency
    :raise FileError: the rest of the file cannot be split into lines
    """
    check = _RowReader(plan, today, digits)
    with _Numbers() as numbers:
        for line, values in records_of(source, plan.layout):
            row, errors = check.row(line, values)
            if row and (first := numbers.line_of(row.invoice_number, line)):
                again = ("invoice_number", values, "duplicate", first)
                errors = [check.error(line, *again)]
            if errors:
                yield Record(line, None, tuple(errors), _shorten(values))
            else:
                yield Record(line, row)


def records_of(source, layout):
    """Yield ``(number of its first line, values)`` for every line below the header."""
    with text_of(source, layout.encoding) as text:
        lines = _Lines(text)
        header = True
        try:
            for values in csv.reader(lines, delimiter=layout.delimiter):
                line = lines.start_next()
                if line > layout.skipped and any(map(str.strip, values)):
                    if not header:
                        yield line, [value.strip() for value in values]
                    header = False
        except csv.Error as error:
            raise FileError("broken_line", line=lines.start) from error


class _Lines:
    """Iterates over a text, and bounds what a quotation mark never closed can eat."""

    def __init__(self, text):
        self.text, self.start, self.number, self.size = text, 1, 0, 0

    def __iter__(self):
        return self

    def __next__(self):
        line = self.text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self.size += len(line)
        if self.size >= LONGEST_LINE:
            raise FileError("broken_line", line=self.start)
        return line

    def start_next(self):
        """Return the line on which the values just read began, and start anew."""
        started, self.start, self.size = self.start, self.number + 1, 0
        return started


class _Numbers:
    """Invoice numbers seen so far, in a temporary file and not in memory."""

    def __enter__(self):
        # An empty name is a private database that spills to disk and is deleted.
        self.database = sqlite3.connect("", isolation_level=None)
        self.database.execute("PRAGMA journal_mode = OFF")
        self.database.execute("BEGIN")
        self.database.execute(
            "CREATE TABLE seen (number TEXT PRIMARY KEY, line INT) WITHOUT ROWID"
        )
        return self

    def __exit__(self, *_error):
        self.database.close()

    def line_of(self, number, line):
        """Remember ``number``; return the earlier line it was on, or None."""
        query = "INSERT OR IGNORE INTO seen VALUES (?, ?)"
        if self.database.execute(query, (number, line)).rowcount:
            return None
        query = "SELECT line FROM seen WHERE number = ?"
        return self.database.execute(query, (number,)).fetchone()[0]


def _shorten(values):
    return " | ".join(values)[: 2 * LONGEST_NAME]


class _RowReader:
    """Turns the values of a line into a Row, or into all of its errors."""

    def __init__(self, plan, today, digits):
        self.plan, self.today = plan, today
        self.smallest = Decimal(1).scaleb(-digits)
        self.header = plan.layout.header
        self.indexes = column_indexes(self.header, plan.mapping)

    def row(self, line, values):
        if len(values) != len(self.header):
            return None, [self._width_error(line, values)]
        found, errors = {}, []
        for field in layouts.FIELDS:
            try:
                found[field] = self._value(field, values)
            except Unreadable as error:
                code, detail = error.args
                errors.append(self.error(line, field, values, code, detail))
        if not errors:
            errors = list(self._contradictions(line, values, found))
        if errors:
            return None, errors
        found["due_date"] = found["due_date"] or found["invoice_date"]
        return Row(**found), []

    def error(self, line, field, values, code, detail=""):
        column = self.plan.mapping[field]
        value = values[self.indexes[field]]
        return RowError(line, column, value[:LONGEST_NAME], code, str(detail))

    def _width_error(self, line, values):
        """A quotation mark that is never closed makes one line of many."""
        breaks = " ".join(values).count("\n")
        if breaks:
            detail, code = str(line + breaks), "open_quote"
        else:
            detail, code = f"{len(values)}/{len(self.header)}", "width"
        return RowError(line, "", _shorten(values), code, detail)

    def _value(self, field, values):
        text = values[self.indexes[field]] if field in self.indexes else ""
        if field in DATE_FIELDS:
            return self._date(field, text)
        if field == "amount":
            return self._amount(text)
        if field == "disputed":
            return self._flag(text)
        return self._name(field, text)

    def _date(self, field, text):
        if not text:
            if field in layouts.REQUIRED:
                raise Unreadable("empty", "")
            return None
        order = self.plan.orders[field]
        try:
            value = parse_date(text, order)
        except Unreadable:
            raise Unreadable("bad_date", order) from None
        if self.today and field != "due_date" and value > self.today:
            raise Unreadable("future", self.today.isoformat())
        return value

    def _amount(self, text):
        if not text:
            raise Unreadable("empty", "")
        try:
            value = parse_amount(text, self.plan.decimal)
        except Unreadable:
            raise Unreadable("bad_amount", self.plan.decimal) from None
        if value <= 0:
            raise Unreadable("negative" if value else "zero", "")
        if value >= LARGEST:
            raise Unreadable("too_large", str(LARGEST))
        if value != value.quantize(self.smallest):
            raise Unreadable("decimals", str(self.smallest))
        return value.quantize(self.smallest)

    @staticmethod
    def _flag(text):
        try:
            return parse_flag(text)
        except Unreadable:
            raise Unreadable("bad_flag", "") from None

    @staticmethod
    def _name(field, text):
        value = " ".join(text.replace("\0", "").split())
        if not value and field in layouts.REQUIRED:
            raise Unreadable("empty", "")
        if len(value) > LONGEST_NAME:
            raise Unreadable("too_long", str(LONGEST_NAME))
        return value

    def _contradictions(self, line, values, found):
        start = found["invoice_date"]
        for field, code in (
            ("due_date", "due_before_invoice"),
            ("settled_date", "settled_before_invoice"),
        ):
            if found[field] and found[field] < start:
                yield self.error(line, field, values, code, start.isoformat())
