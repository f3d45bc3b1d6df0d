"""Dates, amounts and yes/no as people write them, and how to tell which way."""

import re
from collections import Counter
from datetime import date
from decimal import Decimal
from functools import lru_cache

DATE_ORDERS = ("ymd", "mdy", "dmy")
DECIMALS = (".", ",")
FIRST_YEAR = 1900
LARGEST = Decimal(10) ** 12
# Of the values that can be read in one way only, so many must agree.
CLEAR_MAJORITY = 0.95

_DATE = re.compile(r"(\d{1,4})([-/. ])(\d{1,2})\2(\d{1,4})")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")
_TIME = re.compile(r"[T ]\d{1,2}:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$")
_CURRENCY = re.compile(r"^[$€£¥]|[$€£¥]$")
_YES = {"yes", "y", "true", "t", "1", "x", "ja", "oui", "si", "sí", "sim"}
_NO = {"no", "n", "false", "f", "0", "", "-", "nein", "non", "nei", "nej", "não"}


class Unreadable(ValueError):
    """The text is not a value of the asked kind."""


def parse_date(text, order):
    """Return the date that ``text`` means, its parts standing in ``order``.

    A time of day behind the date is ignored; years have four digits.

    :raise Unreadable: no such day, or written another way
    """
    parts = _date_parts(text)
    if not parts:
        raise Unreadable(text)
    year, month, day = (parts[order.index(part)] for part in "ymd")
    if len(year) != 4 or len(month) > 2 or len(day) > 2:
        raise Unreadable(text)
    try:
        value = date(int(year), int(month), int(day))
    except ValueError:
        raise Unreadable(text) from None
    if value.year < FIRST_YEAR:
        raise Unreadable(text)
    return value


def _date_parts(text):
    text = _TIME.sub("", text)
    if compact := _COMPACT.fullmatch(text):
        return compact.groups()
    match = _DATE.fullmatch(text)
    return match and (match.group(1), match.group(3), match.group(4))


@lru_cache(maxsize=4096)
def possible_orders(text):
    """Return the orders in which ``text`` is a date."""
    return tuple(order for order in DATE_ORDERS if _readable(parse_date, text, order))


def parse_amount(text, decimal):
    """Return the amount in ``text`` as a Decimal, the sign as written.

    Groups of three may be parted by the other separator, spaces or apostrophes; a
    currency sign, a minus behind and accountants' brackets are understood.

    :raise Unreadable: not a number written that way
    """
    plain = _CURRENCY.sub("", text.strip()).strip()
    negative = False
    if bracketed := re.fullmatch(r"\((.+)\)", plain):
        plain, negative = bracketed.group(1), True
    elif plain.endswith("-"):
        plain, negative = plain[:-1], True
    group = "," if decimal == "." else r"\."
    pattern = rf"([+-]?)(\d+|\d{{1,3}}([{group}'’\s])\d{{3}}(?:\3\d{{3}})*)"
    match = re.fullmatch(rf"{pattern}(?:{re.escape(decimal)}(\d+))?", plain.strip())
    if not match:
        raise Unreadable(text)
    sign, whole, _separator, fraction = match.groups()
    value = Decimal(f"{re.sub(r'[^0-9]', '', whole)}.{fraction or '0'}")
    return -value if negative or sign == "-" else value


@lru_cache(maxsize=4096)
def possible_decimals(text):
    """Return the decimal separators with which ``text`` is an amount.

    None where there is no separator at all: a whole number tells nothing.
    """
    if "." not in text and "," not in text:
        return ()
    return tuple(mark for mark in DECIMALS if _readable(parse_amount, text, mark))


def parse_flag(text):
    """Return whether ``text`` says yes; empty says no.

    :raise Unreadable: neither
    """
    plain = text.strip().lower()
    if plain not in _YES | _NO:
        raise Unreadable(text)
    return plain in _YES


def _readable(parse, text, way):
    try:
        parse(text, way)
    except Unreadable:
        return False
    return True


class Evidence:
    """Counts in which ways the values of one column can be read.

    :param possible: function that returns the ways in which a text can be read
    :param default: the way of a column in which nothing tells
    """

    def __init__(self, possible, default):
        self.possible, self.default = possible, default
        self.ways = Counter()

    def add(self, text):
        self.ways[self.possible(text)] += 1

    def decide(self):
        """Return the one way to read the column, or None if it cannot be told.

        Values that fit no way are errors of their rows and do not count; neither
        does a small minority that contradicts the rest.
        """
        fits = Counter()
        for ways, count in self.ways.items():
            fits.update(dict.fromkeys(ways, count))
        if not fits:
            return self.default
        (best, most), *others = fits.most_common()
        if others and others[0][1] == most:
            return None
        single = {ways[0]: n for ways, n in self.ways.items() if len(ways) == 1}
        clear = single.get(best, 0) >= CLEAR_MAJORITY * sum(single.values())
        return best if clear else None


def date_evidence():
    """Evidence on the order of day, month and year."""
    return Evidence(possible_orders, "ymd")


def amount_evidence():
    """Evidence on the decimal separator."""
    return Evidence(possible_decimals, ".")
