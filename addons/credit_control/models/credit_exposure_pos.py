"""Sales on customer account at the point of sale, where that addon is installed.

No dependency on it: its tables are read only when its models are there. A sale on
account is owed from the moment it is paid; when its session is closed, the amount
moves from here into the ledger.
"""

from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from .credit_exposure_sources import OWN_ROW


class CreditExposure(models.AbstractModel):
    _inherit = "credit.exposure"

    @api.model
    def _has_point_of_sale(self):
        return "pos.payment" in self.env

    @api.model
    def _flush_sources(self):
        if self._has_point_of_sale():
            names = ["amount", "company_id", "payment_method_id", "session_id"]
            self.env["pos.payment"].flush_model(names)
            self.env["pos.order"].flush_model(["account_move", "partner_id", "state"])
            self.env["pos.session"].flush_model(["state"])
        if self._has_orders_at_till():
            names = ["order_id", "price_subtotal_incl", "sale_order_line_id"]
            self.env["pos.order.line"].flush_model(names)
        return super()._flush_sources()

    @api.model
    def _has_orders_at_till(self):
        """Whether sales orders can be settled at the point of sale (``pos_sale``)."""
        return (
            self._has_point_of_sale()
            and "sale_order_line_id" in self.env["pos.order.line"]._fields
        )

    @api.model
    def _down_payment_sources(self):
        """Down payments on orders taken at the point of sale, however they were paid.

        No invoice line is linked to them. When the order is settled there, the final
        sale has the same line with a negative amount.
        """
        sources = super()._down_payment_sources()
        if self._has_orders_at_till():
            sources.append(
                SQL(
                    """
                    SELECT sold.price_subtotal_incl::numeric
                      FROM sale_order_line line
                      JOIN pos_order_line sold ON sold.sale_order_line_id = line.id
                      JOIN pos_order till ON till.id = sold.order_id
                     WHERE sale.has_down_payment
                       AND line.order_id = sale.id AND line.is_downpayment
                       AND line.display_type IS NULL AND line.qty_invoiced != 0
                       AND till.state IN ('paid', 'done')
                    """
                )
            )
        return sources

    @api.model
    def _document_queries(self, root, partner_ids=None, orders=None):
        queries = super()._document_queries(root, partner_ids, orders)
        if self._has_point_of_sale():
            queries.append(self._account_sale_query(root, partner_ids))
        return queries

    @api.model
    def _account_sale_query(self, root, partner_ids=None):
        """Sales on account that no entry shows yet, as documents of the exposure."""
        return SQL(
            """
            SELECT partner_id, 'pos', payment_id, ROUND(amount, %(digits)s), is_own
              FROM (%(sales)s) AS sale
             WHERE company_id = ANY(%(companies)s) AND %(filter)s
            """,
            digits=root.currency_id.decimal_places,
            sales=self._unbooked_account_sales(),
            companies=self._get_area(root).ids,
            filter=self._in(SQL("partner_id"), partner_ids),
        )

    @api.model
    def _unbooked_account_sales(self):
        """Sales on account of sessions that are not closed, in the company's currency.

        An invoiced sale is in the ledger already. A payment method that does not
        identify the customer is booked without one, so nobody owes it.
        """
        return SQL(
            """
            SELECT payment.company_id, owner.commercial_partner_id AS partner_id,
                   payment.amount::numeric
                   / COALESCE(NULLIF(sale.currency_rate, 0), 1)::numeric AS amount,
                   payment.id AS payment_id, (%s OR %s) AS is_own
              FROM pos_payment payment
              JOIN pos_session session ON session.id = payment.session_id
              JOIN pos_order sale ON sale.id = payment.pos_order_id
              JOIN pos_payment_method method ON method.id = payment.payment_method_id
              JOIN res_partner owner ON owner.id = sale.partner_id
             WHERE session.state != 'closed' AND sale.account_move IS NULL
               AND sale.state IN ('paid', 'done')
               AND method.journal_id IS NULL AND method.split_transactions
            """,
            SQL(OWN_ROW, SQL.identifier("payment")),
            SQL(OWN_ROW, SQL.identifier("session")),
        )

    @api.model
    def _filter_own_changes(self, keys):
        """Sales that this transaction has put into the ledger by closing a session."""
        found = super()._filter_own_changes(keys)
        if ids := [document_id for kind, document_id in keys if kind == "pos"]:
            query = SQL(
                """SELECT payment.id FROM pos_payment payment
                     JOIN pos_session session ON session.id = payment.session_id
                     JOIN pos_order sale ON sale.id = payment.pos_order_id
                    WHERE payment.id = ANY(%s) AND (%s OR %s)""",
                ids,
                SQL(OWN_ROW, SQL.identifier("session")),
                SQL(OWN_ROW, SQL.identifier("sale")),
            )
            found |= {("pos", id_) for (id_,) in self.env.execute_query(query)}
        return found

    @api.model
    def _get_owed_account_sales(self, company_ids, partner_ids=None):
        """What is still owed of sales on account at the point of sale.

        :return: ``{company id: {commercial partner id: amount}}``, company currency
        """
        if not self._has_point_of_sale():
            return {}
        self._flush_sources()
        self.env["account.move.line"].flush_model(["amount_residual", "partner_id"])
        query = SQL(
            """
            SELECT company_id, partner_id, SUM(amount)::float
              FROM (SELECT company_id, partner_id, amount FROM (%s) AS unbooked
                     UNION ALL %s) AS sale
             WHERE company_id = ANY(%s) AND %s
          GROUP BY company_id, partner_id HAVING SUM(amount) > 0
            """,
            self._unbooked_account_sales(),
            self._booked_account_sales(),
            list(company_ids),
            self._in(SQL("partner_id"), partner_ids),
        )
        owed = defaultdict(dict)
        for company_id, partner_id, amount in self.env.execute_query(query):
            owed[company_id][partner_id] = amount
        return owed

    @api.model
    def _booked_account_sales(self):
        """What is open of the entries of closed sessions and of invoiced sales."""
        return SQL(
            """
            SELECT line.company_id, owner.commercial_partner_id AS partner_id,
                   line.amount_residual AS amount
              FROM account_move_line line
              JOIN account_account account ON account.id = line.account_id
              JOIN res_partner owner ON owner.id = line.partner_id
             WHERE account.account_type = 'asset_receivable'
               AND line.amount_residual > 0 AND line.parent_state = 'posted'
               AND line.move_id IN (
                   SELECT move_id FROM pos_session WHERE move_id IS NOT NULL
                    UNION
                   SELECT sale.account_move
                     FROM pos_order sale
                     JOIN pos_payment payment ON payment.pos_order_id = sale.id
                     JOIN pos_payment_method method
                       ON method.id = payment.payment_method_id
                    WHERE method.journal_id IS NULL
                      AND sale.account_move IS NOT NULL)
            """
        )
