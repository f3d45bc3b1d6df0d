from odoo import api, models

# What an entry says about its journal item.
TRACKED_FIELDS = {
    "account_id",
    "amount_currency",
    "balance",
    "company_id",
    "credit",
    "currency_id",
    "date",
    "date_maturity",
    "debit",
    "move_id",
    "partner_id",
}


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'account'
        lines = super().create(vals_list)
        lines._filter_posted()._sync_subledger()
        return lines

    def write(self, vals):
        # EXTENDS 'account'
        if not TRACKED_FIELDS & vals.keys():
            return super().write(vals)
        posted = self._filter_posted()
        res = super().write(vals)
        posted._sync_subledger()
        return res

    def unlink(self):
        # EXTENDS 'account'
        posted = self._filter_posted()
        res = super().unlink()
        posted._sync_subledger()
        return res

    def _filter_posted(self):
        return self.filtered(lambda line: line.move_id.state == "posted")

    def _sync_subledger(self):
        if self:
            self.env["subledger.sync"]._sync_lines(self.ids)
