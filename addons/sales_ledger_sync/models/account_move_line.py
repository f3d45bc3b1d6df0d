from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

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

    subledger_manual = fields.Selection(
        [("left_out", "Left out"), ("recorded", "Recorded as adjustment")],
        string="Manual Item",
        compute="_compute_subledger_manual",
        search="_search_subledger_manual",
        groups="sales_ledger_sync.group_ledger_reader",
        help="Posted receivable or payable item without a source document, and whether "
        "the ledger has an entry for it.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'account'
        lines = super().create(vals_list)
        lines._filter_posted()._filter_receivable_payable()._sync_subledger()
        return lines

    def write(self, vals):
        # EXTENDS 'account'
        if not TRACKED_FIELDS & vals.keys():
            return super().write(vals)
        posted = self._filter_posted()
        res = super().write(vals)
        if "move_id" in vals:
            posted |= self._filter_posted()
        posted._sync_subledger()
        return res

    def unlink(self):
        # EXTENDS 'account'
        # Told before they are gone: who deletes an item of a bank statement's suspense
        # account has not touched the ledger, nor the history that openings sum up.
        posted = self._filter_posted()._filter_receivable_payable()
        res = super().unlink()
        posted._sync_subledger()
        return res

    def _filter_posted(self):
        return self.filtered(lambda line: line.move_id.state == "posted")

    def _filter_receivable_payable(self):
        return self.filtered(
            lambda line: line.account_id.account_type
            in ("asset_receivable", "liability_payable")
        )

    def _sync_subledger(self):
        if self:
            self.env["subledger.sync"]._sync_lines(self.ids)

    def _compute_subledger_manual(self):
        sync = self.env["subledger.sync"]
        sync._flush_what_is_read()
        query = sync._manual_items_query(sync._candidates_of_lines(self.ids))
        states = {row[0]: row[3] for row in self.env.execute_query(query)}
        for line in self:
            line.subledger_manual = states.get(line._origin.id, False)

    def _search_subledger_manual(self, operator, value):
        if operator != "in":
            return NotImplemented
        sync = self.env["subledger.sync"]
        sync._flush_what_is_read()
        # Rights do not matter to what is manual; they do to which items are found.
        companies = (
            self.env["res.company"].sudo().search([("active", "in", (True, False))])
        )
        query = sync._manual_items_query(
            sync._candidates_of_manual_items(companies.ids)
        )

        def among(states):
            return Domain.custom(
                to_sql=lambda model, alias, _query: SQL(
                    "%s IN (SELECT id FROM (%s) AS manual WHERE state = ANY(%s))",
                    SQL.identifier(alias, "id"),
                    query,
                    states,
                )
            )

        wanted = [state for state in value if state]
        domain = among(wanted) if wanted else Domain.FALSE
        return (
            domain if False not in value else domain | ~among(["left_out", "recorded"])
        )
