from odoo import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .common import GuardCommon


@tagged("post_install", "-at_install")
class TestGuardTours(GuardCommon, HttpCase):
    """The guard as its manager clicks through it."""

    def setUp(self):
        super().setUp()
        self._invoice(100)
        self._seal()
        self.user = new_test_user(
            self.env,
            login="guard_in_browser",
            groups="base.group_user,balance_guard.group_guard_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    def test_verify_a_contact(self):
        self.start_tour(
            f"/odoo/res.partner/{self.partner.id}",
            "balance_guard_verify_contact",
            login=self.user.login,
        )

    def test_tampering_is_found_and_healed(self):
        head = self.env["subledger.account"].search(
            [("partner_id", "=", self.partner.id)]
        )
        self._break(
            "UPDATE subledger_account SET sealed_balance = 1 WHERE id = %s", head.id
        )
        self.start_tour(
            "/odoo/balance-health",
            "balance_guard_heal_tampering",
            login=self.user.login,
        )
        self.env.invalidate_all()
        self.assertEqual(head.sealed_balance, 100.0)
        finding = self.env["guard.finding"].search(
            [("partner_id", "in", self.partner.ids)]
        )
        self.assertEqual(finding.state, "healed")
        self.assertEqual(finding.heal_ids.mapped("state"), ["done", "planned"])
        self.assertEqual(finding.heal_ids.user_id, self.user)
