"""The shipped sample, and the public file where somebody has put it."""

import os
import subprocess
import sys
import tracemalloc
from datetime import date
from pathlib import Path

import pytest

from odoo.addons.sales_ledger_sync.receivables_csv import examine, read
from odoo.addons.sales_ledger_sync.tests.receivables_oracle import figures

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "addons/sales_ledger_sync/data/example/receivables_sample.csv"
PUBLIC = Path(
    os.environ.get("RECEIVABLES_CSV")
    or ROOT.parent / "shared/data/receivables_2012.csv"
)
FILES = [SAMPLE, *filter(Path.is_file, [PUBLIC])]

MEGABYTE = 1 << 20


def test_sample_is_what_its_generator_writes(tmp_path):
    copy = tmp_path / "sample.csv"
    script = ROOT / "devtools/receivables_sample.py"
    subprocess.run([sys.executable, script, copy], check=True)
    assert copy.read_bytes() == SAMPLE.read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_reader_agrees_with_the_oracle(path):
    with open(path, "rb") as source:
        rows = [record.row for record in read(source, examine(source))]
    expected = figures(path, date.max)
    assert len(rows) == expected.invoices
    assert sum(row.amount for row in rows) == expected.invoiced
    assert sum(bool(row.settled_date) for row in rows) == expected.payments
    assert {row.customer for row in rows} == set(expected.balances)


def test_a_hundred_megabytes_are_streamed(tmp_path):
    """Every line arrives, the bad ones as errors, in a few megabytes of memory."""
    path, lines = tmp_path / "large.csv", 50_000
    with open(path, "w") as target:
        target.write("invoiceNumber,customerID,InvoiceDate,InvoiceAmount,Note\n")
        for number in range(lines):
            amount = "abc" if number % 1000 == 999 else "10.50"
            target.write(f"{number},C-1,1/31/2025,{amount},{'x' * 2100}\n")
    assert path.stat().st_size > 100 * MEGABYTE
    tracemalloc.start()
    try:
        with open(path, "rb") as source:
            good = [bool(record.row) for record in read(source, examine(source))]
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(good), sum(good)) == (lines, lines - lines // 1000)
    assert most < 5 * MEGABYTE
