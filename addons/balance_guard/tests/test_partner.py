from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import GuardCommon


@tagged("post_install", "-at_install")
class TestPartner(GuardCommon):
    """Verifying and rebuilding by hand."""

    def setUp(self):
        super().setUp()
        self._invoice(100)
        self._invoice(7, partner_id=self.other_partner.id)
        self._seal()

    def _rebuild(self, partners):
        """Rebuild as a guard manager; repairs have transactions of their own."""
        with self.enter_registry_test_mode():
            partners = partners.with_user(self.manager)
            return partners.enforce_balance_consistency("Import")

    def _break_caches(self):
        self._break("UPDATE subledger_account SET sealed_balance = 1")

    def test_right_balance_is_confirmed(self):
        action = self.partner.with_user(self.auditor).action_verify_balance()
        self.assertEqual(action["params"]["type"], "success")

    def test_wrong_balance_opens_its_findings(self):
        self._break_caches()
        action = self.partner.with_user(self.auditor).action_verify_balance()
        findings = self.env["guard.finding"].search(action["domain"])
        self.assertEqual(findings.partner_id, self.partner)
        self.assertEqual(self._sealed(self.partner), 1.0)

    def test_several_partners_at_once(self):
        self._break_caches()
        both = self.partner + self.other_partner
        action = both.with_user(self.auditor).action_verify_balance()
        findings = self.env["guard.finding"].search(action["domain"])
        self.assertEqual(findings.partner_id, both)

    def _sealed(self, partner):
        return (
            self.env["subledger.account"]
            .search([("partner_id", "=", partner.id)])
            .sealed_balance
        )

    def test_rebuild_one(self):
        self._break_caches()
        with self.enter_registry_test_mode():
            partner = self.partner.with_user(self.manager)
            balance = partner.safe_update_balance("Import")
        self.assertEqual(balance, 100.0)
        self.assertEqual(self._sealed(self.partner), 100.0)
        self.assertEqual(self._sealed(self.other_partner), 1.0)

    def test_rebuild_many(self):
        self._break_caches()
        both = self.partner + self.other_partner
        balances = self._rebuild(both)
        self.assertEqual(balances, {self.partner.id: 100.0, self.other_partner.id: 7.0})
        self.assertEqual(self._sealed(self.other_partner), 7.0)

    def test_rebuild_twice_changes_nothing(self):
        both = self.partner + self.other_partner
        first = self._rebuild(both)
        self.assertEqual(self._rebuild(both), first)
        self.assertFalse(self.env["guard.heal"].search([]))

    def test_rebuild_says_why(self):
        for bad in ("", "  ", None, 5):
            with self.subTest(bad=bad), self.assertRaises(UserError):
                self.partner.with_user(self.manager).safe_update_balance(bad)

    def test_rebuild_needs_exactly_one(self):
        both = self.partner + self.other_partner
        for bad in (both, self.env["res.partner"]):
            with self.subTest(bad=bad), self.assertRaises(UserError):
                bad.with_user(self.manager).safe_update_balance("Import")

    def test_rebuild_needs_the_manager(self):
        for user in (self.auditor, self.biller):
            with self.subTest(user=user.name), self.assertRaises(AccessError):
                self.partner.with_user(user).safe_update_balance("Import")

    def test_verify_needs_the_auditor(self):
        with self.assertRaises(AccessError):
            self.partner.with_user(self.biller).action_verify_balance()

    def test_partner_that_is_gone(self):
        gone = self.env["res.partner"].create({"name": "Gone"})
        gone.unlink()
        with self.assertRaises(UserError):
            gone.with_user(self.manager).safe_update_balance("Import")
