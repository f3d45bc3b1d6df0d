from odoo import models


class AccountAccount(models.Model):
    _inherit = "account.account"

    def write(self, vals):
        # EXTENDS 'account': items enter or leave the ledger with their account.
        res = super().write(vals)
        if {"account_type", "non_trade"} & vals.keys():
            self.env["subledger.sync"]._sync_accounts(self.ids)
        return res

    def _action_unmerge(self):
        # EXTENDS 'account': the split rewrites journal items with raw SQL.
        new_accounts = super()._action_unmerge()
        self.env["subledger.sync"]._sync_accounts((self + new_accounts).ids)
        return new_accounts
