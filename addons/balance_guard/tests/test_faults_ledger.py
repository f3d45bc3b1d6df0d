from odoo.tests import tagged

from .faults_common import FaultsCommon


@tagged("post_install", "-at_install")
class TestLedgerFaults(FaultsCommon):
    """Faults in the ledger's own rows."""

    HEALING = {
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
        "test_forged_entry": ("completeness control_account", ""),
        "test_hash_changed": ("", "hash_chain"),
        "test_last_entry_deleted": ("completeness control_account", "cached_balance"),
        "test_running_balance_changed": ("", "hash_chain running_balance"),
        "test_stale_balance": ("cached_balance", ""),
        "test_stale_hash": ("cached_balance", ""),
        "test_stale_number": ("cached_balance", ""),
    }

    def test_healing_restores_what_it_may_and_refuses_the_rest(self):
        self.assertHealing()

    def test_nothing_is_found_where_nothing_is_wrong(self):
        run = self._run()
        self.assertFalse(run.check_ids.filtered("error"))
        self.assertFalse(self._findings(run).mapped("fingerprint"))
        self.assertEqual(run.result, "clean")

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
