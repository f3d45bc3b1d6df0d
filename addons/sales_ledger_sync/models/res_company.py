from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    subledger_apply_credit = fields.Boolean(
        string="Apply Open Customer Credit",
        help="When a customer invoice is posted, settle it with the customer's open "
        "payments and credit notes, oldest first.",
    )
    subledger_start_date = fields.Date(
        string="Ledger Start Date",
        default=lambda self: fields.Date.today(),
        help="Documents dated or posted from this day on have ledger entries. "
        "Empty: all documents.",
    )
    subledger_manual_policy = fields.Selection(
        [("skip", "Leave out"), ("record", "Record as adjustment")],
        string="Manual Journal Items",
        required=True,
        default="skip",
        help="Receivable and payable journal items without a source document: left "
        "out of the ledger (and named as a cause when it differs from the control "
        "account), or recorded as adjustments.",
    )
    subledger_history = fields.Selection(
        [
            ("none", "Leave out"),
            ("full", "Full history"),
            ("opening", "One opening entry per account"),
        ],
        string="Ledger History",
        required=True,
        default="none",
        help="What the ledger holds of the time before its start date.",
    )

    def write(self, vals):
        res = super().write(vals)
        if vals.get("subledger_manual_policy") == "record":
            self._sync_manual_items()
        return res

    def _sync_manual_items(self):
        """Record the manual items since the start date."""
        sync = self.env["subledger.sync"]
        sync._sync(sync._candidates_of_manual_items(self.ids))
