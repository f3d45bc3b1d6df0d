from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestCreditAccount(CreditControlCommon):
    """One limit for amounts of several currencies, branches and customers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_rule()
        euro = cls.setup_other_currency("EUR", rates=[("2000-01-01", 2.0)])
        cls.euros = cls.env["product.pricelist"].create(
            {"name": "EUR", "currency_id": euro.id}
        )
        cls.sister = cls.env["res.partner"].create({"name": "Sister"})

    def _new_group(self, **values):
        members = self.customer | self.sister
        return self.env["credit.group"].create(
            {
                "name": "Family",
                "company_id": self.company.id,
                "partner_ids": [Command.set(members.ids)],
                **values,
            }
        )

    def _hold(self, amount, **values):
        """The hold that an order meets, empty if it is confirmed."""
        order = self._create_order(amount, **values)
        order.order_line.tax_ids = False
        order.action_confirm()
        self.assertEqual(order.state, "draft" if order.credit_hold_ids else "sale")
        return order.credit_hold_ids

    def test_authority_covers_the_excess_in_the_currency_of_the_company(self):
        self.customer.credit_limit = 100.0
        hold = self._hold(400.0, pricelist_id=self.euros.id)
        self.assertEqual((hold.document_amount, hold.amount_over), (200.0, 100.0))
        clerk = self._new_user("other", "credit_control.group_credit_approver")
        authority = self._give_authority(clerk, 99.99)
        with self.assertRaises(AccessError):
            hold.with_user(clerk).action_release("ok")
        authority.amount = 100.0
        hold.with_user(clerk).action_release("ok")
        order = hold.order_id
        self.assertEqual(hold.approved_currency_id, self.euros.currency_id)
        self.assertEqual(hold.approved_total, 400.0)
        order.order_line.price_unit = 401.0
        order.action_confirm()
        self.assertEqual(order.state, "draft", "more than was released")
        order.order_line.price_unit = 400.0
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_foreign_currency_within_a_group(self):
        group = self._new_group(credit_limit=500.0)
        self.assertFalse(self._hold(400.0, pricelist_id=self.euros.id))
        self.assertEqual(group.exposure, 200.0)
        hold = self._hold(300.01, partner=self.sister)
        self.assertEqual((hold.exposure, hold.amount_over), (200.0, 0.01))
        self.assertFalse(
            self._hold(600.0, partner=self.sister, pricelist_id=self.euros.id)
        )

    def test_branch_within_a_group(self):
        branch = self._create_branch()
        group = self._new_group(credit_limit=500.0)
        self.customer.with_company(branch).credit_limit = 9000.0
        self.assertFalse(self._hold(400.0, company_id=branch.id))
        self.assertEqual(group.exposure, 400.0)
        hold = self._hold(100.01, partner=self.sister)
        self.assertEqual((hold.credit_limit, hold.amount_over), (500.0, 0.01))
        hold = self._hold(100.01, company_id=branch.id)
        self.assertEqual((hold.credit_limit, hold.amount_over), (500.0, 0.01))
        self.assertFalse(self._hold(100.0, company_id=branch.id))

    def test_temporary_limit_of_a_group(self):
        group = self._new_group(credit_limit=100.0)
        limit = self.env["credit.limit"].create(
            {
                "group_id": group.id,
                "amount": 500.0,
                "date_from": "2020-01-01",
                "date_to": "2990-01-01",
                "reason": "Season",
            }
        )
        own = {**limit.copy_data()[0], "group_id": False, "amount": 9000.0}
        self.env["credit.limit"].create({**own, "partner_id": self.sister.id})
        self.assertFalse(self._hold(300.0))
        self.assertFalse(self._hold(200.0, partner=self.sister))
        hold = self._hold(1.0, partner=self.sister)
        self.assertEqual((hold.credit_limit, hold.amount_over), (500.0, 1.0))
        limit.action_end()
        self.assertEqual(self._figures(self.sister).limit, 100.0)
