from odoo import api, fields, models
from odoo.tools import SQL

from ..searching import search_amount


class SubledgerAccount(models.Model):
    _name = "subledger.account"
    _inherit = ["subledger.account", "subledger.reference.mixin"]

    balance_due = fields.Monetary(
        string="Amount Owed",
        compute="_compute_balance_due",
        search="_search_balance_due",
        aggregator="sum",
        help="What the customer owes us, or what we owe the supplier, at this moment.",
    )
    entry_ids = fields.One2many(
        "subledger.entry", compute="_compute_entry_ids", string="Newest Entries"
    )

    @api.depends("balance", "ledger")
    def _compute_balance_due(self):
        for account in self:
            sign = -1 if account.ledger == "supplier" else 1
            account.balance_due = sign * account.balance

    @api.depends("partner_id", "partner_name")
    def _compute_display_name(self):
        # OVERRIDE: today's name, the name then of a deleted or merged contact, and
        # a name for the bucket of items without partner.
        existing = self.partner_id.exists()
        for account in self:
            name = account.partner_name
            if account.partner_id in existing:
                name = account.partner_id.display_name
            account.display_name = name or self.env._("No partner")

    @api.depends("partner_id", "account_id", "company_id")
    def _compute_entry_ids(self):
        for account in self:
            account.entry_ids = self.env["subledger.entry"].search(
                account._get_entry_domain(), order="date desc, id desc", limit=40
            )

    def _field_to_sql(self, alias, field_expr, query=None):
        # EXTENDS 'base': sums, sorting and searching of the balance on screen.
        if field_expr != "balance_due":
            return super()._field_to_sql(alias, field_expr, query)
        return SQL(
            "(CASE WHEN %s = 'supplier' THEN -1 ELSE 1 END * %s)",
            SQL.identifier(alias, "ledger"),
            self._balance_sql(alias),
        )

    def _search_balance_due(self, operator, value):
        return search_amount(
            operator,
            value,
            lambda model, alias: model._field_to_sql(alias, "balance_due"),
        )

    @api.model
    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        # EXTENDS 'base': the name is computed; the snapshot is near enough to sort.
        if field_name == "display_name":
            field_name = "partner_name"
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    def _get_entry_domain(self):
        self.ensure_one()
        return [
            ("company_id", "=", self.company_id.id),
            ("partner_id", "=", self.partner_id.id),
            ("account_id", "=", self.account_id.id),
        ]

    def action_open_entries(self):
        """Open the entries of this subledger account."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "sales_ledger_sync.action_document_entries"
        )
        action["display_name"] = self.display_name
        action["domain"] = self._get_entry_domain()
        action["context"] = {"subledger_single_partner": True}
        return action
