"""What the reader of receivables files found, in words and with what to do."""


def date_orders(env):
    """Return ``{date order: how to write such a date}``."""
    return {
        "ymd": env._("year-month-day, like 2025-01-31"),
        "mdy": env._("month/day/year, like 1/31/2025"),
        "dmy": env._("day/month/year, like 31/1/2025"),
    }


def field_names(env):
    """Return ``{field of the file: its name}``."""
    return {
        "invoice_number": env._("Invoice Number"),
        "customer": env._("Customer"),
        "invoice_date": env._("Invoice Date"),
        "amount": env._("Amount"),
        "due_date": env._("Due Date"),
        "settled_date": env._("Settlement Date"),
        "disputed": env._("Disputed"),
        "region": env._("Region"),
    }


def row_text(env, error):
    """Describe a ``RowError`` in the language of ``env``."""
    details = {
        "column": error.column,
        "value": error.value,
        "expected": date_orders(env).get(error.detail, error.detail),
    }
    return _ROW_TEXTS[error.code](env, details)


_ROW_TEXTS = {
    "empty": lambda env, d: env._("%(column)s is empty. Fill it in.", **d),
    "bad_date": lambda env, d: env._(
        "%(column)s: “%(value)s” is not a date. Write it as %(expected)s.", **d
    ),
    "future": lambda env, d: env._(
        "%(column)s: “%(value)s” is after today (%(expected)s). Leave it out until "
        "it has happened.",
        **d,
    ),
    "bad_amount": lambda env, d: env._(
        "%(column)s: “%(value)s” is not an amount. Use digits, with “%(expected)s” "
        "before the decimals.",
        **d,
    ),
    "negative": lambda env, d: env._(
        "%(column)s: “%(value)s” is negative. Enter credit notes in Invoicing.", **d
    ),
    "zero": lambda env, d: env._(
        "%(column)s: an invoice of zero is not a receivable. Remove the line.", **d
    ),
    "too_large": lambda env, d: env._(
        "%(column)s: “%(value)s” is not less than %(expected)s. Correct the amount.",
        **d,
    ),
    "decimals": lambda env, d: env._(
        "%(column)s: “%(value)s” has parts smaller than %(expected)s, the currency's "
        "smallest amount. Round it.",
        **d,
    ),
    "bad_flag": lambda env, d: env._(
        "%(column)s: “%(value)s” is neither yes nor no. Write Yes or No.", **d
    ),
    "too_long": lambda env, d: env._(
        "%(column)s: “%(value)s…” is longer than %(expected)s characters. Shorten it.",
        **d,
    ),
    "duplicate": lambda env, d: env._(
        "%(column)s: “%(value)s” is on line %(expected)s already. Remove one of the "
        "two lines, or correct its number.",
        **d,
    ),
    "due_before_invoice": lambda env, d: env._(
        "%(column)s: “%(value)s” is before the invoice date (%(expected)s). Correct "
        "one of the two dates.",
        **d,
    ),
    "settled_before_invoice": lambda env, d: env._(
        "%(column)s: “%(value)s” is before the invoice date (%(expected)s). Correct "
        "one of the two dates; a payment taken with the invoice has its date.",
        **d,
    ),
    "width": lambda env, d: env._(
        "The line has %(expected)s columns of the header. Put values that contain "
        "the separator in quotation marks.",
        **d,
    ),
    "open_quote": lambda env, d: env._(
        "A quotation mark is opened on this line and not closed: everything to line "
        "%(expected)s was read as one line. Close or remove it.",
        **d,
    ),
}


def file_text(env, error):
    """Describe a ``FileError`` in the language of ``env``."""
    details = dict(error.values)
    if fields := details.pop("fields", None):
        details["fields"] = ", ".join(field_names(env)[name] for name in fields)
    if header := details.pop("header", None):
        details["header"] = ", ".join(header)[:400]
    details.setdefault("header", "")
    return _FILE_TEXTS[error.code](env, details)


_FILE_TEXTS = {
    "empty": lambda env, d: env._("The file is empty. Choose another file."),
    "not_text": lambda env, d: env._(
        "This is not a text file. Save the table as CSV and choose that file."
    ),
    "bad_encoding": lambda env, d: env._(
        "The file is not written in %(encoding)s. Choose another encoding, or let it "
        "be detected.",
        **d,
    ),
    "missing_columns": lambda env, d: env._(
        "No column for: %(fields)s. The first line must name the columns; it reads: "
        "%(header)s. Choose their meaning below, or another separator.",
        **d,
    ),
    "unknown_column": lambda env, d: env._(
        "The file has no column “%(column)s”; its first line reads: %(header)s. Read "
        "the columns again.",
        **d,
    ),
    "repeated_column": lambda env, d: env._(
        "Two columns are called “%(column)s”. Rename one of them in the file.", **d
    ),
    "ambiguous_dates": lambda env, d: env._(
        "The dates in “%(column)s” can be read as day/month and as month/day. Choose "
        "the date format.",
        **d,
    ),
    "ambiguous_amounts": lambda env, d: env._(
        "The amounts in “%(column)s” do not tell whether comma or point is the "
        "decimal separator. Choose it.",
        **d,
    ),
    "broken_line": lambda env, d: env._(
        "Line %(line)s is too long to be one invoice; probably a quotation mark is "
        "not closed. Correct it in the file.",
        **d,
    ),
}
