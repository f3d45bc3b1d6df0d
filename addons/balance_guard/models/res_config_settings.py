from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    guard_tolerance = fields.Float(related="company_id.guard_tolerance", readonly=False)
    guard_recent_partners = fields.Integer(
        related="company_id.guard_recent_partners", readonly=False
    )
    guard_responsible_id = fields.Many2one(
        related="company_id.guard_responsible_id", readonly=False
    )
    guard_healing_paused = fields.Boolean(
        related="company_id.guard_healing_paused", readonly=False
    )
    guard_heal_ledger = fields.Boolean(
        related="company_id.guard_heal_ledger", readonly=False
    )
    guard_digest = fields.Boolean(related="company_id.guard_digest", readonly=False)
