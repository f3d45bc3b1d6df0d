from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestLimitInForce(CreditControlCommon):
    """Which limit counts today, and whether it has expired."""

    def _group(self, **values):
        return self.env["credit.group"].create(
            {
                "name": "Family",
                "company_id": self.company.id,
                "partner_ids": [Command.set(self.customer.ids)],
                **values,
            }
        )

    def _lend(self, **owner):
        return self.env["credit.limit"].create(
            {
                **owner,
                "kind": "temporary",
                "amount": 4000.0,
                "date_from": "2020-01-01",
                "date_to": "2990-01-01",
                "reason": "Season",
            }
        )

    def _assert_expired(self, expired, limit):
        figures = self._figures()
        self.assertEqual((figures.limit_expired, figures.limit), (expired, limit))

    def test_temporary_limit_outlives_the_expired_one(self):
        self._create_rule("limit_expired", 0.0)
        self.customer.credit_limit = 100.0
        self._expire_limit(self.customer)
        self._assert_expired(True, 0.0)
        temporary = self._lend(partner_id=self.customer.id)
        self._assert_expired(False, 4000.0)
        order = self._create_order(500.0)
        order.action_confirm()
        self.assertEqual(order.state, "sale")
        temporary.action_end()
        self._assert_expired(True, 0.0)

    def test_temporary_limit_of_a_group_outlives_the_expired_one(self):
        group = self._group(credit_limit=100.0)
        self._expire_limit(group)
        self._assert_expired(True, 0.0)
        temporary = self._lend(group_id=group.id)
        self._assert_expired(False, 4000.0)
        temporary.action_end()
        self._assert_expired(True, 0.0)

    def test_unlimited_credit_does_not_expire(self):
        self.customer.credit_limit_policy = "unlimited"
        self._expire_limit(self.customer)
        self._assert_expired(False, None)
        group = self._group(is_unlimited=True)
        self._expire_limit(group)
        self._assert_expired(False, None)

    def test_last_day_in_the_past_is_refused(self):
        group = self._group(credit_limit=100.0)
        partners = self.env["res.partner"]
        for refused in (
            lambda: self.customer.write({"credit_limit_expiry": "2020-01-01"}),
            lambda: partners.create(
                {"name": "New", "credit_limit_expiry": "2020-01-01"}
            ),
            lambda: group.write({"limit_expiry": "2020-01-01"}),
            lambda: self._group(partner_ids=False, limit_expiry="2020-01-01"),
        ):
            with self.assertRaisesRegex(ValidationError, "later last day"):
                refused()

    def test_last_day_that_has_passed_may_be_written_again(self):
        """As an import does that brings all columns back."""
        group = self._group()
        for owner, name in (
            (self.customer, "credit_limit_expiry"),
            (group, "limit_expiry"),
        ):
            self._expire_limit(owner)
            owner.write({"name": "Other", name: "2020-01-01"})
            self.assertEqual(owner.name, "Other")
