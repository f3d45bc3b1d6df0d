"""Screens with nothing on them, with an error, and with more than usual on them."""

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .test_screens import SubledgerScreenCommon

LONG_NAME = "Donaudampfschifffahrt " * 7
TEN_DIGITS = 9876543210.12


@tagged("post_install", "-at_install")
class TestEmptyAndErrors(SubledgerScreenCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.biller.group_ids += cls.env.ref("sales_ledger_sync.group_ledger_manager")

    def test_empty_screens_say_what_comes_there(self):
        self.start_tour(
            "/odoo/customer-ledger", "subledger_empty", login=self.biller.login
        )

    @mute_logger("odoo.http")
    def test_unreadable_file_is_refused_with_a_reason(self):
        self.start_tour(
            "/odoo/receivables-imports/new",
            "subledger_import_unreadable",
            login=self.biller.login,
        )
        self.assertFalse(self.env["subledger.import"].search([]))

    def test_failed_backfill_says_why_and_is_resumed(self):
        backfill = self.env["subledger.backfill"].create({"mode": "full"})
        # As the job writes it, whom nobody else may imitate.
        backfill.sudo().write({"state": "failed", "error": "disk full"})
        self.start_tour(
            f"/odoo/subledger-backfills/{backfill.id}",
            "subledger_backfill_failed",
            login=self.biller.login,
        )
        self.env.invalidate_all()
        self.assertEqual((backfill.state, backfill.error), ("running", False))


class LargeFiguresCommon(SubledgerScreenCommon, HttpCase):
    """A reader of German with a customer of a long name who owes ten digits."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("de_DE")
        cls.reader = new_test_user(
            cls.env,
            login="subledger_german",
            groups="account.group_account_invoice",
            lang="de_DE",
            company_id=cls.env.company.id,
        )
        cls.partner = cls.env["res.partner"].create({"name": LONG_NAME[:150]})
        cls._post(TEN_DIGITS, "2026-01-31", partner=cls.partner)


@tagged("post_install", "-at_install")
class TestLargeFigures(LargeFiguresCommon):
    def test_ledger_in_another_language(self):
        self.start_tour(
            "/odoo/customer-ledger", "subledger_large", login=self.reader.login
        )


@tagged("post_install", "-at_install")
class TestLargeFiguresOnPhone(LargeFiguresCommon):
    browser_size = "375x667"
    touch_enabled = True

    def test_cards_keep_within_a_narrow_window(self):
        with self.enter_registry_test_mode():
            self.env["subledger.account"]._seal()
        self.start_tour(
            "/odoo/customer-balances",
            "subledger_large_on_a_phone",
            login=self.reader.login,
        )
