from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from odoo.addons.payment.tests.common import PaymentCommon

from .common import CreditControlCommon

# The smallest PNG image
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6"
    "kgAAAABJRU5ErkJggg=="
)


@tagged("post_install", "-at_install")
class TestOnlinePayment(CreditControlCommon, PaymentCommon):
    """Money that arrives is booked; a hold raises nothing in the post-processing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_rule()
        cls.customer.credit_limit = 100.0

    def _pay_online(self, order, state, amount=None):
        # A feature of the provider, which the dummy computes to nothing
        self.provider.support_manual_capture = "partial"
        transaction = self._create_transaction(
            "redirect",
            sale_order_ids=[order.id],
            partner_id=order.partner_id.id,
            amount=amount or order.amount_total,
            currency_id=order.currency_id.id,
            reference=f"{order.name}-{state}",
            state=state,
        )
        transaction._post_process()
        return transaction

    def test_prepaid_order_is_confirmed_over_any_limit(self):
        for state in ("authorized", "done"):
            order = self._create_order(1000.0)
            self._pay_online(order, state)
            self.assertEqual(order.state, "sale", state)

    def test_payment_counts_once_before_and_after_it_is_booked(self):
        order = self._create_order(1000.0)
        self._pay_online(order, "authorized")
        self.assertEqual(self._exposure(), 0.0)
        self.assertEqual(self._fresh_exposure(), 0.0)
        other = self._create_order(500.0)
        self._pay_online(other, "done")
        self.assertEqual(self._exposure(), 0.0)
        self.assertEqual(self._fresh_exposure(), 0.0)

    def test_order_of_a_customer_over_the_limit_is_held_without_error(self):
        self._create_credit_invoice(5000.0)
        order = self._create_order(1000.0, require_payment=True)
        order.prepayment_percent = 0.1
        transaction = self._pay_online(order, "done", 100.0)
        self.assertEqual(order.state, "draft")
        self.assertEqual(order.credit_state, "hold")
        transaction._post_process()
        self.assertEqual(order.state, "draft")
        self.assertEqual(len(order.credit_hold_ids), 1)


@tagged("post_install", "-at_install")
class TestPortalSignature(CreditControlCommon, HttpCase):
    def test_held_quotation_that_nobody_accepted_yet(self):
        order = self._create_order(1000.0)
        order.action_quotation_sent()
        order.apply_credit_hold("Dispute")
        page = self.url_open(order.get_portal_url()).text
        self.assertIn("still checking this quotation", page)
        self.assertNotIn("have received your order", page)
        self.assertNotIn("Dispute", page)

    def test_customer_signs_and_is_told(self):
        self._create_rule()
        self.customer.credit_limit = 100.0
        order = self._create_order(1000.0, require_signature=True)
        order.require_payment = False
        order.action_quotation_sent()
        url = order.get_portal_url()
        token = order._portal_ensure_token()
        # The signed quotation is printed; the printer is not what is tested here
        reports = self.env.registry["ir.actions.report"]
        printed = patch.object(
            reports, "_render_qweb_pdf", lambda *args, **kwargs: (b"%PDF", "pdf")
        )
        with printed:
            self.make_jsonrpc_request(
                f"/my/orders/{order.id}/accept",
                {
                    "access_token": token,
                    "name": "Customer",
                    "signature": PIXEL,
                },
            )
        self.assertTrue(order.signature)
        self.assertEqual(order.state, "sent")
        self.assertEqual(order.credit_hold_ids.state, "open")
        self.assertIn(self.approver, order.credit_hold_ids.activity_ids.user_id)
        page = self.url_open(url).text
        self.assertIn("your place in the queue are kept", page)
        self.assertNotIn(order.credit_hold_ids.reasons, page)
