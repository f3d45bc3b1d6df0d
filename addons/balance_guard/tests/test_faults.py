from odoo.tests import tagged

from .common import GuardCommon

# What healing makes of each fault below: the checks that are settled, those that
# refuse because a person has to decide. A check with both is named under the latter.
HEALING = {
    "test_account_leaves_the_ledger": ("completeness control_account", ""),
    "test_cents_add_up_to_rounding": ("", "trial_balance"),
    "test_document_deleted_by_sql": ("completeness control_account", ""),
    "test_document_reset_by_sql": ("completeness control_account", "item_state"),
    "test_duplicate_entry": ("", "completeness control_account"),
    "test_entry_amount_changed": (
        "cached_balance completeness control_account",
        "hash_chain running_balance",
    ),
    "test_entry_date_changed": ("completeness", "hash_chain"),
    "test_entry_deleted": (
        "cached_balance completeness control_account",
        "running_balance",
    ),
    "test_entry_foreign_amount_changed": ("completeness", "hash_chain"),
    "test_entry_partner_changed": (
        "completeness control_account",
        "cached_balance running_balance",
    ),
    "test_entry_reference_changed": ("", "hash_chain"),
    "test_exchange_revaluation": (
        "completeness control_account",
        "posted_moves_balance residual_reconciliation trial_balance",
    ),
    "test_forged_entry": ("completeness control_account", ""),
    "test_hash_changed": ("", "hash_chain"),
    "test_inventory_account_changed": (
        "",
        "inventory_value posted_moves_balance trial_balance",
    ),
    "test_inventory_value_changed": ("", "inventory_value"),
    "test_item_account_changed": ("completeness control_account", ""),
    "test_item_amount_changed": (
        "completeness control_account",
        "posted_moves_balance residual_reconciliation trial_balance",
    ),
    "test_item_in_another_company": ("", "trial_balance"),
    "test_item_partner_changed": ("completeness control_account", ""),
    "test_item_partner_removed": ("completeness control_account", ""),
    "test_last_entry_deleted": ("completeness control_account", "cached_balance"),
    "test_reserved_quantity": ("", "reserved_quantity"),
    "test_residual_changed": ("", "residual_reconciliation"),
    "test_running_balance_changed": ("", "hash_chain running_balance"),
    "test_stale_balance": ("cached_balance", ""),
    "test_stale_hash": ("cached_balance", ""),
    "test_stale_number": ("cached_balance", ""),
}


@tagged("post_install", "-at_install")
class TestFaults(GuardCommon):
    """Each fault, injected below every guard, is found and named with its amount."""

    def setUp(self):
        super().setUp()
        self.invoice = self._invoice(100)
        self.payment = self._payment(60)
        self.second = self._invoice(40)
        self._seal()
        self.entry = self._live(self.invoice)
        self.second_entry = self._live(self.second)

    def assertFault(self, check, cause, difference, *, partners=None, field=None):
        """One open finding of ``check`` with this cause and amount."""
        run = self._run(partners)
        self.assertFalse(run.check_ids.filtered("error"), run.check_ids.mapped("error"))
        found = self._findings(run, check)
        self.assertEqual(found.mapped("cause_code"), [cause])
        self.assertAlmostEqual(found.difference, difference)
        self.assertAlmostEqual(found.unexplained, 0.0)
        if field:
            self.assertEqual(found.field_name, field)
        self.assertExplained(run)
        return found

    def test_nothing_is_found_where_nothing_is_wrong(self):
        run = self._run()
        self.assertFalse(run.check_ids.filtered("error"))
        self.assertFalse(self._findings(run).mapped("fingerprint"))
        self.assertEqual(run.result, "clean")

    def test_healing_restores_what_it_may_and_refuses_the_rest(self):
        for name, outcome in HEALING.items():
            with self.subTest(name), self.env.cr.savepoint() as savepoint:
                getattr(self, name)()
                self.assertEqual(self._heal_all(), outcome)
                savepoint.rollback()
            # Records that a fault needed are gone, also from what Odoo remembers.
            self.env.registry.clear_all_caches()
            self.env.transaction.reset()

    def _heal_all(self):
        """Heal; return the checks that have nothing open any more, and the others."""
        run = self._run(heal=True)
        left = set(self._findings(run).mapped("check_code"))
        healed = self._findings(run, state=("healed",)).mapped("check_code")
        refused = self._findings(run).filtered("can_heal").heal_ids
        self.assertLessEqual(set(refused.mapped("state")), {"refused"})
        return " ".join(sorted(set(healed) - left)), " ".join(sorted(left))

    # The ledger's own rows

    def test_stale_balance(self):
        self._break(
            "UPDATE subledger_account SET sealed_balance = sealed_balance + 7"
            " WHERE partner_id = %s",
            self.partner.id,
        )
        self.assertFault("cached_balance", "stale_cache", -7.0, field="sealed_balance")

    def test_stale_number(self):
        self._break(
            "UPDATE subledger_account SET last_number = 1 WHERE partner_id = %s",
            self.partner.id,
        )
        self.assertFault("cached_balance", "stale_cache", 0.0, field="last_number")

    def test_stale_hash(self):
        self._break(
            "UPDATE subledger_account SET last_hash = 'x' WHERE partner_id = %s",
            self.partner.id,
        )
        self.assertFault("cached_balance", "stale_cache", 0.0, field="last_hash")

    def test_last_entry_deleted(self):
        self._break("DELETE FROM subledger_entry WHERE id = %s", self.second_entry.id)
        self.assertFault("cached_balance", "number_gap", 40.0, field="last_number")
        self.assertFault("completeness", "missing_entry", 40.0)
        self.assertFault("control_account", "missing_entry", 40.0)

    def test_entry_deleted(self):
        self._break("DELETE FROM subledger_entry WHERE id = %s", self.entry.id)
        self.assertFault("running_balance", "number_gap", 100.0, field="number")
        found = self.assertFault("completeness", "missing_entry", 100.0)
        self.assertEqual(found.res_id, self._item(self.invoice).id)

    def test_entry_amount_changed(self):
        self._break(
            "UPDATE subledger_entry SET debit = 70 WHERE id = %s", self.entry.id
        )
        for check in ("running_balance", "hash_chain", "completeness"):
            found = self.assertFault(check, "amount_tampered", 30.0, field="debit")
            self.assertEqual(found.entry_id.id, self.entry.id)
            self.assertEqual(float(found.value_expected), 100.0)
            self.assertEqual(float(found.value_found), 70.0)
        self.assertFault("control_account", "amount_tampered", 30.0)
        self.assertFault("cached_balance", "amount_tampered", 30.0)

    def test_running_balance_changed(self):
        self._break(
            "UPDATE subledger_entry SET balance_after = 1 WHERE id = %s",
            self.entry.id,
        )
        found = self.assertFault(
            "running_balance", "entry_tampered", 99.0, field="balance_after"
        )
        self.assertEqual(found.entry_id.id, self.entry.id)

    def test_hash_changed(self):
        self._break(
            "UPDATE subledger_entry SET hash = '1$0' WHERE id = %s", self.entry.id
        )
        found = self.assertFault("hash_chain", "hash_tampered", 0.0, field="hash")
        self.assertEqual(found.entry_id.id, self.entry.id)

    def test_entry_partner_changed(self):
        self._break(
            "UPDATE subledger_entry SET partner_id = %s, number = 99 WHERE id = %s",
            self.other_partner.id,
            self.entry.id,
        )
        found = self.assertFault(
            "completeness", "partner_changed", 100.0, partners=self.partner
        )
        self.assertEqual(found.value_expected, "Ada Ltd")

    def test_entry_date_changed(self):
        self._break(
            "UPDATE subledger_entry SET date = '2020-01-01' WHERE id = %s",
            self.entry.id,
        )
        for check in ("hash_chain", "completeness"):
            found = self.assertFault(check, "date_changed", 0.0, field="date")
            self.assertEqual(found.value_found, "2020-01-01")
            self.assertEqual(found.value_expected, "2026-03-01")

    def test_entry_reference_changed(self):
        self._break(
            "UPDATE subledger_entry SET reference = 'FAKE' WHERE id = %s",
            self.entry.id,
        )
        found = self.assertFault("hash_chain", "entry_tampered", 0.0, field="reference")
        self.assertEqual(found.value_found, "FAKE")
        self.assertEqual(found.value_expected, self.invoice.name)

    def test_entry_foreign_amount_changed(self):
        self._break(
            "UPDATE subledger_entry SET amount_currency = 1 WHERE id = %s",
            self.entry.id,
        )
        self.assertFault("hash_chain", "amount_tampered", 0.0, field="amount_currency")

    def test_duplicate_entry(self):
        self._copy_entry(version=9)
        found = self.assertFault("completeness", "duplicate_entry", -100.0)
        self.assertEqual(found.value_found, "2")
        self.assertFault("control_account", "duplicate_entry", -100.0)

    def _copy_entry(self, **changes):
        """Insert a forged copy of the first entry."""
        columns = [
            name
            for name, field in self.entry._fields.items()
            if field.store and name not in ("id", "number", "balance_after", "hash")
        ]
        values = [str(changes.get(name, f'"{name}"')) for name in columns]
        self._break(
            f"INSERT INTO subledger_entry ({', '.join(columns)})"
            f" SELECT {', '.join(values)} FROM subledger_entry WHERE id = %s",
            self.entry.id,
        )

    def test_forged_entry(self):
        self._copy_entry(move_line_id=2**31 - 1)
        self.assertFault("completeness", "item_deleted", -100.0)
        self.assertFault("control_account", "item_deleted", -100.0)

    # The general ledger behind the ledger's back

    def test_item_partner_changed(self):
        self._break(
            "UPDATE account_move_line SET partner_id = %s WHERE id = %s",
            self.other_partner.id,
            self._item(self.invoice).id,
        )
        self.assertFault("completeness", "partner_changed", 100.0)
        run = self._run()
        by_partner = {
            finding.partner_id: (finding.cause_code, finding.difference)
            for finding in self._findings(run, "control_account")
        }
        self.assertEqual(
            by_partner,
            {
                self.partner: ("partner_changed", -100.0),
                self.other_partner: ("partner_changed", 100.0),
            },
        )

    def test_item_partner_removed(self):
        self._break(
            "UPDATE account_move_line SET partner_id = NULL WHERE id = %s",
            self._item(self.invoice).id,
        )
        self.assertFault("completeness", "no_partner", 100.0)
        run = self._run()
        found = self._findings(run, "control_account")
        self.assertEqual(set(found.mapped("cause_code")), {"no_partner"})
        self.assertEqual(sorted(found.mapped("difference")), [-100.0, 100.0])

    def test_item_account_changed(self):
        account = self.receivable.copy({"code": "GUARD1", "name": "Second"})
        self._break(
            "UPDATE account_move_line SET account_id = %s WHERE id = %s",
            account.id,
            self._item(self.invoice).id,
        )
        self.assertFault("completeness", "account_changed", 100.0)
        found = self._findings(self._run(), "control_account")
        self.assertEqual(set(found.mapped("cause_code")), {"account_changed"})
        self.assertEqual(sorted(found.mapped("difference")), [-100.0, 100.0])

    def test_item_amount_changed(self):
        self._break(
            "UPDATE account_move_line SET balance = 130, debit = 130 WHERE id = %s",
            self._item(self.invoice).id,
        )
        self.assertFault("completeness", "amount_tampered", 30.0, field="debit")
        self.assertFault("posted_moves_balance", "unbalanced_move", -30.0)
        self.assertFault("trial_balance", "unbalanced_move", -30.0)
        self.assertFault("residual_reconciliation", "reconciliation", 30.0)

    def test_document_reset_by_sql(self):
        self._break(
            "UPDATE account_move SET state = 'draft' WHERE id = %s", self.invoice.id
        )
        self.assertFault("completeness", "draft_reset", -100.0, field="state")
        self.assertFault("control_account", "draft_reset", -100.0)
        self.assertFault("item_state", "draft_reset", -100.0, field="state")

    def test_document_deleted_by_sql(self):
        self._break("DELETE FROM account_move WHERE id = %s", self.second.id)
        self.assertFault("completeness", "item_deleted", -40.0)
        self.assertFault("control_account", "item_deleted", -40.0)

    def test_account_leaves_the_ledger(self):
        account = self.receivable.copy({"code": "GUARD2", "name": "Second"})
        partner = self.env["res.partner"].create({"name": "Cid Ltd"})
        partner.property_account_receivable_id = account
        self._invoice(55, partner_id=partner.id)
        self._break(
            "UPDATE account_account SET account_type = 'asset_current' WHERE id = %s",
            account.id,
        )
        self.assertFault("completeness", "outside_scope", -55.0)
        self.assertFault("control_account", "outside_scope", -55.0)

    def test_exchange_revaluation(self):
        currency = self.setup_other_currency("EUR")
        move = self._invoice(100, currency_id=currency.id)
        item = self._item(move)
        self._break(
            "UPDATE account_move_line SET balance = balance + 5, debit = debit + 5"
            " WHERE id = %s",
            item.id,
        )
        self.assertFault("completeness", "exchange_revaluation", 5.0)
        self.assertFault("control_account", "exchange_revaluation", 5.0)

    def test_residual_changed(self):
        self._break(
            "UPDATE account_move_line SET amount_residual = 12 WHERE id = %s",
            self._item(self.invoice).id,
        )
        found = self.assertFault(
            "residual_reconciliation", "reconciliation", 88.0, field="amount_residual"
        )
        self.assertEqual(found.res_id, self._item(self.invoice).id)

    def test_item_in_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self._break(
            "UPDATE account_move_line SET company_id = %s WHERE id = %s",
            other.id,
            self._item(self.invoice).id,
        )
        self.assertFault("trial_balance", "outside_scope", 100.0)

    def test_reserved_quantity(self):
        product = self.env["product.product"].create(
            {"name": "Chair", "is_storable": True}
        )
        warehouse = self.env["stock.warehouse"].search(
            [("company_id", "=", self.company.id)], limit=1
        )
        location = warehouse.lot_stock_id
        self.env["stock.quant"]._update_available_quantity(product, location, 10)
        self._break(
            "UPDATE stock_quant SET reserved_quantity = 4 WHERE product_id = %s",
            product.id,
        )
        found = self.assertFault("reserved_quantity", "reservation", -4.0)
        self.assertEqual(found.res_model, "stock.quant")

    def _close_stock(self):
        """Ten chairs of 10 in stock, and booked; their valuation account."""
        product = self.env["product.product"].create(
            {"name": "Chair", "is_storable": True, "standard_price": 10}
        )
        warehouse = self.env["stock.warehouse"].search(
            [("company_id", "=", self.company.id)], limit=1
        )
        self.env["stock.quant"]._update_available_quantity(
            product, warehouse.lot_stock_id, 10
        )
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
        table = self.env["product.product"].create(
            {
                "name": "Table",
                "is_storable": True,
                "standard_price": 10,
                "categ_id": category.id,
            }
        )
        location = (
            self.env["stock.warehouse"]
            .search([("company_id", "=", self.company.id)], limit=1)
            .lot_stock_id
        )
        self.env["stock.quant"]._update_available_quantity(table, location, 10)
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

    def test_cents_add_up_to_rounding(self):
        for move in (self.invoice, self.second):
            self._break(
                "UPDATE account_move_line SET balance = balance + 0.01,"
                " debit = debit + 0.01 WHERE id = %s",
                self._item(move).id,
            )
        run = self._run()
        found = self._findings(run, "control_account", state=("explained",))
        self.assertRecordValues(
            found,
            [{"cause_code": "rounding", "difference": 0.02, "unexplained": 0.0}],
        )

    # What the settings leave out

    def test_manual_entries_and_history_explain_the_difference(self):
        """General ledger 46 000, ledger 25 000: manual entries and history."""
        vendor = self.env["res.partner"].create({"name": "Supplier AS"})
        self._invoice(25000, "in_invoice", partner_id=vendor.id)
        self._entry_move(-9000, self.payable, vendor)
        history = self._invoice(12000, "in_invoice", partner_id=vendor.id)
        self._forget(history)
        run = self._run(vendor)
        self.assertFalse(self._findings(run))
        found = self._findings(run, "control_account", state=("explained",))
        self.assertRecordValues(
            found,
            [
                {
                    "expected": -46000.0,
                    "actual": -25000.0,
                    "difference": -21000.0,
                    "explained": -21000.0,
                    "unexplained": 0.0,
                }
            ],
        )
        amounts = {code: cause["amount"] for code, cause in found.causes.items()}
        self.assertEqual(
            amounts, {"manual_entry": -9000.0, "pre_sync_history": -12000.0}
        )
        return vendor

    def _forget(self, move):
        """Make ``move`` look as if it was posted before the ledger began."""
        start = self.company.subledger_start_date
        self._break("DELETE FROM subledger_entry WHERE move_id = %s", move.id)
        self._break(
            "UPDATE account_move SET date = %s, subledger_posted_at = %s WHERE id = %s",
            start.replace(year=start.year - 1),
            start.replace(year=start.year - 1),
            move.id,
        )

    def test_entry_without_partner_is_explained(self):
        self._entry_move(33, partner=self.env["res.partner"])
        run = self._run()
        found = self._findings(run, "control_account", state=("explained",))
        self.assertRecordValues(
            found,
            [{"cause_code": "no_partner", "difference": 33.0, "partner_id": False}],
        )
