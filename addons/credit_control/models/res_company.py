from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    credit_prevent_overpayment = fields.Boolean(
        string="Prevent Overpayment",
        help="Refuse payments of more than the open amount of the invoices they are "
        "for. Advance payments without invoices stay possible.",
    )
    credit_release_days = fields.Integer(
        string="Release Valid For",
        default=30,
        help="Days after which a released document is examined again; 0: no expiry.",
    )
    credit_release_mode = fields.Selection(
        [("release", "Release the hold"), ("ready", "Mark it ready to release")],
        string="When Nothing Objects Any More",
        default="release",
        required=True,
        help="What happens to a hold when the customer has paid or got a higher limit.",
    )
    credit_confirm_on_release = fields.Boolean(
        string="Confirm Released Orders",
        help="Confirm a held quotation as soon as its hold is released.",
    )

    _credit_release_days_positive = models.Constraint(
        "CHECK (credit_release_days >= 0)",
        "The number of days a release is valid cannot be negative.",
    )

    def write(self, vals):
        # EXTENDS 'sales_ledger_sync'
        result = super().write(vals)
        if {"subledger_history", "subledger_start_date"} & vals.keys():
            # Whether the exposure has to look beyond the ledger is cached
            self.env.registry.clear_cache()
        return result
