"""What the ledger must say about a receivables file, computed from the file alone.

Shares no code with the importer and never asks Odoo.  Understands exactly one way of
writing the file: comma, UTF-8, decimal point, the columns of the public sample, dates
as month/day/year.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass
class Figures:
    """Numbers and sums as of the end of one day; amounts are positive."""

    invoices: int = 0
    invoiced: Decimal = Decimal(0)
    payments: int = 0
    paid: Decimal = Decimal(0)
    open_invoices: int = 0
    open_amount: Decimal = Decimal(0)
    overdue_invoices: int = 0
    overdue_amount: Decimal = Decimal(0)
    disputed_invoices: int = 0
    balances: dict = field(default_factory=lambda: defaultdict(Decimal))

    @property
    def entries(self):
        """One ledger entry per invoice and one per payment."""
        return self.invoices + self.payments


def figures(path, as_of, cut_off=None):
    """Return the :class:`Figures` of the file at ``path`` as of a date.

    :param date as_of: what happened later does not count
    :param date cut_off: last day that was replayed at all; None: all of the file
    """
    result = Figures()
    day = min(as_of, cut_off) if cut_off else as_of
    for line in _lines(path):
        if line["date"] <= day:
            _count(result, line, day, as_of)
    return result


def _count(result, line, day, as_of):
    amount, settled = line["amount"], line["settled"]
    result.invoices += 1
    result.invoiced += amount
    result.disputed_invoices += line["disputed"]
    if settled and settled <= day:
        result.payments += 1
        result.paid += amount
        result.balances[line["customer"]] += 0
        return
    result.balances[line["customer"]] += amount
    result.open_invoices += 1
    result.open_amount += amount
    if line["due"] < as_of:
        result.overdue_invoices += 1
        result.overdue_amount += amount


def _lines(path):
    with open(path, encoding="utf-8", newline="") as source:
        for line in csv.DictReader(source):
            settled = line["SettledDate"]
            yield {
                "customer": line["customerID"],
                "date": _date(line["InvoiceDate"]),
                "due": _date(line["DueDate"]),
                "settled": _date(settled) if settled else None,
                "amount": Decimal(line["InvoiceAmount"]),
                "disputed": line["Disputed"] == "Yes",
            }


def _date(text):
    return datetime.strptime(text, "%m/%d/%Y").date()
