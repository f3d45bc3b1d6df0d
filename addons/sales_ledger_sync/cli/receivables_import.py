"""odoo-bin receivables_import: a file of receivables becomes invoices and payments."""

# A command talks by printing, and it is what commits its own transaction.
# pylint: disable=print-used,invalid-commit

import base64
import sys
from datetime import date
from pathlib import Path

from odoo import api
from odoo.cli import Command
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tools import config

DONE, INCOMPLETE, REFUSED = 0, 1, 2
SHOWN_ERRORS = 20
BAR_WIDTH = 30


class ReceivablesImport(Command):
    """Import a file of receivables: one line per invoice, with its settlement.

    Exit code 0: every line is imported, now or before; 1: some lines have errors
    (they are listed and the others imported); 2: nothing could be done.
    """

    name = "receivables_import"

    def run(self, args):
        """Parse the arguments, import, and exit with the code."""
        options, rest = self._get_parser().parse_known_args(args)
        config.parse_config(["--no-http", *rest], setup_logging=True)
        if len(config["db_name"]) != 1:
            self.parser.error("name one database with -d")
        with Registry(config["db_name"][0]).cursor() as cr:
            sys.exit(self._run_in(cr, options))

    def _get_parser(self):
        add = self.parser.add_argument
        add("--file", type=Path, required=True, help="the CSV file")
        add("--until", type=date.fromisoformat, help="last day to replay: YYYY-MM-DD")
        add("--company", help="name of the company; default: the administrator's")
        add("--check", action="store_true", help="only read and list the errors")
        add("--encoding", help="utf-8-sig, utf-16, cp1252 or latin-1; default: found")
        add("--delimiter", help="separator of the columns; default: found")
        add("--date-order", choices=["ymd", "mdy", "dmy"], help="default: found")
        add("--decimal", choices=[".", ","], help="default: found")
        self.parser.epilog = "Other options are Odoo's: -d DATABASE, -c CONFIGURATION."
        return self.parser

    def _run_in(self, cr, options):
        env = api.Environment(cr, api.SUPERUSER_ID, {})
        # Documents are made in the administrator's name, like in the web client.
        env = env(user=env.ref("base.user_admin"))
        try:
            record = self._load(env, options)
            record.action_check()
            cr.commit()
            follow(record, "reading")
            self._print_errors(record)
            if not options.check and record.ready_count:
                record.action_start()
                cr.commit()
                follow(record, "running")
        except (UserError, OSError) as error:
            cr.rollback()
            print(f"receivables_import: {error}", file=sys.stderr)
            return REFUSED
        return self._print_result(record)

    def _load(self, env, options):
        company = env.company
        if options.company:
            company = env["res.company"].search([("name", "=", options.company)])
            if len(company) != 1:
                message = env._("There is no company “%s”.", options.company)
                raise UserError(message)
        return (
            env["subledger.import"]
            .with_context(allowed_company_ids=company.ids)
            .create(
                {
                    "file": base64.b64encode(options.file.read_bytes()),
                    "file_name": options.file.name,
                    "company_id": company.id,
                    "last_date": options.until,
                    "encoding": options.encoding,
                    "delimiter": options.delimiter,
                    "date_order": options.date_order,
                    "decimal_mark": options.decimal,
                }
            )
        )

    def _print_errors(self, record):
        errors = record.env["subledger.import.line"].search(
            [("import_id", "=", record.id), ("state", "=", "error")],
            limit=SHOWN_ERRORS,
        )
        for line in errors:
            for text in line.message.splitlines():
                print(f"line {line.line_number}: {text}", file=sys.stderr)
        if record.error_count > len(errors):
            more = record.error_count - len(errors)
            print(f"... and {more} lines more with errors", file=sys.stderr)

    def _print_result(self, record):
        print(
            f"{record.line_count} lines: {record.done_count} imported, "
            f"{record.known_count} imported before, {record.later_count} after the "
            f"last day, {record.ready_count} waiting, {record.error_count} with errors"
        )
        return INCOMPLETE if record.error_count else DONE


def follow(record, state):
    """Work off an import's batches here, without waiting for the scheduled action.

    :param record: the ``subledger.import``
    :param str state: the state whose work is to be done; committed batch by batch
    """
    while record.state == state:
        handled = record._process_batch()
        record.env.cr.commit()
        if not handled:
            break
        print_progress(record)
    if state == "running" and sys.stderr.isatty():
        print(file=sys.stderr)


def print_progress(record):
    """Draw the progress bar on the terminal, or a line of it into a log."""
    filled = round(record.progress / 100 * BAR_WIDTH)
    bar = "#" * filled + "." * (BAR_WIDTH - filled)
    handled = record.line_count - record.ready_count
    text = f"  {bar} {handled} of {record.line_count} lines"
    if record.seconds_left:
        text += f", {record.seconds_left} s left"
    start, end = ("\r", "   ") if sys.stderr.isatty() else ("", "\n")
    print(start + text, end=end, file=sys.stderr, flush=True)
