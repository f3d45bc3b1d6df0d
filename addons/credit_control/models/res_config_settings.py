from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    credit_prevent_overpayment = fields.Boolean(
        related="company_id.credit_prevent_overpayment", readonly=False
    )
