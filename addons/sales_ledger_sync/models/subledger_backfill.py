from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain

from .subledger_backfill_lane import LANES

WORKERS = ("ir_cron_backfill", "ir_cron_backfill_2")
# What a person decides; everything else on a backfill is written by the job.
CHOICES = {"company_id", "mode", "start_date"}
FINISHED = ("done", "cancelled")


class SubledgerBackfill(models.Model):
    """Bringing the ledger up to date with journal items that were there before it.

    A draft is previewed, then started; from then on two scheduled actions work through
    the journal items of the company in committed batches, each in a lane of its own.
    What was committed stays, so a job may be paused, cancelled, killed and resumed: it
    goes on after the last committed batch and ends with the same ledger. All entries
    are written by the engine, which compares before it writes: a second backfill writes
    nothing.

    The company's settings change with the last step, so that at every moment, and
    after a cancellation too, the ledger is right under the settings of that moment.
    """

    _name = "subledger.backfill"
    _description = "Subledger Backfill"
    _order = "id desc"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        ondelete="cascade",
    )
    company_currency_id = fields.Many2one(related="company_id.currency_id")
    mode = fields.Selection(
        [
            ("none", "Leave history"),
            ("full", "Full history"),
            ("opening", "One opening entry per account"),
        ],
        required=True,
        default=lambda self: self.env.company.subledger_history,
        help="Leave history: only items dated from the start date on are written, and "
        "opening entries are taken back; entries of earlier items stay. "
        "Full history: all items, whatever their date. One opening entry per account: "
        "the balance of all earlier items in one entry at the start date, for each "
        "partner and control account.",
    )
    start_date = fields.Date(
        default=lambda self: self._get_default_start_date(),
        help="First day of the ledger. It becomes the company's ledger start date "
        "when the backfill is done. Full history can do without.",
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("running", "Running"),
            ("paused", "Paused"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
            ("done", "Done"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
    )
    error = fields.Text(readonly=True, copy=False)
    started_on = fields.Datetime(readonly=True, copy=False)
    finished_on = fields.Datetime(readonly=True, copy=False)
    is_settled = fields.Boolean(
        readonly=True,
        copy=False,
        help="Compared once more, after all that was under way at the end.",
    )

    # Where the job stands: first the opening entries that give way to entries, by
    # partner, then the items, by lane. Those above the last id at the start come with
    # the rest.
    last_partner_id = fields.Integer(
        default=-1, readonly=True, copy=False, aggregator=None
    )
    openings_done = fields.Boolean(readonly=True, copy=False)
    end_line_id = fields.Integer(readonly=True, copy=False, aggregator=None)
    lane_ids = fields.One2many("subledger.backfill.lane", "backfill_id", readonly=True)
    items_total = fields.Integer(string="Items", readonly=True, copy=False)
    items_done = fields.Integer(compute="_compute_done", compute_sudo=True)
    entry_count = fields.Integer(
        string="Entries Written", compute="_compute_done", compute_sudo=True
    )
    reversal_count = fields.Integer(
        string="Reversals Written", compute="_compute_done", compute_sudo=True
    )
    opening_count = fields.Integer(
        string="Opening Entries Written", readonly=True, copy=False
    )
    progress = fields.Float(
        string="Progress (%)", compute="_compute_progress", compute_sudo=True
    )
    rate = fields.Integer(
        string="Items per Second",
        compute="_compute_progress",
        compute_sudo=True,
        aggregator=None,
    )
    time_left = fields.Float(
        string="Time Left (hours)",
        compute="_compute_progress",
        compute_sudo=True,
        help="At the rate so far.",
    )

    preview_date = fields.Datetime(string="Figures of", readonly=True, copy=False)
    balance_ids = fields.One2many(
        "subledger.backfill.balance", "backfill_id", readonly=True
    )
    type_ids = fields.One2many("subledger.backfill.type", "backfill_id", readonly=True)
    unmatched_ids = fields.One2many(
        "subledger.backfill.unmatched", "backfill_id", readonly=True
    )

    _one_per_company = models.UniqueIndex(
        "(company_id) WHERE state IN ('running', 'paused', 'failed')",
        "Another backfill of this company is under way. Resume or cancel that one.",
    )

    @api.model
    def _get_default_start_date(self):
        return self.env.company.subledger_start_date or fields.Date.context_today(self)

    @api.depends("company_id", "mode", "start_date")
    def _compute_display_name(self):
        labels = dict(self._fields["mode"]._description_selection(self.env))
        for backfill in self:
            backfill.display_name = " ".join(
                filter(
                    None,
                    [
                        backfill.company_id.name,
                        labels.get(backfill.mode),
                        backfill.start_date and str(backfill.start_date),
                    ],
                )
            )

    @api.depends(
        "lane_ids.items_done", "lane_ids.entry_count", "lane_ids.reversal_count"
    )
    def _compute_done(self):
        for backfill in self:
            lanes = backfill.lane_ids
            backfill.items_done = sum(lanes.mapped("items_done"))
            backfill.entry_count = sum(lanes.mapped("entry_count"))
            backfill.reversal_count = sum(lanes.mapped("reversal_count"))

    @api.depends("items_done", "items_total", "lane_ids.seconds", "state")
    def _compute_progress(self):
        for backfill in self:
            done, total = backfill.items_done, backfill.items_total
            share = 100.0 * done / total if total else 0.0
            backfill.progress = 100.0 if backfill.state == "done" else min(share, 100.0)
            rate = backfill.lane_ids._get_rate()
            backfill.rate = round(rate)
            left = max(total - done, 0)
            # Hours, because the widget for durations counts in hours.
            backfill.time_left = left / rate / 3600 if rate else 0.0

    # ------------------------------------------------------------------
    # Guards
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_only_choices(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_only_choices(vals)
        if CHOICES & vals.keys():
            self._check_state("draft")
        return super().write(vals)

    @api.model
    def _check_only_choices(self, vals):
        # The job and the buttons below write as superuser, which no client can be.
        if not self.env.su and not vals.keys() <= CHOICES:
            raise UserError(
                self.env._("State and progress of a backfill are kept by the system.")
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_under_way(self):
        self._check_state("draft", *FINISHED)

    def _check_state(self, *states):
        for backfill in self:
            if backfill.state not in states:
                labels = dict(self._fields["state"]._description_selection(self.env))
                raise UserError(
                    self.env._(
                        "This is not possible for a backfill that is %(state)s.",
                        state=labels[backfill.state].lower(),
                    )
                )

    def _check_may_start(self):
        """Refuse what could not end well.

        :raise UserError: closed company, start in the future or in a locked period
        """
        self.ensure_one()
        self._check_company_open()
        if self.start_date:
            self._check_start_date()
        elif self.mode != "full":
            raise UserError(self.env._("Choose the first day of the ledger."))

    def _check_company_open(self):
        if not self.company_id.active:
            raise UserError(
                self.env._(
                    "%(company)s is closed (archived). Reopen it to backfill its "
                    "ledger.",
                    company=self.company_id.name,
                )
            )

    def _check_start_date(self):
        if self.start_date > fields.Date.context_today(self):
            raise UserError(
                self.env._(
                    "The start date %(date)s lies in the future. Choose today or an "
                    "earlier day.",
                    date=self.start_date,
                )
            )
        locks = self.company_id._get_lock_date_violations(self.start_date)
        if locks:
            raise UserError(
                self.env._(
                    "The start date %(date)s lies in a period that is locked until "
                    "%(lock)s. Choose a later day; with full history, or an opening "
                    "entry, earlier items are in the ledger all the same.",
                    date=self.start_date,
                    lock=max(lock for lock, _field in locks),
                )
            )

    def _check_rights(self):
        """The buttons work as superuser from here on, so they ask first."""
        self.check_access("write")
        if not self.env.user.has_group("sales_ledger_sync.group_ledger_manager"):
            raise AccessError(
                self.env._("Only ledger managers may backfill the ledger.")
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_preview(self):
        """Show what a backfill would write and what it could not match."""
        self._check_rights()
        for backfill in self:
            backfill._check_state("draft")
            backfill._check_may_start()
            backfill._write_figures()
        return True

    def action_start(self):
        """Start the background job. The company's ledger settings follow at its end.

        :raise UserError: the backfill is no draft, may not start, or another one of
            its company is under way
        """
        self._check_rights()
        for backfill in self:
            backfill._check_state("draft")
            backfill._check_may_start()
            backfill._check_alone()
            # State and progress are the system's; the rights were checked above.
            backfill.sudo().write(
                {
                    "state": "running",
                    "started_on": fields.Datetime.now(),
                    "openings_done": not backfill._is_any_opening_to_split(),
                    "end_line_id": backfill._get_last_line_id(),
                    "items_total": backfill._count_items(),
                    "lane_ids": [
                        Command.create({"number": number}) for number in range(LANES)
                    ],
                }
            )
        self._trigger_job()
        return True

    def action_pause(self):
        """Stop after the batch at work; what it wrote stays."""
        self._change_state("paused", "running")
        return True

    def action_resume(self):
        """Go on after the last committed batch, also if a period was closed since.

        :raise UserError: neither paused nor failed, or the company is closed
        """
        self._check_rights()
        for backfill in self:
            backfill._check_company_open()
        self._change_state("running", "paused", "failed")
        self._trigger_job()
        return True

    def action_cancel(self):
        """Stop for good. Entries written so far are right, and stay."""
        self._change_state("cancelled", "draft", "running", "paused", "failed")
        return True

    def _change_state(self, state, *allowed):
        self._check_rights()
        self._check_state(*allowed)
        values = {"state": state, "error": False}
        if state in FINISHED:
            values["finished_on"] = fields.Datetime.now()
        # The state is the system's; the rights were checked above.
        self.sudo().write(values)

    def _check_alone(self):
        others = self.search(
            Domain("company_id", "=", self.company_id.id)
            & Domain("state", "in", ("running", "paused", "failed"))
        )
        if others:
            raise UserError(
                self.env._(
                    "Another backfill of %(company)s is under way. Resume or cancel "
                    "that one first.",
                    company=self.company_id.name,
                )
            )

    def _trigger_job(self):
        # Whoever may start a backfill need not have rights to scheduled actions.
        for name in WORKERS:
            worker = self.env.ref(f"sales_ledger_sync.{name}", raise_if_not_found=False)
            if worker:
                worker.sudo()._trigger()
