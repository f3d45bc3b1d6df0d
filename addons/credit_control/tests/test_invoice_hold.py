from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestInvoiceHold(CreditControlCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.credit_limit = 100.0

    def _create_invoice_rule(self, action):
        return self._create_rule(check_order=False, check_invoice=True, action=action)

    def _draft(self, amount=500.0, **kwargs):
        return self._create_credit_invoice(amount, post=False, **kwargs)

    def test_nothing_stops_an_invoice_by_default(self):
        self._create_rule()
        invoice = self._draft()
        invoice.action_post()
        self.assertEqual(invoice.state, "posted")

    def test_warning(self):
        self._create_invoice_rule("warn")
        invoice = self._draft()
        invoice.action_post()
        self.assertEqual(invoice.state, "posted")
        bodies = invoice.message_ids.mapped("body")
        self.assertTrue(any("Credit warning: limit_used" in body for body in bodies))
        self.assertNotIn("500.00", "".join(bodies), "no figures beside the document's")

    def test_hold_by_every_path(self):
        self._create_invoice_rule("hold")
        for post in (
            lambda invoice: invoice.action_post(),
            lambda invoice: invoice._post(),
            lambda invoice: invoice.write({"state": "posted"}),
            lambda invoice: self.env["validate.account.move"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"move_ids": invoice.ids})
            .validate_move(),
        ):
            invoice = self._draft()
            post(invoice)
            self.assertEqual(invoice.state, "draft")
            self.assertEqual(invoice.credit_hold_ids.state, "open")

    def test_scheduled_posting_goes_on_with_the_others(self):
        self._create_invoice_rule("hold")
        good = self.env["res.partner"].create({"name": "Good"})
        invoices = self._draft() | self._draft(partner=good)
        invoices.auto_post = "at_date"
        invoices.date = fields.Date.today()
        with self.enter_registry_test_mode():
            self.env.ref(
                "account.ir_cron_auto_post_draft_entry"
            ).method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(invoices.mapped("state"), ["draft", "posted"])

    def test_release_posts(self):
        self._create_invoice_rule("hold")
        invoice = self._draft()
        action = invoice.action_post()
        self.assertEqual(action["tag"], "display_notification")
        invoice.credit_hold_ids.with_user(self.approver).action_release("ok")
        invoice.action_post()
        self.assertEqual(invoice.state, "posted")

    def test_credit_notes_bills_and_entries_are_free(self):
        self._create_invoice_rule("hold")
        for move_type in ("out_refund", "in_invoice", "in_refund"):
            move = self._draft(move_type=move_type)
            move.invoice_date = fields.Date.today()
            move.action_post()
            self.assertEqual(move.state, "posted", move_type)

    def _release_order(self, amount=500.0, **values):
        self._create_rule(check_invoice=True, check_delivery=True)
        self.product.invoice_policy = "order"
        order = self._create_order(amount, **values)
        order.with_user(self.salesperson).sudo().action_confirm()
        order.credit_hold_ids.with_user(self.approver).action_release("ok")
        order.action_confirm()
        return order

    def _assert_invoice_held(self, invoice):
        invoice.action_post()
        self.assertEqual(invoice.state, "draft")
        self.assertEqual(invoice.credit_hold_ids.state, "open")

    def test_order_released_once_is_billed_without_another_question(self):
        order = self._release_order()
        self._deliver(order)
        self.assertEqual(order.picking_ids.state, "done")
        invoice = order._create_invoices()
        invoice.action_post()
        self.assertEqual(invoice.state, "posted")

    def test_release_of_an_order_bills_nothing_else(self):
        invoice = self._release_order()._create_invoices()
        invoice.invoice_line_ids = [
            Command.create({"name": "Besides", "price_unit": 9000.0, "tax_ids": False})
        ]
        self._assert_invoice_held(invoice)

    def test_release_of_an_order_bills_no_higher_price(self):
        invoice = self._release_order()._create_invoices()
        invoice.invoice_line_ids.price_unit = 9000.0
        self._assert_invoice_held(invoice)

    def test_release_of_an_order_bills_its_customer(self):
        invoice = self._release_order()._create_invoices()
        invoice.partner_id = self.env["res.partner"].create(
            {"name": "Bankrupt", "credit_limit": 1.0}
        )
        self._assert_invoice_held(invoice)

    def test_release_of_an_order_bills_it_once(self):
        order = self._release_order()
        invoice = order._create_invoices()
        twin = invoice.copy()
        twin.invoice_line_ids.sale_line_ids = order.order_line
        invoice.action_post()
        self.assertEqual(invoice.state, "posted")
        self._assert_invoice_held(twin)

    def test_release_of_an_order_bills_it_in_parts(self):
        order = self._release_order(500.0, quantity=5)
        wizard = self.env["sale.advance.payment.inv"].with_context(
            active_model="sale.order", active_ids=order.ids
        )
        wizard.create(
            {"advance_payment_method": "percentage", "amount": 20.0}
        ).create_invoices()
        part = order.invoice_ids
        part.action_post()
        rest = order._create_invoices(final=True)
        rest.action_post()
        self.assertEqual(part.state, "posted")
        self.assertEqual(rest.state, "posted")
        self.assertEqual(rest.amount_total, 400.0)

    def test_release_ends_with_the_invoice(self):
        self._create_invoice_rule("hold")
        invoice = self._draft()
        invoice.action_post()
        hold = invoice.credit_hold_ids
        hold.with_user(self.approver).action_release("ok")
        invoice.button_cancel()
        self.assertEqual(hold.state, "expired")
        invoice.button_draft()
        invoice.action_post()
        self.assertEqual(invoice.credit_state, "hold")
