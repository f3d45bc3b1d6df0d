from odoo.tests import tagged

from .faults_common import FaultsCommon


@tagged("post_install", "-at_install")
class TestStockFaults(FaultsCommon):
    """Faults in the stock and in the accounts that hold its value."""

    HEALING = {
        "test_inventory_account_changed": (
            "",
            "inventory_value posted_moves_balance trial_balance",
        ),
        "test_inventory_value_changed": ("", "inventory_value"),
        "test_reserved_quantity": ("", "reserved_quantity"),
    }

    def test_healing_restores_what_it_may_and_refuses_the_rest(self):
        self.assertHealing()

    def _put_in_stock(self, **values):
        """A product of which there are ten."""
        product = self.env["product.product"].create(
            {"name": "Chair", "is_storable": True, **values}
        )
        warehouse = self.env["stock.warehouse"].search(
            [("company_id", "=", self.company.id)], limit=1
        )
        self.env["stock.quant"]._update_available_quantity(
            product, warehouse.lot_stock_id, 10
        )
        return product

    def test_reserved_quantity(self):
        product = self._put_in_stock()
        self._break(
            "UPDATE stock_quant SET reserved_quantity = 4 WHERE product_id = %s",
            product.id,
        )
        found = self.assertFault("reserved_quantity", "reservation", -4.0)
        self.assertEqual(found.res_model, "stock.quant")

    def _close_stock(self):
        """Ten chairs of 10 in stock, and booked; their valuation account."""
        product = self._put_in_stock(standard_price=10)
        self.company.action_close_stock_valuation(auto_post=True)
        return product._get_product_accounts()["stock_valuation"]

    def test_inventory_account_changed(self):
        account = self._close_stock()
        self.assertFalse(self._findings(self._run()))
        self._break(
            "UPDATE account_move_line SET balance = balance + 30, debit = debit + 30"
            " WHERE account_id = %s",
            account.id,
        )
        found = self.assertFault("inventory_value", "unbalanced_move", -30.0)
        self.assertRecordValues(
            found, [{"account_id": account.id, "expected": 100.0, "actual": 130.0}]
        )

    def test_inventory_entry_explains_no_more_than_the_difference(self):
        """Its other item was changed as well: that is not the stock's difference."""
        account = self._close_stock()
        for amount, where in ((30, "="), (50, "<>")):
            self._break(
                "UPDATE account_move_line SET balance = balance + %s WHERE move_id IN ("
                "SELECT move_id FROM account_move_line WHERE account_id = %s)"
                f" AND account_id {where} %s",
                amount,
                account.id,
                account.id,
            )
        found = self.assertFault("inventory_value", "unbalanced_move", -30.0)
        self.assertEqual(
            found.causes, {"unbalanced_move": {"amount": -30.0, "count": 1}}
        )

    def test_entry_of_another_account_explains_nothing_of_the_stock(self):
        account = self._close_stock()
        self._break(
            "UPDATE account_move_line SET balance = balance + 30 WHERE move_id IN ("
            "SELECT move_id FROM account_move_line WHERE account_id = %s)"
            " AND account_id <> %s",
            account.id,
            account.id,
        )
        run = self._run()
        self.assertTrue(self._findings(run, "posted_moves_balance"))
        self.assertFalse(self._findings(run, "inventory_value"))

    def test_one_entry_explains_one_of_two_inventory_accounts(self):
        account = self.env["account.account"].search(
            [("account_type", "=", "asset_current")], limit=1
        )
        category = self.env["product.category"].create(
            {"name": "Tables", "property_stock_valuation_account_id": account.id}
        )
        table = self._put_in_stock(standard_price=10, categ_id=category.id)
        other = self._close_stock()
        self.assertNotEqual(account, other)
        self._break(
            "UPDATE account_move_line SET balance = balance + 30 WHERE account_id = %s",
            account.id,
        )
        # The other account's difference has another reason, which nobody booked.
        self._break(
            "UPDATE account_move SET date = date + 1 WHERE id IN ("
            "SELECT move_id FROM account_move_line WHERE account_id = %s)",
            other.id,
        )
        self._break(
            "UPDATE stock_quant SET quantity = 7 WHERE company_id = %s"
            " AND quantity = 10 AND product_id <> %s",
            self.company.id,
            table.id,
        )
        found = self._findings(self._run(), "inventory_value")
        self.assertEqual(found.account_id, account + other)
        self.assertEqual(found.mapped("difference"), [-30.0, -30.0])
        self.assertEqual(sorted(found.mapped("explained")), [-30.0, 0.0])
        self.assertEqual(sorted(found.mapped("unexplained")), [-30.0, 0.0])

    def test_inventory_value_changed(self):
        """The stock is worth more than was booked, and no stock move says why."""
        account = self._close_stock()
        # Closed later than all documents here: nothing waits for the next closing.
        self._break(
            "UPDATE account_move SET date = date + 1 WHERE id IN ("
            "SELECT move_id FROM account_move_line WHERE account_id = %s)",
            account.id,
        )
        self._break(
            "UPDATE stock_quant SET quantity = 12 WHERE company_id = %s"
            " AND quantity = 10",
            self.company.id,
        )
        run = self._run()
        found = self._findings(run, "inventory_value")
        self.assertRecordValues(
            found,
            [
                {
                    "account_id": account.id,
                    "expected": 120.0,
                    "actual": 100.0,
                    "unexplained": 20.0,
                    "cause_code": "unexplained",
                }
            ],
        )
