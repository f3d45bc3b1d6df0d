from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    subledger_apply_credit = fields.Boolean(
        related="company_id.subledger_apply_credit", readonly=False
    )
    subledger_start_date = fields.Date(
        related="company_id.subledger_start_date", readonly=False
    )
    subledger_manual_policy = fields.Selection(
        related="company_id.subledger_manual_policy", readonly=False, required=True
    )
