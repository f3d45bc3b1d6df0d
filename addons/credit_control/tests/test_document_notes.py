from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestDocumentNotes(CreditControlCommon):
    """Notes on documents name no figures: not all who read them may know those."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.credit_limit = 1234.0
        invoice = cls._create_credit_invoice(4321.0, post=False)
        invoice.invoice_date_due = "2020-01-01"
        invoice.action_post()
        cls.order = cls._create_order(5678.0, user_id=cls.salesperson.id)

    def _read_notes(self, document, user=None):
        user = user or self.warehouse_user
        document.with_user(user).check_access("read")
        messages = self.env["mail.message"].with_user(user)
        messages = messages.search(
            [("model", "=", document._name), ("res_id", "=", document.id)]
        )
        return "\n".join(messages.mapped("body"))

    def _assert_no_figures(self, notes):
        for figure in ("1,234", "4,321", "5,678", "9,999", "8,765", "777"):
            self.assertNotIn(figure, notes)

    def test_warnings_of_an_order_for_the_warehouse(self):
        for rule_type in ("limit_used", "overdue_amount", "order_amount"):
            self._create_rule(rule_type, 1.0, action="warn")
        self.order.action_confirm()
        self.assertEqual(self.order.state, "sale")
        notes = self._read_notes(self.order)
        for rule_type in ("limit_used", "overdue_amount", "order_amount"):
            self.assertIn(f"Credit warning: {rule_type}", notes)
        self._assert_no_figures(notes)
        order = self.order.with_user(self.warehouse_user)
        for name in ("credit_gauge", "credit_gauge_text"):
            with self.assertRaises(AccessError):
                order.read([name])
        text = self.order.with_user(self.salesperson).credit_gauge_text
        self.assertIn("1,234", text, "those who sell see the figures on the order")

    def test_hold_and_its_decisions_for_the_warehouse(self):
        self._create_rule()
        self.order.with_user(self.salesperson).action_confirm()
        hold = self.order.credit_hold_ids
        hold.with_user(self.approver).action_reject("Owes 9,999 since May")
        notes = self._read_notes(self.order)
        self.assertIn("On credit hold: Credit limit used.", notes)
        self.assertIn("Credit hold rejected by", notes)
        self.assertIn(f'data-oe-model="credit.hold" data-oe-id="{hold.id}"', notes)
        self._assert_no_figures(notes)
        with self.assertRaises(AccessError):
            hold.with_user(self.warehouse_user).read(["reasons"])
        self.assertIn("1,234", hold.with_user(self.salesperson).reasons)
        told = self._read_notes(hold, self.salesperson)
        self.assertIn("Owes 9,999 since May", told, "read by following the link")

    def test_hold_by_hand(self):
        self.order.apply_credit_hold("Owes 9,999 since May")
        self.order.with_user(self.approver).release_credit_hold("Paid 777 today")
        notes = self._read_notes(self.order)
        self.assertIn("On credit hold: By hand.", notes)
        self.assertIn("Credit hold released by", notes)
        self._assert_no_figures(notes)

    def test_transfer_and_invoice(self):
        self._create_rule(action="warn", check_delivery=True, check_invoice=True)
        self.order.action_confirm()
        self._deliver(self.order)
        picking = self.order.picking_ids
        self.assertEqual(picking.state, "done")
        self._assert_no_figures(self._read_notes(picking))
        invoice = self.order._create_invoices()
        invoice.action_post()
        notes = self._read_notes(invoice, self.env.user)
        self.assertIn("Credit warning: limit_used", notes)
        self._assert_no_figures(notes)

    def test_request_of_a_limit_on_the_customer(self):
        clerk = self._new_user(
            "clerk",
            "account.group_account_invoice,base.group_partner_manager,"
            "credit_control.group_credit_user",
        )
        self.customer.with_user(clerk).credit_limit = 8765.0
        notes = self._read_notes(self.customer)
        self.assertIn("A new credit limit waits for approval.", notes)
        self._assert_no_figures(notes)
        request = self.env["credit.limit"].search([("state", "=", "requested")])
        self.assertEqual(request.amount, 8765.0)
        with self.assertRaises(AccessError):
            request.with_user(self.warehouse_user).read(["amount"])
