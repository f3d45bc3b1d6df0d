import base64
import io
from contextlib import contextmanager
from itertools import islice

from odoo import Command, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import file_open

from ..receivables_csv import FileError, detect_layout, examine, guess_mapping, read
from ..receivables_csv.reader import records_of
from ..receivables_messages import date_orders, file_text, row_text
from .subledger_import import EXAMPLE

LINES_PER_BATCH = 1000
SAMPLE_ROWS = 3
# Files up to this size are read at once; larger ones in the background.
READ_AT_ONCE = 2 << 20


class SubledgerImport(models.Model):
    """From the file to its lines."""

    _inherit = "subledger.import"

    # === COLUMNS ===

    def _detect_columns(self):
        """List the columns of the file with their first values and likely meaning."""
        self.ensure_one()
        with self._open_file() as source:
            layout = detect_layout(source, self.encoding or None, self.delimiter)
            first = [values for _line, values in islice(records_of(source, layout), 3)]
        meanings = {name: key for key, name in guess_mapping(layout.header).items()}
        self._forget_lines()
        self.column_ids = [
            Command.clear(),
            *(
                Command.create(
                    {
                        "sequence": position,
                        "name": name or self.env._("(no name)"),
                        "sample": self._get_sample(first, position),
                        "meaning": meanings.get(name),
                    }
                )
                for position, name in enumerate(layout.header)
            ),
        ]

    @staticmethod
    def _get_sample(rows, position):
        values = [row[position] for row in rows if position < len(row)]
        return " · ".join(filter(None, values))[:80]

    def _get_mapping(self):
        mapping = {}
        for column in self.column_ids.filtered("meaning"):
            if column.meaning in mapping:
                raise UserError(
                    self.env._(
                        "The columns “%(first)s” and “%(second)s” have the same "
                        "meaning. Choose one of them.",
                        first=mapping[column.meaning],
                        second=column.name,
                    )
                )
            mapping[column.meaning] = column.name
        return mapping

    # === FILE ===

    @contextmanager
    def _open_file(self):
        """Open the uploaded file for reading, without loading it whole if it is
        stored on disk.

        :raise UserError: there is none, or it cannot be read; says what to do
        """
        if not self.file:
            raise UserError(self.env._("Choose a file first."))
        # The attachment behind the field belongs to this record, which the user reads.
        attachment = (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_field", "=", "file"),
                    ("res_id", "=", self.id),
                ],
                limit=1,
            )
        )
        path = attachment.store_fname and attachment._full_path(attachment.store_fname)
        source = open(path, "rb") if path else io.BytesIO(attachment.raw or b"")
        with source:
            try:
                yield source
            except FileError as error:
                raise UserError(file_text(self.env, error)) from error

    def _create_example(self):
        with file_open(EXAMPLE, "rb") as source:
            content = base64.b64encode(source.read())
        return self.create({"file": content, "file_name": EXAMPLE.rpartition("/")[2]})

    # === LINES ===

    def _forget_lines(self):
        self.write({"state": "draft", "note": False})
        # Lines are written by the import only; nothing of them is booked yet.
        self.line_ids.sudo().unlink()

    def _start_reading(self):
        """Read a small file at once, a large one in the background."""
        self._forget_lines()
        with self._open_file() as source:
            plan = self._examine(source)
            self.note = self._describe_plan(plan)
            if source.seek(0, io.SEEK_END) > READ_AT_ONCE:
                self.state = "reading"
                self._trigger_job()
                return
            for records in self._iterate_batches(source, plan):
                self._create_lines(records)
        self.state = "checked"

    def _examine(self, source):
        return examine(
            source,
            mapping=self._get_mapping(),
            encoding=self.encoding or None,
            delimiter=self.delimiter or None,
            order=self.date_order or None,
            dec=self.decimal_mark or None,
        )

    def _iterate_batches(self, source, plan, after=0):
        """Yield lists of records of the lines below line ``after``."""
        today = fields.Date.context_today(self)
        digits = self.currency_id.decimal_places
        found = (r for r in read(source, plan, today, digits) if r.line > after)
        while batch := list(islice(found, LINES_PER_BATCH)):
            yield batch

    def _create_lines(self, records):
        """Write a batch of lines and tell which are waiting."""
        known = self._get_known_numbers(
            [r.row.invoice_number for r in records if r.row]
        )
        # Lines are written by the import only, whoever may start it.
        self.env["subledger.import.line"].sudo().create(
            [self._prepare_line_vals(record, known) for record in records]
        )

    def _get_known_numbers(self, numbers):
        """Return ``{number: line}`` of the numbers imported before in the company."""
        lines = self.env["subledger.import.line"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("invoice_number", "in", numbers),
                ("state", "=", "done"),
                ("move_id", "!=", False),
            ]
        )
        return {line.invoice_number: line for line in lines}

    def _prepare_line_vals(self, record, known):
        vals = {
            "import_id": self.id,
            "company_id": self.company_id.id,
            "line_number": record.line,
        }
        if not record.row:
            texts = [row_text(self.env, error) for error in record.errors]
            message = "\n".join(texts)
            return {
                **vals,
                "state": "error",
                "message": message,
                "content": record.text,
            }
        state, message = self._judge_row(record.row, known)
        row = {**record.row._asdict(), "amount": float(record.row.amount)}
        return {**vals, **row, "state": state, "message": message}

    def _judge_row(self, row, known):
        if line := known.get(row.invoice_number):
            document = line.sudo().move_id.display_name  # a name, for the message
            return "known", self.env._("Imported as %(document)s.", document=document)
        if self.last_date and row.invoice_date > self.last_date:
            return "later", False
        if violated := self._get_lock_text(row.invoice_date):
            return "error", violated
        return "ready", False

    def _get_lock_text(self, date):
        """Say that documents of ``date`` are locked; a locked date would be moved."""
        locks = self.company_id._get_lock_date_violations(
            date, sale=True, purchase=False, tax=False
        )
        if not locks:
            return False
        return self.env._(
            "The books are locked to %(day)s, after this line's date. Open the period "
            "or leave the line out.",
            day=max(day for day, _field in locks),
        )

    def _describe_plan(self, plan):
        labels = {column.meaning: column.name for column in self.column_ids}
        texts = [
            self.env._(
                "Encoding %(encoding)s, separator “%(mark)s”, decimal separator "
                "“%(decimal)s”.",
                encoding=plan.layout.encoding,
                mark=plan.layout.delimiter.replace("\t", "Tab"),
                decimal=plan.decimal,
            )
        ]
        for field, order in plan.orders.items():
            guess = self.env._("(as in the other columns)")
            texts.append(
                self.env._(
                    "%(column)s: %(format)s %(guess)s",
                    column=labels[field],
                    format=date_orders(self.env)[order],
                    guess=guess if field in plan.assumed else "",
                )
            )
        return "\n".join(texts)
