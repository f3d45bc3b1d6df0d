from odoo import api, fields, models
from odoo.tools import SQL

from ..searching import order_by_partner_amount, search_partner_amount

READERS = "sales_ledger_sync.group_ledger_reader"
# Screens show what we owe as a positive amount; stored is debit minus credit.
LEDGER_OF_FIELD = {
    "subledger_customer_balance": ("customer", SQL("")),
    "subledger_supplier_balance": ("supplier", SQL("-")),
}


class ResPartner(models.Model):
    _inherit = "res.partner"

    subledger_customer_balance = fields.Monetary(
        string="Customer Balance",
        compute="_compute_subledger_customer_balance",
        search="_search_subledger_customer_balance",
        # Salespeople see what their customers owe, not the entries behind it.
        groups=f"{READERS},sales_team.group_sale_salesman",
        help="What the customer owes us: balance of the customer ledger of the "
        "commercial entity, in the companies selected.",
    )
    subledger_supplier_balance = fields.Monetary(
        string="Supplier Balance",
        compute="_compute_subledger_supplier_balance",
        search="_search_subledger_supplier_balance",
        groups=READERS,
        help="What we owe the supplier: balance of the supplier ledger of the "
        "commercial entity, in the companies selected.",
    )

    @api.depends_context("company", "allowed_company_ids")
    def _compute_subledger_customer_balance(self):
        balances = self._get_subledger_balances("customer")
        for partner in self:
            partner.subledger_customer_balance = balances.get(
                partner.commercial_partner_id.id, 0.0
            )

    @api.depends_context("company", "allowed_company_ids")
    def _compute_subledger_supplier_balance(self):
        balances = self._get_subledger_balances("supplier")
        for partner in self:
            partner.subledger_supplier_balance = -balances.get(
                partner.commercial_partner_id.id, 0.0
            )

    def _get_subledger_balances(self, ledger):
        """Balances of the commercial entities of ``self``.

        :return: ``{commercial partner id: debit minus credit}``, currency of the
            current company
        """
        # A balance is one figure; whoever may read the field may know it without
        # the right to read the entries it is made of.
        return (
            self.env["subledger.account"]
            .sudo()
            ._get_balances(
                self._get_subledger_companies(),
                self.commercial_partner_id,
                ledger=ledger,
            )
        )

    @api.model
    def _get_subledger_companies(self):
        """The selected companies of the current legal entity: they share its
        currency, so that their balances can be added."""
        return self.env.companies.filtered(
            lambda company: company.root_id == self.env.company.root_id
        )

    # ------------------------------------------------------------------
    # Search and order
    # ------------------------------------------------------------------

    def _search_subledger_customer_balance(self, operator, value):
        return self._search_amount("subledger_customer_balance", operator, value)

    def _search_subledger_supplier_balance(self, operator, value):
        return self._search_amount("subledger_supplier_balance", operator, value)

    @api.model
    def _search_amount(self, field_name, operator, value):
        # A search must not tell what reading would refuse.
        self._check_field_access(self._fields[field_name], "read")
        amounts = self._get_amount_query(field_name)
        return search_partner_amount(operator, value, amounts)

    @api.model
    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        # EXTENDS 'base': the amounts are sorted by though they are not stored.
        amounts = self._get_amount_query(field_name)
        if not amounts:
            return super()._order_field_to_sql(
                alias, field_name, direction, nulls, query
            )
        self._check_field_access(self._fields[field_name], "read")
        amount = order_by_partner_amount(self, alias, query, field_name, amounts)
        return SQL("%s %s %s", amount, direction, nulls)

    @api.model
    def _get_amount_query(self, field_name):
        """An amount of commercial entities that is searched and sorted by, not stored.

        :return: SQL query with the columns partner_id and amount, as the field shows
            it; None for other fields
        """
        if field_name not in LEDGER_OF_FIELD:
            return None
        ledger, sign = LEDGER_OF_FIELD[field_name]
        return SQL(
            "SELECT partner_id, %s SUM(balance) AS amount FROM %s AS heads"
            " WHERE partner_id IS NOT NULL GROUP BY partner_id",
            sign,
            self.env["subledger.account"]._balance_table(
                self._get_subledger_companies(), ledger=ledger
            ),
        )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open_customer_ledger(self):
        """Open the customer ledger of the commercial entity."""
        return self._open_subledger("customer")

    def action_open_supplier_ledger(self):
        """Open the supplier ledger of the commercial entity."""
        return self._open_subledger("supplier")

    def _open_subledger(self, ledger):
        self.ensure_one()
        partner = self.commercial_partner_id
        action = self.env["ir.actions.act_window"]._for_xml_id(
            f"sales_ledger_sync.action_{ledger}_ledger"
        )
        action["display_name"] = f"{action['name']}: {partner.display_name}"
        action["domain"] = [("ledger", "=", ledger), ("partner_id", "=", partner.id)]
        # One partner, so neither a group nor a column for it.
        action["context"] = {"subledger_single_partner": True}
        return action
