from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    credit_prevent_overpayment = fields.Boolean(
        related="company_id.credit_prevent_overpayment", readonly=False
    )
    credit_release_days = fields.Integer(
        related="company_id.credit_release_days", readonly=False
    )
    credit_release_mode = fields.Selection(
        related="company_id.credit_release_mode", readonly=False
    )
    credit_confirm_on_release = fields.Boolean(
        related="company_id.credit_confirm_on_release", readonly=False
    )
