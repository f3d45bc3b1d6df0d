import json
from datetime import datetime, timedelta

from odoo.tests import HttpCase, tagged

from .payment_common import PaymentCommon


@tagged("post_install", "-at_install")
class TestRecordPaymentApi(PaymentCommon, HttpCase):
    """`record_payment` as another program calls it."""

    def setUp(self):
        super().setUp()
        self.invoice = self._posted(100)

    def _call(self, user, **arguments):
        key = (
            self.env["res.users.apikeys"]
            .with_user(user)
            .sudo()
            ._generate("rpc", "test", datetime.now() + timedelta(days=1))
        )
        return self.url_open(
            "/json/2/account.move/record_payment",
            data=json.dumps({"ids": self.invoice.ids, **arguments}),
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
            },
        )

    def test_payment_is_recorded(self):
        response = self._call(
            self.biller,
            payment_amount=60,
            payment_method="BANK",
            payment_reference="T1",
        )
        self.assertEqual(response.status_code, 200, response.text)
        result = response.json()
        self.assertEqual(result["amount_due"], 40)
        self.assertEqual(result["status"], "partial")
        payment = self.env["account.payment"].browse(result["payment_id"])
        self.assertEqual(payment.create_uid, self.biller)

    def test_refusal_is_422_with_the_reason(self):
        for amount in (101, 0, -1, "ten", None):
            response = self._call(self.biller, payment_amount=amount)
            self.assertEqual(response.status_code, 422, response.text)
            self.assertIn("payment", response.json()["message"])
        self.assertEqual(self._call(self.biller).status_code, 422)
        self.assertEqual(self.invoice.amount_residual, 100)

    def test_no_rights_is_403(self):
        response = self._call(self.salesperson, payment_amount=10)
        self.assertEqual(response.status_code, 403, response.text)
