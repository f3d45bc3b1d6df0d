from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestRecheck(CreditControlCommon):
    """What frees credit is noticed within one run of the scheduled action."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_rule()
        cls.customer.credit_limit = 1000.0
        cls.other_order = cls._create_order(500.0)
        cls.other_order.action_confirm()
        cls.invoice = cls._create_credit_invoice(500.0)
        cls.order = cls._create_order(300.0)
        cls.order.action_confirm()
        cls.hold = cls.order.credit_hold_ids

    def _tick(self):
        with self.enter_registry_test_mode():
            self.env.ref("credit_control.cron_recheck").method_direct_trigger()
        self.env.invalidate_all()

    def _assert_released_after(self, event):
        self._tick()
        self.assertEqual(self.hold.state, "open")
        event()
        self.assertTrue(self.env["credit.recheck"].sudo().search_count([]))
        self._tick()
        self.assertEqual(self.hold.state, "released")
        self.assertFalse(self.env["credit.recheck"].sudo().search_count([]))

    def test_payment(self):
        self._assert_released_after(lambda: self._pay(400.0))

    def test_credit_note(self):
        self._assert_released_after(
            lambda: self._create_credit_invoice(400.0, move_type="out_refund")
        )

    def test_invoice_reset_and_cancelled(self):
        def cancel():
            self.invoice.button_draft()
            self.invoice.button_cancel()

        self._assert_released_after(cancel)

    def test_cancelled_order(self):
        self._assert_released_after(lambda: self.other_order._action_cancel())

    def test_order_that_became_cheaper(self):
        def cut():
            self.other_order.order_line.price_unit = 100.0

        self._assert_released_after(cut)

    def test_raised_limit(self):
        def raise_limit():
            self.customer.credit_limit = 2000.0

        self._assert_released_after(raise_limit)

    def test_temporary_limit(self):
        self._assert_released_after(
            lambda: self.env["credit.limit"].create(
                {
                    "partner_id": self.customer.id,
                    "amount": 5000.0,
                    "date_from": "2020-01-01",
                    "date_to": "2999-01-01",
                    "reason": "Season",
                }
            )
        )

    # ------------------------------------------------------------------
    # What no event tells
    # ------------------------------------------------------------------

    def _look_for_changes(self):
        with self.enter_registry_test_mode():
            cron = self.env.ref("credit_control.cron_recheck_changed")
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def _assert_released_without(self, event):
        """The scheduled action finds what did not ask for it."""
        self._tick()
        event()
        self.env.flush_all()
        self.env["credit.recheck"].sudo().search([]).unlink()
        self._tick()
        self.assertEqual(self.hold.state, "open")
        self._look_for_changes()
        self._tick()
        self.assertEqual(self.hold.state, "released")
        self._look_for_changes()
        self.assertFalse(self.env["credit.recheck"].search([]), "once")

    def _lend(self, date_from, amount=5000.0):
        return self.env["credit.limit"].create(
            {
                "partner_id": self.customer.id,
                "amount": amount,
                "date_from": date_from,
                "date_to": "2999-01-01",
                "reason": "Season",
            }
        )

    def test_first_day_of_a_temporary_limit(self):
        limit = self._lend("2990-01-01")

        def begin():
            query = "UPDATE credit_limit SET date_from = '2020-01-01' WHERE id = %s"
            self.env.cr.execute(query, (limit.id,))

        self._assert_released_without(begin)

    def _set_default_limit(self, amount):
        self.env["ir.default"].set(
            "res.partner", "credit_limit", amount, company_id=self.company.id
        )

    def test_default_limit_of_the_company(self):
        self._set_default_limit(900.0)
        self.customer.credit_limit = 900.0
        self._assert_released_without(lambda: self._set_default_limit(9000.0))

    def test_rule_that_was_changed_or_switched_off(self):
        rule = self.env["credit.rule"].search([])
        self._assert_released_without(lambda: rule.write({"threshold": 200.0}))
        rule.threshold = 100.0
        self.order.action_confirm()
        self.hold = self.order.credit_hold_ids.filtered(lambda h: h.state == "open")
        self._assert_released_without(lambda: rule.write({"active": False}))

    def test_draft_invoice_that_became_cheaper(self):
        invoice = self._create_credit_invoice(400.0, post=False)
        self._pay(400.0)
        self._assert_released_without(
            lambda: invoice.invoice_line_ids.write({"price_unit": 1.0})
        )

    def test_group_that_was_deleted(self):
        sister = self.env["res.partner"].create({"name": "S", "credit_limit": 9000.0})
        group = self.env["credit.group"].create(
            {
                "name": "Family",
                "company_id": self.company.id,
                "credit_limit": 1.0,
                "partner_ids": [Command.set((self.customer | sister).ids)],
            }
        )
        self.customer.credit_limit = 9000.0
        self._assert_released_after(group.unlink)

    def test_lower_temporary_limit_that_was_ended(self):
        limit = self._lend("2020-01-01", amount=1.0)
        self.customer.credit_limit = 9000.0
        self._assert_released_after(limit.action_end)

    def test_ready_hold_that_is_over_the_limit_again(self):
        self.company.credit_release_mode = "ready"
        self._pay(400.0)
        self._tick()
        self.assertTrue(self.hold.is_ready)
        self._look_for_changes()
        self.assertFalse(self.env["credit.recheck"].search([]), "ready as before")
        self._create_credit_invoice(5000.0)
        self.env["credit.recheck"].sudo().search([]).unlink()
        self._look_for_changes()
        self._tick()
        self.assertFalse(self.hold.is_ready)

    @mute_logger("odoo.addons.credit_control.models.credit_recheck")
    def test_document_that_cannot_be_examined_keeps_no_other_waiting(self):
        rule = self.env["credit.rule"].search([])
        later = self._create_order(300.0)
        later.action_confirm()
        self._tick()
        rule.active = False
        examine = type(self.order)._examine_credit_case

        def _examine_credit_case(order, case):
            if order == self.order:
                raise KeyError("broken")
            return examine(order, case)

        with (
            patch.object(
                type(self.order), "_examine_credit_case", _examine_credit_case
            ),
            mute_logger("odoo.addons.credit_control.models.credit_hold_decision"),
        ):
            self._look_for_changes()
            self._tick()
        self.assertEqual(later.credit_hold_ids.state, "released")
        self.assertEqual(self.hold.state, "open")

    def test_not_enough_money_releases_nothing(self):
        self._pay(100.0)
        self._tick()
        self.assertEqual(self.hold.state, "open")
        self.assertEqual(self.hold.amount_over, 200.0)

    def test_ready_instead_of_released(self):
        self.company.credit_release_mode = "ready"
        self._pay(400.0)
        self._tick()
        self.assertEqual(self.hold.state, "open")
        self.assertTrue(self.hold.is_ready)

    def test_automatic_release_approves_nothing(self):
        self._pay(400.0)
        self._tick()
        self.assertEqual(self.order.credit_state, "released")
        self._create_credit_invoice(5000.0)
        self.order.action_confirm()
        self.assertEqual(self.order.state, "draft")

    def test_manual_hold_stays(self):
        order = self._create_order(1.0)
        order.apply_credit_hold("Dispute")
        self._pay(5000.0)
        self._tick()
        self.assertEqual(order.credit_hold_ids.state, "open")

    def test_payment_of_a_customer_without_holds_asks_for_nothing(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        self._tick()
        self._pay(400.0, stranger)
        self.assertFalse(self.env["credit.recheck"].sudo().search_count([]))

    def test_new_hold_is_looked_at_again(self):
        request = self.env["credit.recheck"].search([])
        self.assertEqual(request.partner_id, self.customer)
        self._tick()
        self.assertFalse(request.exists())
        self.assertEqual(self.hold.state, "open")
        self._create_order(1.0).apply_credit_hold("Dispute")
        self.assertFalse(self.env["credit.recheck"].search([]), "nothing to find")

    def _release_with(self, error):
        """Pay, and let the order that is released first fail on its confirmation."""
        later = self._create_order(300.0)
        later.action_confirm()
        confirm = type(self.order).action_confirm

        def action_confirm(orders):
            if self.order in orders:
                orders.client_order_ref = "half done"
                raise error
            return confirm(orders)

        self._pay(900.0)
        self.company.credit_confirm_on_release = True
        with patch.object(type(self.order), "action_confirm", action_confirm):
            self._tick()
        return later

    @mute_logger("odoo.addons.credit_control.models.credit_hold_decision")
    def test_order_that_cannot_be_confirmed_keeps_no_other_waiting(self):
        for error in (UserError("no carrier"), KeyError("carrier")):
            later = self._release_with(error)
            self.assertEqual(later.state, "sale")
            self.assertRecordValues(self.hold, [{"state": "open", "is_ready": True}])
            self.assertRecordValues(self.order, [{"state": "draft"}])
            self.assertFalse(self.order.client_order_ref)
            self.assertFalse(self.env["credit.recheck"].search([]))
        notes = self.hold.message_ids.filtered(lambda note: "carrier" in note.body)
        self.assertEqual(len(notes), 1, "said once")
        self._tick()
        self.customer.credit_limit = 5000.0
        self._tick()
        self.assertEqual(self.order.state, "sale")

    def test_meeting_another_transaction_is_not_taken_for_a_failure(self):
        with (
            patch.object(type(self.order), "action_confirm", side_effect=self._meet),
            self.assertRaises(SerializationFailure),
        ):
            self.company.credit_confirm_on_release = True
            self._pay(900.0)
            self.hold.sudo()._recheck()

    def _meet(self):
        raise SerializationFailure
