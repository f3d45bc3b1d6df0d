from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    _inherit = "res.company"

    guard_tolerance = fields.Float(
        string="Balance Tolerance",
        default=0.01,
        digits=(16, 6),
        help="Differences up to this amount, in company currency, are not reported.",
    )
    guard_recent_partners = fields.Integer(
        string="Partners per Check",
        default=20,
        help="How many of the most recently touched partners are checked every five"
        " minutes.",
    )
    guard_responsible_id = fields.Many2one(
        "res.users",
        string="Responsible for Balances",
        help="Is told about new differences; the administrator if empty.",
    )
    guard_healing_paused = fields.Boolean(
        string="Healing on Hold", help="Nothing is repaired, not even by hand."
    )
    guard_heal_ledger = fields.Boolean(
        string="Correct the Ledger Automatically",
        help="Scheduled checks correct the ledger by new linked entries. Otherwise"
        " they only refresh recomputed values, and corrections are made by hand.",
    )
    guard_digest = fields.Boolean(string="Weekly Balance Digest", default=True)

    @api.constrains("guard_tolerance")
    def _check_guard_tolerance(self):
        for company in self:
            # Zero would report every rounding, below zero every balance.
            if company.guard_tolerance <= 0:
                raise ValidationError(
                    self.env._(
                        "The balance tolerance of %s must be above zero.", company.name
                    )
                )

    @api.constrains("guard_recent_partners")
    def _check_guard_recent_partners(self):
        for company in self:
            if not 1 <= company.guard_recent_partners <= 1000:
                raise ValidationError(
                    self.env._("Check between 1 and 1000 partners every five minutes.")
                )

    def _get_guard_responsible(self):
        """Who is told about findings of this company; may be empty."""
        self.ensure_one()
        admin = self.env.ref("base.user_admin", raise_if_not_found=False)
        user = self.guard_responsible_id or admin
        return user if user and user.active else self.env["res.users"]
