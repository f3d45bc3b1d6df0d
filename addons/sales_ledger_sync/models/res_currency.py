from odoo import api, models
from odoo.exceptions import UserError


class ResCurrency(models.Model):
    _inherit = "res.currency"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_ledger(self):
        # As superuser: entries of any company.
        entries = self.env["subledger.entry"].sudo()
        if used := entries.search([("currency_id", "in", self.ids)], limit=1):
            raise UserError(
                self.env._(
                    "There are ledger entries in %(currency)s. Archive the currency "
                    "instead.",
                    currency=used.currency_id.name,
                )
            )
