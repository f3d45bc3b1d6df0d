from odoo import fields, models


class AccountPayment(models.Model):
    _inherit = "account.payment"

    subledger_entry_count = fields.Integer(
        related="move_id.subledger_entry_count",
        groups="sales_ledger_sync.group_ledger_reader",
    )

    def action_open_subledger_entries(self):
        """Open the ledger entries of the payments."""
        return self.move_id.action_open_subledger_entries()
