from odoo import Command
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL

from .common_backfill import engine_off
from .test_screens import SubledgerScreenCommon


@tagged("post_install", "-at_install")
class TestSubledgerTours(SubledgerScreenCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._post(230, "2026-01-10")
        cls._post(115, "2026-02-10")
        cls.manager = new_test_user(
            cls.env,
            login="subledger_manager",
            groups="account.group_account_invoice,"
            "sales_ledger_sync.group_ledger_manager",
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )

    def _run_job(self, name):
        with self.enter_registry_test_mode():
            self.env.ref(f"sales_ledger_sync.{name}").method_direct_trigger()
        self.env.invalidate_all()

    def test_read_a_customers_ledger(self):
        self.start_tour(
            f"/odoo/customers/{self.partner_a.id}",
            "subledger_read_customer_ledger",
            login=self.biller.login,
        )

    def test_from_the_invoice_to_its_entry_and_back(self):
        self.start_tour(
            f"/odoo/customer-invoices/{self.invoice.id}",
            "subledger_invoice_entry_and_back",
            login=self.biller.login,
        )

    def test_invoice_with_upfront_payment(self):
        self.start_tour(
            "/odoo/customer-invoices/new",
            "subledger_invoice_with_upfront_payment",
            login=self.biller.login,
        )
        sale, payment = self._entries()[:2].sorted("id")
        self.assertEqual((sale.debit, payment.credit), (1150, 500))
        self.assertEqual(sale.move_id.upfront_payment_id.move_id, payment.move_id)

    def test_backfill_with_preview(self):
        with engine_off(self.env):
            old = self._post(300, "2026-01-10", partner=self.partner_b)
            old += self._post(45, "2026-02-10", partner=self.partner_b)
        old.flush_recordset()
        # They were posted before the ledger came.
        self.env.cr.execute(
            SQL(
                "UPDATE account_move SET subledger_posted_at = NULL WHERE id IN %s",
                old._ids,
            )
        )
        old.invalidate_recordset()
        self.start_tour(
            "/odoo/subledger-backfills",
            "subledger_backfill_with_preview",
            login=self.manager.login,
        )
        self.assertFalse(self._entries(self.partner_b))
        self._run_job("ir_cron_backfill")
        backfill = self.env["subledger.backfill"].search([], limit=1)
        self.start_tour(
            f"/odoo/subledger-backfills/{backfill.id}",
            "subledger_backfill_done",
            login=self.manager.login,
        )
        self.assertEqual(sum(self._entries(self.partner_b).mapped("debit")), 345)

    def test_import_with_errors_shown(self):
        self.start_tour(
            "/odoo/receivables-imports",
            "subledger_import_with_errors",
            login=self.manager.login,
        )
        self._run_job("ir_cron_subledger_import")
        record = self.env["subledger.import"].search([], limit=1)
        self.assertEqual((record.state, record.done_count), ("done", 1))
        invoice = record.line_ids.move_id
        self.assertEqual((invoice.ref, invoice.payment_state), ("A1", "paid"))


@tagged("post_install", "-at_install")
class TestSubledgerOnPhone(SubledgerScreenCommon, HttpCase):
    browser_size = "375x667"
    touch_enabled = True

    def test_balances_and_ledger_as_cards(self):
        self._post(230, "2026-01-10")
        with self.enter_registry_test_mode():
            self.env["subledger.account"]._seal()
        self.start_tour(
            "/odoo/customer-balances",
            "subledger_on_a_phone",
            login=self.biller.login,
        )
