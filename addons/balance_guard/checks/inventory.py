from odoo import SUPERUSER_ID, models
from odoo.tools import SQL

# Reservation is not kept for these places; see stock.location.
UNRESERVED = ("supplier", "customer", "inventory", "production")


class GuardCheckReservedQuantity(models.AbstractModel):
    _name = "guard.check.reserved_quantity"
    _description = "Check: reserved quantities"
    _inherit = "guard.check.unit"
    _check_code = "reserved_quantity"
    _check_family = "inventory"
    _check_sequence = 70
    _check_scope = "company"

    def _get_title(self):
        return self.env._("Reserved quantities equal move lines")

    def _get_explanation(self):
        return self.env._(
            "What stock on hand says is reserved, by product, place, lot, package and"
            " owner, is what the open transfers have reserved."
        )

    def _get_flush_fields(self):
        keys = ["product_id", "location_id", "lot_id", "package_id", "owner_id"]
        return {
            "stock.quant": [*keys, "reserved_quantity"],
            "stock.move.line": [*keys, "quantity_product_uom", "state"],
            "stock.location": ["usage", "company_id"],
            "product.template": ["is_storable"],
        }

    def _query(self, scope):
        # A place shared by all companies is reported in one of them.
        company = min(scope.company_ids, default=0)
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        return SQL(
            """
            WITH reserved AS (
                SELECT product_id, location_id, lot_id, package_id, owner_id,
                       reserved_quantity AS quant, 0 AS line, id AS quant_id
                  FROM stock_quant WHERE reserved_quantity <> 0
                UNION ALL
                SELECT line.product_id, line.location_id, line.lot_id,
                       line.package_id, line.owner_id,
                       0, line.quantity_product_uom, NULL
                  FROM stock_move_line line
                  JOIN product_product product ON product.id = line.product_id
                  JOIN product_template template
                    ON template.id = product.product_tmpl_id
                 WHERE template.is_storable AND line.quantity_product_uom <> 0
                   AND line.state IN
                       ('assigned', 'partially_available', 'waiting', 'confirmed')
            )
              SELECT COALESCE(location.company_id, %(company)s) AS company_id,
                     NULL::int AS partner_id, NULL::int AS account_id,
                     NULL::int AS entry_id,
                     CASE WHEN MAX(quant_id) IS NULL THEN 'product.product'
                          ELSE 'stock.quant' END AS res_model,
                     COALESCE(MAX(quant_id), product_id) AS res_id,
                     'reserved_quantity' AS field_name,
                     NULL AS value_expected, NULL AS value_found,
                     SUM(line)::numeric AS expected, SUM(quant)::numeric AS actual,
                     'reservation' AS cause_code, NULL::jsonb AS causes
                FROM reserved
                JOIN stock_location location ON location.id = reserved.location_id
               WHERE location.usage NOT IN %(unreserved)s AND %(companies)s
            GROUP BY product_id, reserved.location_id, lot_id, package_id, owner_id,
                     location.company_id
              HAVING ROUND(SUM(line)::numeric, %(digits)s)
                     <> ROUND(SUM(quant)::numeric, %(digits)s)
            """,
            company=company,
            companies=scope.companies(
                SQL("COALESCE(location.company_id, %s)", company)
            ),
            unreserved=UNRESERVED,
            digits=digits,
        )


class GuardCheckInventoryValue(models.AbstractModel):
    _name = "guard.check.inventory_value"
    _description = "Check: inventory value"
    _inherit = "guard.check.unit"
    _check_code = "inventory_value"
    _check_family = "inventory"
    _check_sequence = 71
    _check_scope = "company"

    def _get_title(self):
        return self.env._("Inventory value equals the inventory account")

    def _get_explanation(self):
        return self.env._(
            "The value of the stock equals its valuation account. Between two stock"
            " closings, moves that are not yet booked explain a difference."
        )

    def _fingerprint_scope(self, row):
        return ""

    def _find(self, scope):
        """The value of a product follows from its costing method, not from a query:
        it is asked of Odoo, company by company."""
        self.env.flush_all()
        rows = []
        # Sums per account, for whoever may run the checks; no document is read out.
        # As the system's user, because stock drops sudo on the way.
        companies = self.env["res.company"].with_user(SUPERUSER_ID)
        for company in companies.browse(scope.company_ids).exists():
            rows += self._find_in(company.with_company(company))
        return rows

    def _find_in(self, company):
        products = company._get_accounts_by_product()
        if not products:
            return []
        stock = company.stock_value(products)
        booked = company.stock_accounting_value(products)
        accounts = {account for account in (*stock, *booked) if account}
        unbalanced = self._get_unbalanced(company, accounts)
        rows, currency = [], company.currency_id
        for account in sorted(accounts, key=lambda account: account.id):
            expected = currency.round(stock[account])
            actual = currency.round(booked[account])
            if abs(round(expected - actual, 6)) > company.guard_tolerance:
                rows.append(
                    self._prepare_row(company, account, expected, actual, unbalanced)
                )
        return rows

    def _prepare_row(self, company, account, expected, actual, unbalanced):
        causes = self._get_causes(company, account, expected - actual, unbalanced)
        row = dict.fromkeys(("partner_id", "entry_id", "res_model", "res_id"))
        row.update(dict.fromkeys(("field_name", "value_expected", "value_found")))
        main = max(causes, key=lambda code: abs(causes[code]["amount"]), default=None)
        row.update(
            company_id=company.id,
            account_id=account.id,
            expected=expected,
            actual=actual,
            causes=causes,
            cause_code=main or "unexplained",
        )
        return self._complete(row)

    def _get_causes(self, company, account, difference, unbalanced):
        """Manual entries since the last closing, entries that do not balance, and
        what waits for the next closing."""
        closing = company._get_last_closing_date() or None
        currency, causes = company.currency_id, {}
        amount, count = self._get_manual_entries(company, account, closing)
        rest = currency.round(difference + amount)
        if count:
            causes["manual_entry"] = {"amount": -amount, "count": count}
        amount, count = self._take_unbalanced(currency, account, rest, unbalanced)
        if count:
            causes["unbalanced_move"] = {"amount": amount, "count": count}
            rest = currency.round(rest - amount)
        waiting = self._count_waiting(company, closing)
        if waiting and rest:
            causes["not_closed"] = {"amount": rest, "count": waiting}
        return causes

    def _get_manual_entries(self, company, account, closing):
        """Sum and number of items typed into the inventory account."""
        [row] = self.env.execute_query(
            SQL(
                """
                SELECT COALESCE(SUM(line.balance), 0), COUNT(*)
                  FROM account_move_line line
                  JOIN account_move move ON move.id = line.move_id
                 WHERE line.account_id = %(account)s
                   AND line.company_id = %(company)s
                   AND move.state = 'posted' AND move.move_type = 'entry'
                   AND NOT move.id = ANY(%(closings)s)
                   AND NOT EXISTS (SELECT FROM stock_move stock
                                    WHERE stock.account_move_id = move.id)
                   AND %(since)s
                """,
                account=account.id,
                company=company.id,
                closings=self._get_closing_ids(company),
                since=self._since(SQL("line.create_date"), closing),
            )
        )
        return row

    def _get_unbalanced(self, company, accounts):
        """Posted entries of the inventory accounts that do not balance.

        :return: for each, its ``accounts`` (ids) and the ``amount`` by which its
            debits exceed its credits
        """
        return self.env.execute_query_dict(
            SQL(
                """
                SELECT ARRAY_AGG(line.account_id) AS accounts,
                       SUM(line.balance) AS amount
                  FROM account_move_line line
                 WHERE line.parent_state = 'posted'
                   AND line.move_id IN (
                        SELECT item.move_id FROM account_move_line item
                         WHERE item.account_id = ANY(%s) AND item.company_id = %s)
              GROUP BY line.move_id HAVING SUM(line.balance) <> 0
              ORDER BY line.move_id
                """,
                [account.id for account in accounts],
                company.id,
            )
        )

    def _take_unbalanced(self, currency, account, rest, unbalanced):
        """What entries that do not balance explain of ``rest``, and no more.

        Which of its items makes an entry unbalanced cannot be seen: it explains the
        difference of an inventory account up to that difference, and what it has
        explained of one account is taken from ``unbalanced`` for the next one.

        :return: amount and number of entries
        """
        moves = [move for move in unbalanced if account.id in move["accounts"]]
        available = -currency.round(sum(move["amount"] for move in moves))
        if available * rest <= 0:
            return 0.0, 0
        sign = 1 if rest > 0 else -1
        amount = left = sign * min(abs(available), abs(rest))
        count = 0
        for move in moves:
            part = sign * min(max(-sign * move["amount"], 0.0), abs(left))
            move["amount"] = currency.round(move["amount"] + part)
            left = currency.round(left - part)
            count += bool(part)
        return amount, count

    def _get_closing_ids(self, company):
        key = f"{company.id}.stock_valuation_closing_ids"
        # Odoo keeps its closings there; a list of ids says nothing secret.
        moves = self.env["ir.config_parameter"].sudo().get_param(key) or ""
        return [int(move) for move in moves.split(",") if move]

    def _since(self, column, closing):
        return SQL("%s > %s", column, closing) if closing else SQL("TRUE")

    def _count_waiting(self, company, closing):
        """Stock moves, value changes and invoices since the last closing."""
        [(count,)] = self.env.execute_query(
            SQL(
                """
                SELECT (SELECT COUNT(*) FROM stock_move
                         WHERE company_id = %(company)s AND state = 'done'
                           AND %(moved)s)
                     + (SELECT COUNT(*) FROM product_value
                         WHERE company_id = %(company)s AND %(moved)s)
                     + (SELECT COUNT(*) FROM account_move
                         WHERE company_id = %(company)s AND state = 'posted'
                           AND move_type <> 'entry' AND %(made)s)
                """,
                company=company.id,
                moved=self._since(SQL("date"), closing),
                made=self._since(SQL("create_date"), closing),
            )
        )
        return count
