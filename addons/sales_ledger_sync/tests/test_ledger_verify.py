from contextlib import contextmanager
from datetime import date

from odoo.tests import tagged
from odoo.tools import SQL

from .common import SubledgerCommon


@tagged("post_install", "-at_install")
class TestLedgerVerify(SubledgerCommon):
    """Each fault is found, under its name; what is known is explained."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"subledger_start_date": "2026-01-01"})
        cls.invoice = cls._invoice(100)
        cls.second = cls._invoice(50)
        cls._seal_here()

    @classmethod
    def _seal_here(cls):
        """Seal inside the transaction of the test."""
        heads = cls.env["subledger.account"]
        heads._create_heads(cls.env, None)
        heads._seal_batch(cls.env, None, 1000)

    @classmethod
    @contextmanager
    def _tampering(cls):
        """Work on the tables below every guard, as somebody with psql may."""
        cls.env.flush_all()
        cls.env.cr.execute("ALTER TABLE subledger_entry DISABLE TRIGGER USER")
        yield
        cls.env["subledger.entry"]._create_guard_triggers()
        cls.env.invalidate_all()

    def _tamper(self, query, *args):
        with self._tampering():
            self.env.cr.execute(SQL(query, *args))

    def _verify(self, **values):
        return self.env["subledger.verify"]._verify(self.company, **values)

    def _problems(self, **values):
        return {
            (check["code"], finding["problem"])
            for check in self._verify(**values)["checks"]
            for finding in check["findings"]
        }

    def _entry(self, move=None):
        return self.env["subledger.entry"].search(
            [("move_id", "=", (move or self.invoice).id)]
        )

    def test_clean(self):
        self._payment_of_invoice()
        self._seal_here()
        report = self._verify()
        self.assertTrue(report["clean"], report)
        self.assertEqual(report["counts"]["items"], 3)
        self.assertEqual(report["counts"]["entries"], 3)
        self.assertFalse(report["explained"])

    def _payment_of_invoice(self):
        self.invoice.record_payment(100)

    def test_corrected_documents_are_clean(self):
        self.invoice.button_draft()
        self.invoice.invoice_line_ids.price_unit = 70
        self.invoice.action_post()
        self.second.button_draft()
        self.second.button_cancel()
        self.assertTrue(self._verify()["clean"])

    def test_tampered_amount(self):
        entry = self._entry()
        self._tamper("UPDATE subledger_entry SET debit = 90 WHERE id = %s", entry.id)
        self.assertEqual(
            self._problems(),
            {
                ("entries", "changed"),
                ("chain", "running_balance"),
                ("chain", "hash"),
                ("heads", "sealed_balance"),
                ("general_ledger", "unexplained"),
            },
        )
        [finding] = self._verify()["checks"][0]["findings"]
        self.assertEqual(finding["entry_id"], entry.id)
        self.assertEqual((finding["expected"], finding["actual"]), ("100", "90"))

    def test_the_tests_see_any_wrong_fact(self):
        """What all walks compare with finds each fact of an entry that is wrong."""
        self.assertLedgerMatches()
        for fact, wrong in (
            ("account_id", self.payable.id),
            ("amount_currency", 1),
            ("currency_id", self.env.ref("base.CHF").id),
            ("date", "2026-03-02"),
            ("date_maturity", "2026-03-02"),
            ("debit", 90),
            ("ledger", "supplier"),
            ("partner_id", self.other_partner.id),
        ):
            with self.subTest(fact), self.cr.savepoint() as savepoint:
                self._tamper(
                    "UPDATE subledger_entry SET %s = %s WHERE id = %s",
                    SQL.identifier(fact),
                    wrong,
                    self._entry().id,
                )
                with self.assertRaises(AssertionError):
                    self.assertLedgerMatches()
                savepoint.rollback()

    def test_tampered_text(self):
        self._tamper(
            "UPDATE subledger_entry SET description = 'x' WHERE id = %s",
            self._entry().id,
        )
        self.assertEqual(self._problems(), {("chain", "hash")})

    def test_deleted_entry(self):
        self._tamper("DELETE FROM subledger_entry WHERE id = %s", self._entry().id)
        self.assertEqual(
            self._problems(),
            {
                ("entries", "missing"),
                ("chain", "number"),
                ("chain", "running_balance"),
                ("chain", "hash"),
                ("heads", "last_number"),
                ("heads", "sealed_balance"),
                ("general_ledger", "unexplained"),
            },
        )

    def test_deleted_journal_item(self):
        line = self.invoice.line_ids.filtered(
            lambda item: item.account_id == self.receivable
        )
        self._tamper("DELETE FROM account_move_line WHERE id = %s", line.id)
        problems = self._problems()
        self.assertIn(("entries", "superfluous"), problems)
        self.assertIn(("general_ledger", "unexplained"), problems)

    def test_changed_journal_item(self):
        line = self.invoice.line_ids.filtered(
            lambda item: item.account_id == self.receivable
        )
        self._tamper(
            "UPDATE account_move_line SET partner_id = %s WHERE id = %s",
            self.other_partner.id,
            line.id,
        )
        self.assertIn(("entries", "changed"), self._problems())

    def test_tampered_head(self):
        self._tamper(
            "UPDATE subledger_account SET sealed_balance = 1, last_hash = 'x'"
            " WHERE company_id = %s",
            self.company.id,
        )
        self.assertEqual(
            self._problems(), {("heads", "sealed_balance"), ("heads", "last_hash")}
        )

    def test_wrong_reversal(self):
        self.invoice.button_draft()
        reversal = self._entry().filtered("reversal_of_id")
        self._tamper(
            "UPDATE subledger_entry SET date = '2026-04-04' WHERE id = %s",
            reversal.id,
        )
        self.assertEqual(self._problems(), {("reversals", "reversal")})

    def test_wrong_opening(self):
        self.company.write(
            {"subledger_start_date": "2027-01-01", "subledger_history": "opening"}
        )
        self._tamper("UPDATE account_move SET subledger_posted_at = NULL")
        self._tamper(
            "DELETE FROM subledger_entry WHERE company_id = %s", self.company.id
        )
        self._tamper(
            "DELETE FROM subledger_account WHERE company_id = %s", self.company.id
        )
        problems = self._problems()
        self.assertEqual(
            problems, {("openings", "opening"), ("general_ledger", "unexplained")}
        )
        self.env["subledger.sync"]._write_openings(self.company)
        self.assertTrue(self._verify()["clean"])

    def test_known_causes_are_explained(self):
        self._entry_move(30)
        self._tamper(
            "UPDATE account_move SET subledger_posted_at = NULL, date = '2025-05-05'"
            " WHERE id = %s",
            self.second.id,
        )
        self._tamper(
            "UPDATE account_move_line SET date = '2025-05-05' WHERE move_id = %s",
            self.second.id,
        )
        self._tamper(
            "DELETE FROM subledger_entry WHERE id = %s", self._entry(self.second).id
        )
        self._tamper(
            "UPDATE subledger_account SET last_number = 1, sealed_balance = 100,"
            " last_hash = %s WHERE company_id = %s",
            self._entry().hash,
            self.company.id,
        )
        report = self._verify()
        self.assertTrue(report["clean"], report)
        [explained] = report["explained"]
        self.assertEqual(
            {key: explained[key] for key in ("partner", "general_ledger", "ledger")},
            {"partner": "Ada Ltd", "general_ledger": "180", "ledger": "100"},
        )
        self.assertEqual(explained["manual_entry"], "30")
        self.assertEqual(explained["manual_count"], 1)
        self.assertEqual(explained["pre_sync_history"], "50")

    def test_manual_items_that_cancel_out_are_explained_too(self):
        self._entry_move(30)
        self._entry_move(-30)
        report = self._verify()
        self.assertTrue(report["clean"], report)
        [explained] = report["explained"]
        self.assertEqual(
            (explained["manual_entry"], explained["manual_count"]), ("0", 2)
        )
        self.assertEqual(explained["general_ledger"], explained["ledger"])

    def test_partner_and_date_narrow_it(self):
        other = self._invoice(10, partner_id=self.other_partner.id)
        self._tamper("DELETE FROM subledger_entry WHERE id = %s", self._entry(other).id)
        self.assertTrue(self._verify(partners=self.partner.ids)["clean"])
        self.assertFalse(self._verify(partners=self.other_partner.ids)["clean"])
        self.assertFalse(self._verify(since=date(2026, 3, 1))["clean"])
        self.assertTrue(self._verify(since=date(2026, 3, 2))["clean"])

    def test_company_narrows_it(self):
        self._tamper("DELETE FROM subledger_entry WHERE id = %s", self._entry().id)
        other = self.setup_other_company(name="Elsewhere")["company"]
        self.assertTrue(self.env["subledger.verify"]._verify(other)["clean"])

    def test_long_lists_are_cut_and_counted(self):
        self._tamper(
            "DELETE FROM subledger_entry WHERE company_id = %s", self.company.id
        )
        entries = self._verify(limit=1)["checks"][0]
        self.assertEqual(entries["differences"], 2)
        self.assertEqual(len(entries["findings"]), 1)
