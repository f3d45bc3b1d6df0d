"""What confirmed orders add to exposure, as SQL."""

from odoo import api, fields, models
from odoo.tools import SQL

from .credit_exposure_sources import OWN_ROW


class CreditExposure(models.AbstractModel):
    _inherit = "credit.exposure"

    @api.model
    def _order_query(self, root, partner_ids=None, order_ids=None, settlement=None):
        """What is still to be invoiced of confirmed orders, one row per order.

        :param order_ids: instead of the confirmed orders, exactly these in whatever
            state: what they would add once confirmed
        :param settlement: as if this :class:`Settlement` had billed its part of them
        """
        if order_ids is None:
            scope = self._open_order_condition(root, partner_ids)
        else:
            scope = self._in(SQL("sale.id"), order_ids)
        return SQL(
            """
            SELECT sale.partner_id, 'order' AS kind, sale.id AS document_id,
                   ROUND((sale.amount
                          - LEAST(down_payment.amount, GREATEST(sale.amount, 0))
                          - LEAST(prepaid.amount, GREATEST(sale.amount
                                                - down_payment.amount, 0)))
                         / sale.rate, %(digits)s) AS amount,
                   sale.own
              FROM (%(content)s) AS sale
        CROSS JOIN LATERAL (%(down_payment)s) AS down_payment
        CROSS JOIN LATERAL (%(prepaid)s) AS prepaid
            """,
            digits=root.currency_id.decimal_places,
            content=self._order_content_query(root, scope, settlement),
            down_payment=self._down_payment_query(settlement),
            prepaid=self._prepaid_query(),
        )

    @api.model
    def _order_total_query(self, root, partner_ids):
        """The same for orders that count with their total, because nothing of them is
        invoiced, delivered or paid; kind ``touched`` for all others.

        Most open orders are of the first kind. PostgreSQL needs more time to plan the
        calculation of the others than for all the rest, so readers of some customers
        ask for it only where it is needed. For the same reason the payer is looked up,
        not joined.
        """
        return SQL(
            """
            SELECT %(payer)s AS partner_id,
                   CASE WHEN %(touched)s THEN 'touched' ELSE 'order' END AS kind,
                   sale.id AS document_id,
                   ROUND(sale.amount_total::numeric / %(rate)s, %(digits)s) AS amount,
                   FALSE AS own
              FROM sale_order sale
             WHERE %(scope)s
            """,
            payer=self._payer_expression(partner_ids),
            touched=self._touched_condition(),
            rate=self._rate_expression(root),
            digits=root.currency_id.decimal_places,
            scope=self._open_order_condition(root, partner_ids),
        )

    @api.model
    def _payer_expression(self, partner_ids):
        """SQL: which of the commercial entities ``sale`` is counted for."""
        if len(partner_ids) == 1:
            return SQL("%s", partner_ids[0])
        return SQL(
            """(SELECT payer.commercial_partner_id FROM res_partner payer
                 WHERE payer.id = sale.partner_invoice_id)"""
        )

    @api.model
    def _touched_condition(self):
        """SQL condition: an open order that may count with less or more than its total.

        Each line of the others can still be invoiced as it was ordered, see
        :meth:`_open_quantity_query`.
        """
        # Not EXISTS: PostgreSQL plans each twice, with and without a hash table, and
        # planning takes most of the time of a decision.
        return SQL(
            """COALESCE(
                (SELECT TRUE FROM sale_order_line line
                  WHERE line.order_id = sale.id AND line.display_type IS NULL
                    AND (line.is_downpayment IS NOT TRUE
                         AND line.invoice_status != 'invoiced'
                         AND line.qty_invoiced = 0
                         AND line.product_uom_qty >= 0
                         AND line.qty_to_invoice <= line.product_uom_qty
                         AND (SELECT TRUE FROM stock_move move
                               WHERE move.sale_line_id = line.id
                                 AND move.state = 'done' LIMIT 1) IS NULL
                        ) IS NOT TRUE LIMIT 1),
                (SELECT TRUE FROM sale_order_transaction_rel rel
                  WHERE rel.sale_order_id = sale.id LIMIT 1))"""
        )

    @api.model
    def _open_order_condition(self, root, partner_ids):
        return SQL(
            """sale.state = 'sale' AND sale.invoice_status != 'invoiced'
               AND sale.company_id = ANY(%s) AND %s""",
            self._get_area(root).ids,
            self._contact_in(SQL("sale.partner_invoice_id"), partner_ids),
        )

    @api.model
    def _order_content_query(self, root, scope, settlement=None):
        """Amount of each order's lines still to be invoiced, in its currency.

        Nothing invoiced yet: exactly the order's total, which may differ from the sum
        of its lines by the rounding of taxes.
        """
        return SQL(
            """
            SELECT sale.id, payer.commercial_partner_id AS partner_id,
                   %(rate)s AS rate,
                   CASE WHEN bool_and(todo.quantity = line.product_uom_qty)
                             FILTER (WHERE line.is_downpayment IS NOT TRUE)
                        THEN sale.amount_total::numeric
                        ELSE COALESCE(SUM(%(unit_price)s::numeric * todo.quantity)
                             FILTER (WHERE line.is_downpayment IS NOT TRUE), 0)
                    END AS amount,
                   COALESCE(bool_or(line.is_downpayment), FALSE) AS has_down_payment,
                   (%(own_order)s OR COALESCE(bool_or(%(own_line)s), FALSE)) AS own
              FROM sale_order sale
              JOIN res_partner payer ON payer.id = sale.partner_invoice_id
         LEFT JOIN sale_order_line line
                ON line.order_id = sale.id AND line.display_type IS NULL
         LEFT JOIN LATERAL (%(quantity)s) AS todo ON TRUE
             WHERE %(scope)s
          GROUP BY sale.id, payer.commercial_partner_id
            """,
            unit_price=SQL(
                """COALESCE(line.price_total / NULLIF(line.product_uom_qty, 0),
                            line.price_unit
                            * (1 - COALESCE(line.discount, 0) / 100.0))"""
            ),
            own_order=SQL(OWN_ROW, SQL.identifier("sale")),
            own_line=SQL(OWN_ROW, SQL.identifier("line")),
            rate=self._rate_expression(root),
            quantity=self._open_quantity_query(settlement),
            scope=scope,
        )

    @api.model
    def _open_quantity_query(self, settlement=None):
        """Quantity of an order line that can still be invoiced.

        A line billed on delivery whose transfers are all done or cancelled is closed:
        only what was delivered counts. The negative lines mirror the positive ones.
        """
        settled = self._settled_quantity(settlement) if settlement else SQL("0")
        return SQL(
            """
            SELECT CASE
                   WHEN line.state != 'sale' THEN %(unbilled)s
                   WHEN line.invoice_status = 'invoiced' THEN 0
                   WHEN line.product_uom_qty < 0
                   THEN LEAST(%(unbilled)s, COALESCE(%(to_invoice)s, 0), 0)
                   WHEN %(to_invoice)s < %(unbilled)s
                    AND line.qty_delivered_method = 'stock_move'
                    AND (SELECT template.invoice_policy = 'delivery'
                           FROM product_product product
                           JOIN product_template template
                             ON template.id = product.product_tmpl_id
                          WHERE product.id = line.product_id)
                    AND (SELECT bool_and(move.state IN ('done', 'cancel'))
                            AND bool_or(move.state = 'done')
                           FROM stock_move move WHERE move.sale_line_id = line.id)
                   THEN GREATEST(%(to_invoice)s, 0)
                   ELSE GREATEST(%(unbilled)s, %(to_invoice)s, 0)
                    END::numeric AS quantity
            OFFSET 0 -- planned and computed once, though it is used twice
            """,
            unbilled=SQL(
                "(line.product_uom_qty - COALESCE(line.qty_invoiced, 0) - %s)", settled
            ),
            to_invoice=SQL("(line.qty_to_invoice - %s)", settled),
        )

    @api.model
    def _settled_quantity(self, settlement):
        """What is settled of an order line: never more than is open of it.

        What is sold beyond that was not decided on with the order.
        """
        return SQL(
            """
            (CASE WHEN line.product_uom_qty < 0
                  THEN GREATEST(LEAST(%(settled)s, 0), LEAST(%(unbilled)s, 0))
                  ELSE LEAST(%(settled)s,
                             GREATEST(%(unbilled)s, line.qty_to_invoice, 0)) END)
            """,
            settled=settlement.get_line_sql(),
            unbilled=SQL("(line.product_uom_qty - COALESCE(line.qty_invoiced, 0))"),
        )

    @api.model
    def _down_payment_query(self, settlement=None):
        """Down payments billed and not deducted yet, in the order's currency."""
        sources = self._down_payment_sources()
        if settlement:
            sources.append(settlement.get_down_payment_sql())
        return SQL(
            """
            SELECT GREATEST(COALESCE(SUM(billed.amount), 0), 0)::numeric AS amount
              FROM (%s) AS billed
            """,
            SQL(" UNION ALL ").join(sources),
        )

    @api.model
    def _down_payment_sources(self):
        """One query for each way a down payment on the order ``sale`` is billed."""
        return [
            SQL(
                """
                SELECT item.price_total
                       * CASE WHEN move.move_type = 'out_refund' THEN -1 ELSE 1 END
                       AS amount
                  FROM sale_order_line line
                  JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = line.id
                  JOIN account_move_line item ON item.id = rel.invoice_line_id
                  JOIN account_move move ON move.id = item.move_id
                 WHERE sale.has_down_payment
                   AND line.order_id = sale.id AND line.is_downpayment
                   AND line.display_type IS NULL AND line.qty_invoiced != 0
                   AND move.state != 'cancel'
                """
            )
        ]

    @api.model
    def _prepaid_query(self):
        """Online payments that are certain but not in the ledger yet."""
        return SQL(
            """
            SELECT COALESCE(SUM(transaction.amount), 0)::numeric AS amount
              FROM sale_order_transaction_rel rel
              JOIN payment_transaction transaction
                ON transaction.id = rel.transaction_id
         LEFT JOIN account_payment payment ON payment.id = transaction.payment_id
             WHERE rel.sale_order_id = sale.id
               AND transaction.state IN ('authorized', 'done')
               AND COALESCE(payment.state, 'draft') = 'draft'
            """
        )

    @api.model
    def _rate_expression(self, root):
        """SQL: units of the currency of ``sale`` per unit of the company's, today.

        A currency that is archived counts with the rate that the order was given.
        """
        currency_model = self.env["res.currency"]
        currencies = currency_model.browse(currency_model.get_all_currencies())
        known = SQL("NULL")
        if len(currencies) > 1:
            today = fields.Date.context_today(self)
            # sudo: rates of the root company also when working in one of its branches
            rates = currencies.sudo()._get_rates(root, today)
            base = rates.get(root.currency_id.id, 1.0)
            cases = (
                SQL("WHEN %s THEN %s::numeric", currency_id, rate / base)
                for currency_id, rate in rates.items()
            )
            known = SQL("CASE sale.currency_id %s END", SQL(" ").join(cases))
        return SQL("COALESCE(%s, sale.currency_rate::numeric, 1)", known)
