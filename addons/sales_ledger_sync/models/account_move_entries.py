from odoo import fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    subledger_entry_count = fields.Integer(
        string="Ledger Entries",
        compute="_compute_subledger_entry_count",
        groups="sales_ledger_sync.group_ledger_reader",
    )

    def _compute_subledger_entry_count(self):
        counts = dict(
            self.env["subledger.entry"]._read_group(
                [("move_id", "in", self.ids)], ["move_id"], ["__count"]
            )
        )
        for move in self:
            move.subledger_entry_count = counts.get(move, 0)

    def action_open_subledger_entries(self):
        """Open the ledger entries of the documents; the form if there is one only."""
        entries = self.env["subledger.entry"].search([("move_id", "in", self.ids)])
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "sales_ledger_sync.action_document_entries"
        )
        action["domain"] = [("move_id", "in", self.ids)]
        if len(entries) == 1:
            action.update(views=[(False, "form")], res_id=entries.id)
        return action
