from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestHoldDecision(CreditControlCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_rule()
        cls.customer.credit_limit = 1000.0
        cls.order = cls._create_order(1100.0, user_id=cls.salesperson.id)
        cls.order.with_user(cls.salesperson).action_confirm()
        cls.hold = cls.order.credit_hold_ids

    def test_approvers_get_an_activity(self):
        activities = self.hold.activity_ids
        self.assertEqual(activities.user_id, self.approver)
        self.hold.with_user(self.approver).action_release("ok")
        self.assertFalse(self.hold.activity_ids)

    def test_order_tells_why(self):
        messages = self.order.message_ids.mapped("body")
        self.assertTrue(any("On credit hold" in body for body in messages))

    def test_authority_must_cover_the_excess(self):
        with self.assertRaisesRegex(AccessError, "above your credit authority"):
            self.hold.with_user(self.approver_small).action_release("ok")
        self.assertEqual(self.hold.state, "open")

    def test_approver_without_authority(self):
        nobody = self._new_user("nobody", "credit_control.group_credit_approver")
        with self.assertRaises(AccessError):
            self.hold.with_user(nobody).action_release("ok")

    def test_authority_of_a_group_of_users(self):
        nobody = self._new_user("nobody", "credit_control.group_credit_approver")
        group = self.env["res.groups"].create(
            {"name": "Deciders", "user_ids": nobody.ids}
        )
        self._give_authority(
            self.env["res.users"], 100, user_id=False, group_id=group.id
        )
        self.hold.with_user(nobody).action_release("ok")
        self.assertEqual(self.hold.state, "released")

    def test_four_eyes(self):
        self.salesperson.group_ids += self.env.ref(
            "credit_control.group_credit_approver"
        )
        self._give_authority(self.salesperson, 1_000_000)
        with self.assertRaisesRegex(AccessError, "somebody else"):
            self.hold.with_user(self.salesperson).action_release("mine")

    def _obstacle(self, user):
        hold = self.hold.with_user(user)
        self.assertEqual(hold.can_release, not hold.release_obstacle)
        return hold.release_obstacle or ""

    def test_hold_tells_who_may_not_release_it_why(self):
        self.assertIn("Only credit approvers", self._obstacle(self.salesperson))
        self.assertIn("above your credit", self._obstacle(self.approver_small))
        self.assertEqual(self._obstacle(self.approver), "")
        self.hold.with_user(self.approver).action_release("ok")
        self.assertFalse(self.hold.with_user(self.salesperson).release_obstacle)

    def test_hold_tells_its_requester_that_somebody_else_decides(self):
        self.salesperson.group_ids += self.env.ref(
            "credit_control.group_credit_approver"
        )
        self._give_authority(self.salesperson, 1_000_000)
        self.assertIn("somebody else", self._obstacle(self.salesperson))

    def test_reason_is_required(self):
        for reason in (None, "", "   ", False, 5):
            with self.assertRaisesRegex(UserError, "reason"):
                self.hold.with_user(self.approver).action_release(reason)

    def test_release_twice_is_release_once(self):
        hold = self.hold.with_user(self.approver)
        hold.action_release("first")
        hold.action_release("second")
        self.assertEqual(self.hold.release_reason, "first")
        self.assertEqual(self.hold.released_by, self.approver)
        self.assertEqual(self.hold.approved_total, 1100.0)
        self.assertTrue(self.hold.expires_at)

    def test_reject(self):
        self.hold.with_user(self.approver).action_reject("No")
        self.assertEqual(self.hold.state, "rejected")
        self.assertEqual(self.order.credit_state, "hold")
        with self.assertRaisesRegex(UserError, "already closed"):
            self.hold.with_user(self.approver).action_release("ok")
        self.order.with_user(self.salesperson).action_confirm()
        self.assertEqual(self.order.state, "draft")
        self.assertEqual(len(self.order.credit_hold_ids), 2)

    def test_ask_for_more(self):
        self.hold.with_user(self.approver).action_ask("When do they pay?")
        question = self.hold.activity_ids.filtered(
            lambda activity: activity.user_id == self.salesperson
        )
        self.assertIn("When do they pay?", question.note)
        self.assertEqual(self.hold.state, "open")

    def test_released_then_changed_before_confirmation(self):
        self.hold.with_user(self.approver).action_release("ok")
        self.order.order_line.price_unit = 1200.0
        self.order.with_user(self.salesperson).action_confirm()
        self.assertEqual(self.order.state, "draft")
        self.assertEqual(self.order.credit_state, "hold")

    def test_expired_release_opens_nothing(self):
        self.hold.with_user(self.approver).action_release("ok")
        self.hold.sudo().expires_at = fields.Datetime.now()
        self.order.with_user(self.salesperson).action_confirm()
        self.assertEqual(self.order.state, "draft")

    def test_expiry_is_shown_by_the_scheduled_action(self):
        self.hold.with_user(self.approver).action_release("ok")
        self.hold.sudo().expires_at = "2020-01-01"
        with self.enter_registry_test_mode():
            self.env.ref("credit_control.cron_expire").method_direct_trigger()
        self.hold.invalidate_recordset()
        self.assertEqual(self.hold.state, "expired")
        self.assertEqual(self.hold.release_reason, "ok", "the approver's own words")

    def test_hold_is_not_edited_copied_or_deleted(self):
        manager = self.hold.with_user(self.env.user)
        for values in ({"state": "released"}, {"amount_over": 0.0}):
            with self.assertRaises(UserError):
                manager.write(values)
        manager.review_date = fields.Date.today()
        with self.assertRaises(UserError):
            manager.copy()
        with self.assertRaises(UserError):
            manager.sudo().unlink()
        with self.assertRaises(AccessError):
            manager.create({"document_name": "x"})

    def test_cancelled_and_deleted_orders_close_their_holds(self):
        self.order._action_cancel()
        self.assertEqual(self.hold.state, "cancelled")
        other = self._create_order(5000.0)
        other.action_confirm()
        hold = other.credit_hold_ids
        other.unlink()
        self.assertEqual(hold.state, "cancelled")
        with self.assertRaisesRegex(UserError, "already closed"):
            hold.with_user(self.approver).action_release("ok")

    def test_manual_hold_and_its_release_through_the_api(self):
        order = self._create_order(10.0, user_id=self.salesperson.id)
        with self.assertRaises(AccessError):
            order.with_user(self.salesperson).apply_credit_hold("I say so")
        answer = order.apply_credit_hold("Dispute")
        self.assertEqual(answer["credit_state"], "hold")
        self.assertEqual(order.apply_credit_hold("Again"), answer)
        order.with_user(self.salesperson).action_confirm()
        self.assertEqual(order.state, "draft")
        with self.assertRaises(AccessError):
            order.with_user(self.salesperson).release_credit_hold("me")
        answer = order.with_user(self.approver).release_credit_hold("settled")
        self.assertEqual(answer["credit_state"], "released")
        order.with_user(self.salesperson).action_confirm()
        self.assertEqual(order.state, "sale")
        with self.assertRaisesRegex(UserError, "no open credit hold"):
            order.with_user(self.approver).release_credit_hold("again")

    def test_check_credit_limit(self):
        answer = self.order.with_user(self.salesperson).check_credit_limit()
        self.assertEqual(
            {name: answer[name] for name in answer if name != "message"},
            {
                "approved": False,
                "credit_limit": 1000.0,
                "outstanding_balance": 0.0,
                "available_credit": 1000.0,
                "order_amount": 1100.0,
            },
        )
        self.customer.credit_limit_policy = "unlimited"
        answer = self.order.with_user(self.salesperson).check_credit_limit()
        self.assertTrue(answer["approved"])
        self.assertIsNone(answer["credit_limit"])
        self.assertIsNone(answer["available_credit"])

    def test_confirmation_on_release(self):
        self.company.credit_confirm_on_release = True
        self.hold.with_user(self.approver).action_release("ok")
        self.assertEqual(self.order.state, "sale")

    def test_wizard_needs_the_same_rights(self):
        wizard = self.env["credit.hold.decision"]
        values = {"hold_ids": self.hold.ids, "reason": "x", "decision": "release"}
        small = wizard.with_user(self.approver_small).create(values)
        with self.assertRaises(AccessError):
            small.action_apply()
        wizard.with_user(self.approver).create(values).action_apply()
        self.assertEqual(self.hold.state, "released")
