import logging
import time
from contextlib import closing

from psycopg2 import IntegrityError

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..retrying import retry

_logger = logging.getLogger(__name__)

ROWS_PER_BATCH = 50
TRIES = 5
# Going on with a file means to skip over its first part: not too often.
READ_SECONDS = 60


class SubledgerImport(models.Model):
    """The work in the background: batches, each committed by its caller."""

    _inherit = "subledger.import"

    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Imported By",
        default=lambda self: self.env.user,
        readonly=True,
        copy=False,
        help="The documents are created in this user's name and with their rights.",
    )

    @api.model
    def _cron_import(self):
        """Work on every import that is due, until done or out of time."""
        cron = self.env["ir.cron"]
        records = self.search([("state", "in", ("reading", "running"))], order="id")
        cron._commit_progress(remaining=self._count_due())
        for record in records:
            while handled := record._process_batch():
                if not cron._commit_progress(handled, remaining=self._count_due()):
                    return
        cron._commit_progress(remaining=self._count_due())

    @api.model
    def _count_due(self):
        """Lines to book, and files to read: how long they are is not known yet."""
        lines = self.env["subledger.import.line"].search_count(
            [("state", "=", "ready"), ("import_id.state", "=", "running")]
        )
        return lines + self.search_count([("state", "=", "reading")])

    def _trigger_job(self):
        # The scheduled action belongs to the system; starting it is this user's right.
        cron = self.env.ref("sales_ledger_sync.ir_cron_subledger_import").sudo()
        cron._trigger()

    def _process_batch(self):
        """Read or book the next lines; the caller commits.

        Concurrent changes are retried here, because scheduled actions are not.

        :return: number of lines handled, 0 when there is nothing left to do
        """
        return retry(self._try_batch, TRIES, 0.1, undo=self.env.cr.rollback)

    def _try_batch(self):
        self.invalidate_recordset()
        if not self.exists():
            return 0
        # In the name of whoever started the import, in its company only.
        worker = self.with_user(self.user_id).with_context(
            allowed_company_ids=self.company_id.ids, lang=self.user_id.lang
        )
        if worker.state == "reading":
            return worker._read_batch()
        return worker._book_batch() if worker.state == "running" else 0

    # === READING ===

    def _read_batch(self):
        """Read the next lines of the file; what was read before is skipped over.

        One call stores many batches, each committed, so that a hundred megabytes are
        not started over for every thousand lines.
        """
        end = time.monotonic() + READ_SECONDS
        try:
            with self._open_file() as source:
                plan = self._examine(source)
                batches = self._iterate_batches(source, plan, self._get_last_line())
                with closing(batches):
                    for records in batches:
                        self._create_lines(records)
                        self.env.flush_all()
                        self.env.invalidate_all()
                        if not self._go_on_reading(end):
                            return len(records)
        except UserError as error:
            # As the reason on the record; nothing that was read is kept.
            self._forget_lines()
            self.note = str(error)
            return 0
        self.state = "checked"
        self.message_post(body=self.env._("The file is read: see its lines."))
        return 0

    def _get_last_line(self):
        last = self.env["subledger.import.line"].search(
            [("import_id", "=", self.id)], order="line_number desc", limit=1
        )
        return last.line_number

    def _go_on_reading(self, end):
        """Commit a batch of lines; False when stopped or out of time."""
        left = self.env["ir.cron"]._commit_progress(remaining=self._count_due())
        self.invalidate_recordset(["state"])
        return self.state == "reading" and (left or time.monotonic() < end)

    # === BOOKING ===

    def _book_batch(self):
        """Book the next lines together, or one by one if one of them is refused."""
        lines = self._take_lines()
        if lines:
            try:
                self._book_in_savepoint(lines)
            except (UserError, IntegrityError):
                for line in lines:
                    self._book_or_report(line)
            self._log_batch(lines)
        elif not self.ready_count:
            self._finish()
        return len(lines)

    def _take_lines(self):
        """Lock the next waiting lines; leave out numbers imported in the meantime."""
        ready = [("import_id", "=", self.id), ("state", "=", "ready")]
        lines = self.env["subledger.import.line"].search(
            ready, order="invoice_date, line_number", limit=ROWS_PER_BATCH
        )
        # The lock is taken by the import, which alone writes lines.
        lines = lines.sudo().try_lock_for_update()
        known = self._get_known_numbers(lines.mapped("invoice_number"))
        for line in lines.filtered(lambda line: line.invoice_number in known):
            number = known[line.invoice_number].sudo().move_id.display_name
            message = self.env._("Imported as %(document)s.", document=number)
            line.write({"state": "known", "message": message})
        return lines.sudo(False)

    def _book_in_savepoint(self, lines):
        waiting = lines.filtered(lambda line: line.state == "ready")
        if waiting:
            with self.env.cr.savepoint():
                self._with_quiet_documents()._book(waiting)

    def _with_quiet_documents(self):
        """Without chatter on each document, unless the company keeps an audit trail."""
        if self.company_id.restrictive_audit_trail:
            return self
        return self.with_context(tracking_disable=True, mail_create_nosubscribe=True)

    def _book_or_report(self, line):
        try:
            self._book_in_savepoint(line)
        except (UserError, IntegrityError) as error:
            # Lines are written by the import only.
            line.sudo().write({"state": "error", "message": str(error)})

    def _log_batch(self, lines):
        _logger.info(
            "Receivables import %s: %s of %s lines handled",
            self.id,
            self.line_count - self.ready_count,
            self.line_count,
        )

    def _finish(self):
        self.state = "done"
        self.message_post(
            body=self.env._(
                "%(done)s invoices imported, %(known)s imported before, %(errors)s "
                "not imported.",
                done=self.done_count,
                known=self.known_count,
                errors=self.error_count,
            )
        )
