from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    subledger_apply_credit = fields.Boolean(
        string="Apply Open Customer Credit",
        help="When a customer invoice is posted, settle it with the customer's open "
        "payments and credit notes, oldest first.",
    )
