from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    credit_prevent_overpayment = fields.Boolean(
        string="Prevent Overpayment",
        help="Refuse payments of more than the open amount of the invoices they are "
        "for. Advance payments without invoices stay possible.",
    )
