from odoo import api, fields, models
from odoo.exceptions import UserError

ENCODINGS = [
    ("utf-8-sig", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("cp1252", "Western European (Windows)"),
    ("latin-1", "Western European (ISO 8859-1)"),
]
HOW_TO_READ = {
    "column_ids",
    "company_id",
    "date_order",
    "decimal_mark",
    "delimiter",
    "encoding",
    "file",
    "last_date",
}
EXAMPLE = "sales_ledger_sync/data/example/receivables_sample.csv"


class SubledgerImport(models.Model):
    """Replays a file of receivables through invoices and payments.

    A line of the file is an invoice with the day it was settled.  The file is read
    into lines first, nothing else happens; then the lines become posted invoices and
    payments in batches, in the background.  A line is imported whole or not at all,
    and only once per company: its key is the invoice number.
    """

    _name = "subledger.import"
    _description = "Receivables Import"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(compute="_compute_name", store=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    state = fields.Selection(
        selection=[
            ("draft", "New"),
            ("reading", "Reading"),
            ("checked", "Checked"),
            ("running", "Importing"),
            ("stopped", "Stopped"),
            ("done", "Done"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )

    # === THE FILE ===

    file = fields.Binary(attachment=True, copy=False)
    file_name = fields.Char(copy=False)
    encoding = fields.Selection(
        selection=ENCODINGS, help="Detected from the file if left empty."
    )
    delimiter = fields.Selection(
        selection=[
            (",", "Comma"),
            (";", "Semicolon"),
            ("\t", "Tab"),
            ("|", "Vertical bar"),
        ],
        string="Separator",
        help="Detected from the file if left empty.",
    )
    date_order = fields.Selection(
        selection=[
            ("ymd", "Year-month-day"),
            ("mdy", "Month/day/year"),
            ("dmy", "Day/month/year"),
        ],
        string="Date Format",
        help="Detected per column if left empty. Choose it if the file does not tell.",
    )
    decimal_mark = fields.Selection(
        selection=[(".", "Point"), (",", "Comma")],
        string="Decimal Separator",
        help="Detected from the file if left empty.",
    )
    column_ids = fields.One2many(
        comodel_name="subledger.import.column",
        inverse_name="import_id",
        string="Columns",
    )

    # === WHAT TO MAKE OF IT ===

    last_date = fields.Date(
        string="Replay Until",
        help="Invoices after this day are left out, and payments after it are not "
        "taken, so that the books look as they did that evening. Empty: everything.",
    )
    journal_id = fields.Many2one(
        comodel_name="account.journal",
        string="Invoice Journal",
        domain="[('type', '=', 'sale')]",
        check_company=True,
        compute="_compute_journals",
        store=True,
        readonly=False,
    )
    payment_journal_id = fields.Many2one(
        comodel_name="account.journal",
        string="Paid To",
        domain="[('type', 'in', ('bank', 'cash', 'credit'))]",
        check_company=True,
        compute="_compute_journals",
        store=True,
        readonly=False,
    )

    # === WHAT BECAME OF IT ===

    line_ids = fields.One2many(
        comodel_name="subledger.import.line",
        inverse_name="import_id",
        string="Lines",
        readonly=True,
    )
    line_count = fields.Integer(compute="_compute_counts")
    ready_count = fields.Integer(string="Waiting", compute="_compute_counts")
    done_count = fields.Integer(string="Imported", compute="_compute_counts")
    known_count = fields.Integer(string="Imported Before", compute="_compute_counts")
    later_count = fields.Integer(string="After the Last Day", compute="_compute_counts")
    error_count = fields.Integer(string="With Errors", compute="_compute_counts")
    ready_amount = fields.Monetary(string="Amount Waiting", compute="_compute_counts")
    done_amount = fields.Monetary(string="Amount Imported", compute="_compute_counts")
    progress = fields.Float(
        compute="_compute_counts", help="Percent of the lines without errors."
    )
    started_at = fields.Datetime(readonly=True, copy=False)
    started_count = fields.Integer(readonly=True, copy=False)
    seconds_left = fields.Integer(compute="_compute_counts")
    note = fields.Text(
        string="How It Was Read",
        readonly=True,
        copy=False,
        help="Encoding, separator and formats that were found in the file.",
    )

    @api.depends("file_name")
    def _compute_name(self):
        for record in self:
            record.name = record.file_name or self.env._("Receivables")

    @api.depends("company_id")
    def _compute_journals(self):
        """Propose the company's first sales journal and first bank journal."""
        for record in self:
            record.journal_id = record._find_journal(["sale"])
            record.payment_journal_id = record._find_journal(["bank", "cash"])

    def _find_journal(self, types):
        journals = self.env["account.journal"]
        domain = [
            *journals._check_company_domain(self.company_id),
            ("type", "in", types),
        ]
        found = journals.search(domain)
        return found.sorted(lambda journal: types.index(journal.type))[:1]

    @api.depends("line_ids.state", "state")
    def _compute_counts(self):
        groups = self.env["subledger.import.line"]._read_group(
            [("import_id", "in", self.ids)],
            ["import_id", "state"],
            ["__count", "amount:sum"],
        )
        found = {(record, state): values for record, state, *values in groups}
        for record in self:
            record._set_counts(
                {
                    state: found.get((record, state), (0, 0.0))
                    for state in ("ready", "done", "known", "later", "error")
                }
            )

    def _set_counts(self, found):
        self.line_count = sum(count for count, _amount in found.values())
        for state, (count, _amount) in found.items():
            self[f"{state}_count"] = count
        self.ready_amount = found["ready"][1]
        self.done_amount = found["done"][1]
        good = self.ready_count + self.done_count
        self.progress = 100.0 * self.done_count / good if good else 0.0
        self.seconds_left = self._estimate_seconds_left()

    def _estimate_seconds_left(self):
        """Time for the waiting lines at the rate since the start; 0 if unknown."""
        booked = self.done_count - self.started_count
        if self.state != "running" or not self.started_at or booked <= 0:
            return 0
        passed = (fields.Datetime.now() - self.started_at).total_seconds()
        return round(self.ready_count * passed / booked)

    # === ACTIONS ===

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        for record in records.filtered("file"):
            record._detect_columns()
        return records

    def write(self, vals):
        """Read the columns anew when the file or the way to read it changes, and
        forget the lines that were read another way."""
        if not HOW_TO_READ & vals.keys():
            return super().write(vals)
        self._check_state("draft", "checked")
        result = super().write(vals)
        for record in self.filtered("file"):
            if {"file", "encoding", "delimiter"} & vals.keys():
                record._detect_columns()
            elif record.line_ids:
                record._forget_lines()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_imported(self):
        """The lines are the memory that keeps a second run from importing twice."""
        if any(record.done_count for record in self):
            raise UserError(
                self.env._(
                    "Invoices were imported from this file; deleting it would let "
                    "them be imported again. Keep it."
                )
            )

    def action_check(self):
        """Read the whole file into lines, each with its errors; book nothing.

        :raise UserError: the file as a whole cannot be read
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("draft", "checked", "stopped")
        if self.done_count:
            raise UserError(self.env._("Some lines are imported already. Continue."))
        self._start_reading()

    def action_start(self):
        """Import the waiting lines in the background.

        :raise UserError: nothing to import, or the user may not post invoices
        """
        self.ensure_one()
        self.check_access("write")
        self._check_state("checked", "stopped")
        self._check_ready()
        # Not writable by hand: the job's own bookkeeping, for who may start it.
        self.write(
            {
                "state": "running",
                "started_at": fields.Datetime.now(),
                "started_count": self.done_count,
            }
        )
        self._trigger_job()

    def action_stop(self):
        """Stop after the batch at work; what is imported stays, the rest waits."""
        self.ensure_one()
        self.check_access("write")
        self._check_state("running", "reading")
        self.state = "stopped" if self.state == "running" else "draft"

    def action_refresh(self):
        """Show the progress of the moment."""
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_open_lines(self):
        """Open the lines of the file; only those with errors if there are any."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "sales_ledger_sync.action_subledger_import_line"
        )
        filters = {"search_default_error": 1} if self.error_count else {}
        return {
            **action,
            "domain": [("import_id", "=", self.id)],
            "context": filters,
        }

    def action_open_invoices(self):
        """Open the invoices made from this file."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.action_move_out_invoice_type"
        )
        return {**action, "domain": [("id", "in", self.line_ids.move_id.ids)]}

    @api.model
    def action_load_example(self):
        """Import a year of example receivables into a company without invoices.

        :raise UserError: the company has customer invoices
        :return: action that opens the import
        """
        self.check_access("create")
        company = self.env.company
        if self.env["account.move"].search_count(
            [("company_id", "=", company.id), ("move_type", "=", "out_invoice")],
            limit=1,
        ):
            raise UserError(
                self.env._(
                    "%(company)s has customer invoices already. Load the example into "
                    "an empty company.",
                    company=company.display_name,
                )
            )
        record = self._create_example()
        record.action_check()
        record.action_start()
        return record._get_form_action()

    def _get_form_action(self):
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
        }

    # === CHECKS ===

    def _check_state(self, *states):
        labels = dict(self._fields["state"]._description_selection(self.env))
        for record in self:
            if record.state not in states:
                raise UserError(
                    self.env._(
                        "%(name)s is at “%(state)s”: that is not possible now.",
                        name=record.name,
                        state=labels[record.state],
                    )
                )

    def _check_ready(self):
        """Refuse a start that could not book a single line."""
        self.env["account.move"].check_access("create")
        self.env["account.payment"].check_access("create")
        if not self.ready_count:
            raise UserError(
                self.env._(
                    "No line is waiting: %(known)s were imported before, %(errors)s "
                    "have errors. Correct the file and check it again.",
                    known=self.known_count,
                    errors=self.error_count,
                )
            )
        if not self.journal_id or not self.payment_journal_id:
            raise UserError(
                self.env._("Choose the journals of the invoices and of the payments.")
            )
