from odoo import api, fields, models

from odoo.addons.sales_ledger_sync.fields import KeylessMany2one

from .guard_cause import CAUSES

OPEN_STATES = ("open", "reopened")


class GuardFinding(models.Model):
    """One difference: what was expected, what is there, and what explains it.

    Amounts are in company currency, debit minus credit (quantities for reservations).
    ``difference`` is ``expected`` minus ``actual`` and equals ``explained`` (the sum
    of the named causes) plus ``unexplained``.
    """

    _name = "guard.finding"
    _description = "Balance Finding"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "last_seen desc, id desc"
    _allow_sudo_commands = False

    check_id = fields.Many2one(
        "guard.check", required=True, readonly=True, ondelete="cascade"
    )
    check_code = fields.Char(related="check_id.code")
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one("res.partner", readonly=True, index="btree_not_null")
    partner_key = fields.Integer(
        readonly=True, help="The partner's id, also after it was deleted; 0: none."
    )
    partner_name = fields.Char(readonly=True)
    account_id = fields.Many2one("account.account", readonly=True)
    entry_id = KeylessMany2one("subledger.entry", string="Ledger Entry", readonly=True)
    res_model = fields.Char(string="Document Model", readonly=True)
    res_id = fields.Many2oneReference(
        string="Document", model_field="res_model", readonly=True
    )
    field_name = fields.Char(string="Changed Field", readonly=True)
    value_expected = fields.Char(readonly=True)
    value_found = fields.Char(readonly=True)

    expected = fields.Float(digits=(20, 4), readonly=True)
    actual = fields.Float(digits=(20, 4), readonly=True)
    difference = fields.Float(
        digits=(20, 4), readonly=True, help="Expected minus actual."
    )
    explained = fields.Float(
        digits=(20, 4), readonly=True, help="Sum of the named causes."
    )
    unexplained = fields.Float(
        digits=(20, 4), readonly=True, help="Difference minus explained."
    )
    causes = fields.Json(readonly=True, help="Amount and number of items by cause.")
    cause_code = fields.Selection(
        CAUSES, string="Main Cause", required=True, readonly=True
    )
    is_expected = fields.Boolean(
        readonly=True, help="Follows from the settings: there is nothing to repair."
    )
    state = fields.Selection(
        [
            ("open", "Open"),
            ("explained", "Explained"),
            ("healed", "Healed"),
            ("accepted", "Accepted"),
            ("reopened", "Reopened"),
        ],
        required=True,
        readonly=True,
        tracking=True,
    )
    fingerprint = fields.Char(required=True, readonly=True)
    first_seen = fields.Datetime(required=True, readonly=True)
    last_seen = fields.Datetime(required=True, readonly=True)
    last_run_id = fields.Many2one("guard.run", readonly=True, ondelete="set null")
    seen_count = fields.Integer(string="Times Seen", readonly=True)
    closed_at = fields.Datetime(readonly=True)
    run_ids = fields.Many2many("guard.run", string="Runs", readonly=True)
    notified_at = fields.Datetime(readonly=True)
    accept_reason = fields.Char(readonly=True)
    heal_ids = fields.One2many("guard.heal", "finding_id", string="Healing")
    story = fields.Html(compute="_compute_story", sanitize=False)

    # The same fault found again updates its finding: two workers that meet one fault
    # at once collide here and the later one repeats its work.
    _fingerprint_unique = models.UniqueIndex("(fingerprint)")
    # _close_vanished, dashboard: what is open in a company.
    _open_idx = models.Index(
        "(company_id, check_id, partner_key) WHERE state != 'healed'"
    )

    @api.depends("check_id", "partner_name", "cause_code")
    def _compute_display_name(self):
        labels = dict(self._fields["cause_code"]._description_selection(self.env))
        for finding in self:
            parts = [labels.get(finding.cause_code), finding.partner_name]
            finding.display_name = " - ".join(part for part in parts if part)

    # Healing

    def _get_scope_key(self):
        """Cause, partner and account: what the circuit breaker counts by."""
        self.ensure_one()
        keys = (self.company_id.id, self.partner_key, self.account_id.id or 0)
        return ":".join(map(str, (self.check_code, *keys, self.cause_code)))

    def _get_account_key(self):
        """Company, partner (0: none) and control account of the subledger account."""
        self.ensure_one()
        return (self.company_id.id, self.partner_key, self.account_id.id or 0)

    def _mark_healed(self):
        self.write({"state": "healed", "closed_at": fields.Datetime.now()})
        self.activity_unlink(["balance_guard.activity_finding"])
