from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
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

    def _make_approver(self, user):
        user.group_ids += self.env.ref("credit_control.group_credit_approver")
        self._give_authority(user, 1_000_000)

    def _assert_not_released_by(self, user, hold):
        with self.assertRaisesRegex(AccessError, "somebody else"):
            hold.with_user(user).action_release("mine")
        self.assertNotIn(user, hold.activity_ids.user_id)

    def test_four_eyes_where_the_customer_signs(self):
        self._make_approver(self.salesperson)
        public = self.env.ref("base.public_user")
        order = self._create_order(1100.0, user_id=self.salesperson.id)
        order.with_user(public).sudo().action_confirm()
        hold = order.credit_hold_ids
        self.assertEqual(hold.requested_by, public)
        self._assert_not_released_by(self.salesperson, hold)
        order.user_id = self.approver
        self._assert_not_released_by(self.salesperson, hold)

    def test_four_eyes_count_for_the_creator(self):
        self._make_approver(self.salesperson)
        quotations = self.env["sale.order"].with_user(self.salesperson)
        order = quotations.create({"partner_id": self.customer.id}).sudo()
        line = {"product_id": self.product.id, "price_unit": 1100.0}
        order.write({"user_id": False, "order_line": [Command.create(line)]})
        order.with_user(self.env.user).action_confirm()
        self._assert_not_released_by(self.salesperson, order.credit_hold_ids)

    def test_colleague_who_holds_by_hand_does_not_free_the_requester(self):
        colleague = self._new_user("colleague", "sales_team.group_sale_manager")
        self._make_approver(colleague)
        order = self._create_order(1100.0, user_id=self.salesperson.id)
        order.with_user(colleague).action_confirm()
        order.with_user(self.env.user).apply_credit_hold("Dispute")
        hold = order.credit_hold_ids
        self.assertEqual(hold.requested_by, colleague)
        self.assertEqual(hold.reasons, "Dispute")
        self._assert_not_released_by(colleague, hold)

    def test_hold_without_any_authority_goes_to_a_manager(self):
        self.env["credit.authority"].search([]).unlink()
        self._new_user("chief", "credit_control.group_credit_manager")
        order = self._create_order(1100.0, user_id=self.salesperson.id)
        order.with_user(self.salesperson).action_confirm()
        activity = order.credit_hold_ids.activity_ids
        self.assertTrue(
            activity.user_id.has_group("credit_control.group_credit_manager")
        )
        self.assertNotEqual(activity.user_id, self.env.user, "who created the order")
        self.assertIn("authority", activity.note)

    def test_authority_alone_makes_no_approver(self):
        self._give_authority(self.salesperson, 500)
        order = self._create_order(1100.0)
        order.action_confirm()
        self.assertEqual(order.credit_hold_ids.activity_ids.user_id, self.approver)

    def test_growing_excess_finds_an_approver_again(self):
        medium = self._new_user("medium", "credit_control.group_credit_approver")
        self._give_authority(medium, 200)
        order = self._create_order(1100.0, user_id=self.salesperson.id)
        order.with_user(self.salesperson).action_confirm()
        activities = order.credit_hold_ids.activity_ids
        self.assertEqual(activities.user_id, medium | self.approver)
        order.credit_hold_ids.activity_ids.filtered(
            lambda activity: activity.user_id == self.approver
        ).unlink()
        order.with_user(self.salesperson).action_confirm()
        self.assertEqual(order.credit_hold_ids.activity_ids.user_id, medium)
        order.order_line.price_unit = 5000.0
        order.with_user(self.salesperson).action_confirm()
        activities = order.credit_hold_ids.activity_ids
        self.assertEqual(activities.user_id, medium | self.approver)
        self.assertEqual(len(activities), 2)

    def _assert_refused_with_figures(self, kind, user, method, reason):
        order = self.order.with_user(user)
        with self.assertRaises(kind) as caught:
            getattr(order, method)(reason)
        self.assertIs(type(caught.exception), kind)
        message, figures = caught.exception.args
        self.assertTrue(message)
        self.assertEqual(figures, order.check_credit_limit())
        return figures

    def test_refused_holds_and_releases_carry_the_figures(self):
        for kind, user, method, reason in (
            (AccessError, self.approver_small, "release_credit_hold", "ok"),
            (AccessError, self.salesperson, "release_credit_hold", "ok"),
            (AccessError, self.salesperson, "apply_credit_hold", "ok"),
            (UserError, self.approver, "release_credit_hold", ""),
            (UserError, self.approver, "apply_credit_hold", " "),
        ):
            with self.subTest(user=user.login, method=method, reason=reason):
                figures = self._assert_refused_with_figures(kind, user, method, reason)
                self.assertEqual(figures["order_amount"], 1100.0)
                self.assertEqual(figures["credit_limit"], 1000.0)
        self.order._action_cancel()
        for method in ("release_credit_hold", "apply_credit_hold"):
            self._assert_refused_with_figures(UserError, self.approver, method, "ok")

    def test_refusal_tells_no_figures_to_those_who_may_not_know_them(self):
        figures = self._assert_refused_with_figures(
            AccessError, self.warehouse_user, "release_credit_hold", "ok"
        )
        self.assertIsNone(figures["credit_limit"])
        self.assertIsNone(figures["outstanding_balance"])

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
