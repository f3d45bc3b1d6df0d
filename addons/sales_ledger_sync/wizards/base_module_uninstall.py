from odoo import api, fields, models


class BaseModuleUninstall(models.TransientModel):
    _inherit = "base.module.uninstall"

    ledger_entry_count = fields.Integer(
        string="Ledger Entries to Delete",
        compute="_compute_ledger_entry_count",
        help="Ledger entries of all companies that the uninstallation deletes.",
    )

    @api.depends("module_ids")
    def _compute_ledger_entry_count(self):
        for wizard in self:
            wizard.ledger_entry_count = wizard._count_ledger_entries()

    def _count_ledger_entries(self):
        if "sales_ledger_sync" not in self._get_modules().mapped("name"):
            return 0
        # The table goes with the entries of every company, not only with those
        # that the administrator may read.
        return self.env["subledger.entry"].sudo().search_count([])
