#!/usr/bin/env python3
"""Write the example file of receivables: invented, and the same on every run.

    devtools/receivables_sample.py [FILE [YEAR [CUSTOMERS [INVOICES]]]]

It has the shape of the public sample "accounts receivable" data: one line per
invoice, month/day/year, with the day it was settled.  Some customers pay at once,
most a little late, a few hardly at all.
"""

import csv
import random
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

COLUMNS = (
    "countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,"
    "InvoiceAmount,Disputed,SettledDate,PaperlessBill,DaysToSettle,DaysLate"
).split(",")
SHIPPED = "addons/sales_ledger_sync/data/example/receivables_sample.csv"
TERMS = 30
# How a customer pays: (weight, mean days, spread, share never paid).
HABITS = {
    "cash": (3, 0, 0, 0.0),
    "prompt": (8, 22, 6, 0.01),
    "late": (8, 38, 12, 0.03),
    "slow": (5, 62, 20, 0.12),
}


@dataclass
class Size:
    """How much is invented; the defaults are the shipped file's."""

    year: int = 2025
    customers: int = 24
    invoices: int = 300


def main(arguments):
    path, *numbers = arguments or [Path(__file__).parents[1] / SHIPPED]
    write(path, Size(*map(int, numbers)))


def write(path, size):
    """Write a file of that :class:`Size`."""
    with open(path, "w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(random.Random(size.year), size))


def rows(dice, size):
    """Yield the lines, in the order of their dates."""
    new_year = date(size.year, 1, 1)
    customers = [_customer(dice, number) for number in range(size.customers)]
    shares = [customer["share"] for customer in customers]
    days = sorted(dice.randrange(365) for _invoice in range(size.invoices))
    for number, day in enumerate(days, start=1):
        customer = dice.choices(customers, shares)[0]
        yield _row(dice, customer, number, new_year + timedelta(day))


def _customer(dice, number):
    weights = [habit[0] for habit in HABITS.values()]
    letters = "".join(dice.choices("ABCDEFGHJKLMNPQRSTUVWXYZ", k=5))
    return {
        "name": f"{1000 + 37 * number}-{letters}",
        "habit": dice.choices(list(HABITS), weights)[0],
        "share": dice.uniform(0.3, 2.0),
        "size": dice.choice((120, 450, 900, 2500)),
        "country": dice.choice((391, 406, 770, 818, 897)),
        "paperless": dice.random() < 0.4,
    }


def _row(dice, customer, number, issued):
    _weight, mean, spread, never = HABITS[customer["habit"]]
    disputed = customer["habit"] != "cash" and dice.random() < 0.15
    days = max(0, round(dice.gauss(mean, spread))) + (14 if disputed else 0)
    paid = dice.random() >= never
    return {
        "countryCode": customer["country"],
        "customerID": customer["name"],
        "PaperlessDate": f"1/1/{issued.year}" if customer["paperless"] else "",
        "invoiceNumber": f"{4_000_000 + 7919 * number}",
        "InvoiceDate": _day(issued),
        "DueDate": _day(issued + timedelta(TERMS)),
        "InvoiceAmount": f"{customer['size'] * dice.uniform(0.2, 1.8):.2f}",
        "Disputed": "Yes" if disputed else "No",
        "SettledDate": _day(issued + timedelta(days)) if paid else "",
        "PaperlessBill": "Electronic" if customer["paperless"] else "Paper",
        "DaysToSettle": days if paid else "",
        "DaysLate": max(0, days - TERMS) if paid else "",
    }


def _day(value):
    return f"{value.month}/{value.day}/{value.year}"


if __name__ == "__main__":
    main(sys.argv[1:])
