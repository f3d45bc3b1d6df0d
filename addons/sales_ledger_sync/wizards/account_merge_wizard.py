from odoo import api, models


class AccountMergeWizard(models.TransientModel):
    _inherit = "account.merge.wizard"

    @api.model
    def _action_merge(self, accounts):
        # EXTENDS 'account': the merge rewrites journal items with raw SQL.
        account_ids = accounts.ids
        res = super()._action_merge(accounts)
        self.env["subledger.sync"]._sync_accounts(account_ids)
        return res
