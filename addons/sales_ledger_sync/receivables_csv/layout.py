"""How a file is written: encoding, separator, header, meaning of its columns."""

import codecs
import csv
import io
import re
from typing import NamedTuple

CHUNK = 1 << 16
LONGEST_LINE = 1 << 18
DELIMITERS = ",;\t|"
SAMPLE_LINES = 30
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# First bytes of zip archives (also .xlsx and .ods), old Office files and PDF.
NOT_TEXT = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b")

# What a column can mean, and the headers it is recognised by (letters and digits
# only, lower case).  The first four are required.
FIELDS = {
    "invoice_number": ("invoicenumber", "invoiceno", "invoice", "number", "documentno"),
    "customer": ("customerid", "customer", "customerno", "customercode", "account"),
    "invoice_date": ("invoicedate", "date", "documentdate", "issuedate"),
    "amount": ("invoiceamount", "amount", "total", "amounttotal", "grossamount"),
    "due_date": ("duedate", "due", "maturity", "maturitydate"),
    "settled_date": ("settleddate", "paymentdate", "settled", "paiddate", "paidon"),
    "disputed": ("disputed", "dispute", "indispute"),
    "region": ("countrycode", "region", "country", "area"),
}
REQUIRED = ("invoice_number", "customer", "invoice_date", "amount")


class FileError(ValueError):
    """The file as a whole cannot be read: ``code`` says why, ``values`` the details."""

    def __init__(self, code, **values):
        super().__init__(f"{code}: {values}")
        self.code = code
        self.values = values


class Layout(NamedTuple):
    """``skipped`` lines come before the header (a spreadsheet's ``sep=;``)."""

    encoding: str
    delimiter: str
    header: tuple
    skipped: int = 0


def detect_layout(source, encoding=None, delimiter=None):
    """Return the :class:`Layout` of a seekable binary file.

    :raise FileError: not a text file, or without any content
    """
    encoding = encoding or detect_encoding(source)
    lines = _first_lines(source, encoding)
    if not any(line.strip() for line in lines):
        raise FileError("empty")
    skipped = 0
    announced = re.fullmatch(r'"?sep=(.)"?\s*', lines[0])
    if announced:
        delimiter, skipped = delimiter or announced.group(1), 1
        lines = lines[1:]
    delimiter = delimiter or _detect_delimiter(lines)
    rows = (row for row in _parse(lines, delimiter) if any(map(str.strip, row)))
    header = next(rows, [])
    return Layout(encoding, delimiter, tuple(map(str.strip, header)), skipped)


def detect_encoding(source):
    """Return the codec that decodes the whole of a seekable binary file."""
    source.seek(0)
    head = source.read(4096)
    if head.startswith(NOT_TEXT):
        raise FileError("not_text")
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        return _detect_utf16(head)
    for encoding in ("utf-8", "cp1252"):
        if _decodes(source, encoding):
            return encoding
    return "latin-1"  # has a character for every byte


def _detect_utf16(head):
    """Tell the byte order of UTF-16 without a mark by where its zero bytes stand."""
    half = max(len(head) // 2, 1)
    if head[1::2].count(0) > 0.7 * half and not head[::2].count(0):
        return "utf-16-le"
    if head[::2].count(0) > 0.7 * half and not head[1::2].count(0):
        return "utf-16-be"
    raise FileError("not_text")


def _decodes(source, encoding):
    decoder = codecs.getincrementaldecoder(encoding)()
    source.seek(0)
    try:
        while chunk := source.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _first_lines(source, encoding):
    with text_of(source, encoding) as text:
        # A limit per line, so that a file without line ends cannot fill the memory.
        lines = [text.readline(LONGEST_LINE) for _number in range(SAMPLE_LINES)]
    return [line for line in lines if line]


class text_of:  # noqa: N801 - reads as a function: ``with text_of(source) as text``
    """Decode a binary file from its beginning, and leave it open afterwards."""

    def __init__(self, source, encoding):
        self.source, self.encoding = source, encoding

    def __enter__(self):
        self.source.seek(0)
        self.text = io.TextIOWrapper(self.source, self.encoding, newline="")
        return self.text

    def __exit__(self, kind, error, _traceback):
        self.text.detach()
        if kind and issubclass(kind, UnicodeError):
            raise FileError("bad_encoding", encoding=self.encoding) from error


def _parse(lines, delimiter):
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:  # a sample may end inside quotation marks
        return [lines[0].split(delimiter)]


def _detect_delimiter(lines):
    """Take the separator that yields the most known headers, then the most columns."""

    def score(delimiter):
        rows = [row for row in _parse(lines, delimiter) if row]
        width = len(rows[0]) if rows else 0
        even = sum(len(row) == width for row in rows)
        return len(guess_mapping(rows[0] if rows else [])), even * (width > 1), width

    return max(DELIMITERS, key=score)


def guess_mapping(header):
    """Return ``{field: column name}`` for the headers that are recognised."""
    plain = {}
    for name in header:
        plain.setdefault(re.sub(r"[\W_]", "", name.lower()), name.strip())
    mapping = {}
    for field, synonyms in FIELDS.items():
        known = next((plain[word] for word in synonyms if word in plain), None)
        if known is not None:
            mapping[field] = known
    return mapping


def column_indexes(header, mapping):
    """Return ``{field: position}`` for a mapping ``{field: column name}``.

    :raise FileError: a required field has no column, or a column is not in the
        header, or stands there twice
    """
    lost = [field for field in REQUIRED if not mapping.get(field)]
    if lost:
        raise FileError("missing_columns", fields=lost, header=list(header))
    indexes = {}
    for field, name in mapping.items():
        if not name:
            continue
        if header.count(name) != 1:
            code = "repeated_column" if name in header else "unknown_column"
            raise FileError(code, column=name, header=list(header))
        indexes[field] = header.index(name)
    return indexes
