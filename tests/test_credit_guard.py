"""Balance Guard finds the credit holds that have lost their reason."""

from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.credit_control.tests.common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestCreditGuard(CreditControlCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls._new_user("guard", "balance_guard.group_guard_manager")
        cls._create_rule()
        cls.customer.credit_limit = 1000.0
        cls.other_order = cls._create_order(800.0)
        cls.other_order.action_confirm()
        cls.order = cls._create_order(300.0)
        cls.order.action_confirm()
        cls.hold = cls.order.credit_hold_ids

    def _run(self, heal=False):
        """Run all checks; return the open findings about holds."""
        checks = self.env["guard.check"].with_user(self.manager)
        with self.enter_registry_test_mode():
            run = checks.run_all(self.customer.ids, self.company.ids, heal=heal)
        self.env.invalidate_all()
        return run.finding_ids.filtered(lambda f: f.check_code == "credit_hold")

    def _cancel_other_order_by_sql(self):
        self.env.flush_all()
        query = "UPDATE sale_order SET state = 'cancel' WHERE id = %s"
        self.env.cr.execute(SQL(query, self.other_order.id))
        self.env.invalidate_all(flush=False)

    def test_hold_without_its_reason_is_found(self):
        self.assertEqual(self.hold.amount_over, 100.0)
        self._cancel_other_order_by_sql()
        finding = self._run()
        self.assertRecordValues(
            finding,
            [
                {
                    "cause_code": "hold_outdated",
                    "partner_id": self.customer.id,
                    "res_model": "credit.hold",
                    "res_id": self.hold.id,
                    "expected": 0.0,
                    "actual": 100.0,
                    "difference": -100.0,
                    "unexplained": 0.0,
                }
            ],
        )
        self.assertEqual(self.hold.state, "open", "looking changes nothing")

    def test_justified_hold_is_no_finding(self):
        self.assertFalse(self._run())

    def test_hold_by_hand_needs_no_rule(self):
        order = self._create_order(1.0)
        order.apply_credit_hold("The customer moves.")
        self.assertFalse(self._run())

    def test_hold_that_waits_for_its_turn_is_no_finding(self):
        self.env["credit.recheck"]._request(self.company, self.customer)
        self._cancel_other_order_by_sql()
        self.assertFalse(self._run())

    def test_hold_that_waits_for_a_person_is_no_finding(self):
        self.company.credit_release_mode = "ready"
        self._cancel_other_order_by_sql()
        self.hold.sudo()._recheck()
        self.assertTrue(self.hold.is_ready)
        self.assertFalse(self._run())

    def test_hold_of_a_document_that_is_gone(self):
        self.env.flush_all()
        query = "UPDATE credit_hold SET order_id = NULL WHERE id = %s"
        self.env.cr.execute(SQL(query, self.hold.id))
        self.env.invalidate_all(flush=False)
        self.assertEqual(self._run().difference, -100.0)
        self.assertEqual(self._run(heal=True).state, "healed")
        self.assertEqual(self.hold.state, "cancelled")

    def test_healing_examines_the_hold_again(self):
        self._cancel_other_order_by_sql()
        self.assertEqual(self._run(heal=True).state, "healed")
        self.assertEqual(self.hold.state, "released")
        self.assertEqual(self.order.credit_state, "released")
