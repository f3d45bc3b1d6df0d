"""Reads a file of receivables: one line per invoice, with its settlement.

Plain Python without Odoo.  ``examine`` finds out how the file is written,
``read`` streams its rows, each either whole or with its errors.
"""

from .layout import FileError, Layout, detect_layout, guess_mapping, FIELDS, REQUIRED
from .reader import Plan, Record, Row, RowError, examine, read
