from odoo.tests import tagged

from .faults_common import FaultsCommon


@tagged("post_install", "-at_install")
class TestGeneralLedgerFaults(FaultsCommon):
    """Faults in the general ledger, behind the ledger's back."""

    HEALING = {
        "test_account_leaves_the_ledger": ("completeness control_account", ""),
        "test_cents_add_up_to_rounding": ("", "trial_balance"),
        "test_document_deleted_by_sql": ("completeness control_account", ""),
        "test_document_reset_by_sql": ("completeness control_account", "item_state"),
        "test_exchange_revaluation": (
            "completeness control_account",
            "posted_moves_balance residual_reconciliation trial_balance",
        ),
        "test_item_account_changed": ("completeness control_account", ""),
        "test_item_amount_changed": (
            "completeness control_account",
            "posted_moves_balance residual_reconciliation trial_balance",
        ),
        "test_item_in_another_company": ("", "trial_balance"),
        "test_item_partner_changed": ("completeness control_account", ""),
        "test_item_partner_removed": ("completeness control_account", ""),
        "test_residual_changed": ("", "residual_reconciliation"),
    }

    def test_healing_restores_what_it_may_and_refuses_the_rest(self):
        self.assertHealing()

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
