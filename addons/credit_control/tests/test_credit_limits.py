from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestCreditLimits(CreditControlCommon):
    def _limit(self, partner=None):
        return self._figures(partner).limit

    def test_unlimited_is_not_zero(self):
        self.assertIsNone(self._limit())
        self.customer.credit_limit = 0.0
        self.assertIsNone(self._limit())
        self.customer.credit_limit_policy = "limit"
        self.assertEqual(self._limit(), 0.0)
        self.customer.credit_limit_policy = "unlimited"
        self.customer.credit_limit = 500.0
        self.assertIsNone(self._limit())

    def test_zero_limit_stops_the_smallest_order(self):
        self._create_rule()
        self.customer.credit_limit_policy = "limit"
        order = self._create_order(0.01)
        order.action_confirm()
        self.assertEqual(order.state, "draft")
        self.assertEqual(self.customer.credit_utilization, 0.0)

    def test_default_of_the_company(self):
        self.env["ir.default"].set(
            "res.partner", "credit_limit", 700.0, company_id=self.company.id
        )
        self.assertEqual(self._limit(), 700.0)
        self.customer.credit_limit = 0.0
        self.assertEqual(self._limit(), 0.0)
        self.customer.credit_limit = 900.0
        self.assertEqual(self._limit(), 900.0)

    def test_negative_limit_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "negative"):
            self.customer.credit_limit = -1.0

    def test_limit_that_is_no_number_is_refused(self):
        company_id = self.company.root_id.id
        rule = self._create_rule()
        for bad in ("much", float("nan"), float("inf"), [1], 1e300):
            for create in (
                lambda value: self.customer.write({"credit_limit": value}),
                lambda value: self.customer.create(
                    {"name": "x", "credit_limit": value}
                ),
                lambda value: rule.write({"threshold": value}),
                lambda value: self.env["credit.group"].create(
                    {"name": "x", "company_id": company_id, "credit_limit": value}
                ),
                lambda value: self._give_authority(self.salesperson, value),
                lambda value: self.env["credit.limit"].create(
                    {"partner_id": self.customer.id, "amount": value, "reason": "x"}
                ),
            ):
                with self.subTest(bad=bad), self.assertRaises(UserError):
                    create(bad)

    def test_new_customer_gets_no_limit_above_the_authority(self):
        clerk = self._new_clerk()
        self._give_authority(clerk, 500)
        small, large = (
            self.env["res.partner"]
            .with_user(clerk)
            .create(
                [
                    {"name": "Small", "credit_limit": 500.0},
                    {"name": "Large", "credit_limit": 5000.0},
                ]
            )
        )
        self.assertEqual(small.credit_limit, 500.0)
        self.assertEqual(large.credit_limit, 0.0)
        request = self.env["credit.limit"].search([("partner_id", "=", large.id)])
        self.assertEqual((request.state, request.amount), ("requested", 5000.0))

    def _new_clerk(self):
        """Somebody who may write limits, but may raise none."""
        return self._new_user(
            "clerk",
            "account.group_account_invoice,base.group_partner_manager,"
            "credit_control.group_credit_user",
        )

    def test_contact_created_by_the_form_asks_for_no_limit(self):
        partners = self.env["res.partner"].with_user(self._new_clerk())
        specification = {"credit_limit": {}}
        empty = {
            "credit_limit": 0.0,
            "credit_limit_policy": False,
            "credit_limit_expiry": False,
        }
        self.customer.credit_limit = 300.0
        for values in (
            {"name": "New", **empty},
            {"name": "Contact", "parent_id": self.customer.id, **empty},
            {"name": "Child", "parent_id": self.customer.id, "credit_limit": 9999.0},
        ):
            [saved] = partners.web_save(values, specification)
            self.assertFalse(self.env["credit.limit"].search([]), values)
            partner = self.env["res.partner"].browse(saved["id"])
            self.assertFalse(partner.credit_limit_policy)
        self.assertEqual(self._limit(), 300.0)
        self.assertNotEqual(partner.credit_limit, 9999.0, "nor by way of a contact")

    def test_limit_fields_need_the_right_on_them(self):
        """Who may write contacts, but no limits, cannot ask for one by a call either"""
        editor = self._new_user("editor", "base.group_partner_manager")
        partners = self.env["res.partner"].with_user(editor)
        for values in (
            {"credit_limit": 9999.0},
            {"credit_limit_policy": "unlimited"},
            {"credit_limit_expiry": "2990-01-01"},
        ):
            with self.assertRaises(AccessError):
                partners.create({"name": "New", **values})
            with self.assertRaises(AccessError):
                self.customer.with_user(editor).write(values)
        reader = self._new_user("reader", "credit_control.group_credit_user")
        with self.assertRaises(AccessError):
            self.customer.with_user(reader).credit_limit = 9999.0
        self.assertFalse(self.env["credit.limit"].search([]))
        partners.create({"name": "Without a limit"})

    def test_shorter_validity_is_no_raise(self):
        self.customer.write(
            {"credit_limit": 300.0, "credit_limit_expiry": "2990-01-01"}
        )
        customer = self.customer.with_user(self._new_clerk())
        customer.credit_limit_expiry = "2980-01-01"
        self.assertEqual(str(self.customer.credit_limit_expiry), "2980-01-01")
        self.assertFalse(self.env["credit.limit"].search([]))
        for longer in ("2985-01-01", False):
            customer.credit_limit_expiry = longer
            self.assertEqual(str(self.customer.credit_limit_expiry), "2980-01-01")
        requests = self.env["credit.limit"].search([])
        self.assertEqual(requests.mapped("amount"), [300.0, 300.0])

    def test_only_the_raised_ones_of_several_wait(self):
        rich = self.env["res.partner"].create({"name": "Rich", "credit_limit": 900.0})
        self.customer.credit_limit = 100.0
        both = (rich | self.customer).with_user(self._new_clerk())
        both.write({"credit_limit": 500.0, "ref": "both"})
        self.assertEqual(both.mapped("credit_limit"), [500.0, 100.0])
        self.assertEqual(both.mapped("ref"), ["both", "both"])
        request = self.env["credit.limit"].search([])
        self.assertEqual(request.partner_id, self.customer)

    def test_zero_where_it_means_no_limit_is_a_raise(self):
        self.customer.credit_limit = 100.0
        with self.assertRaisesRegex(ValidationError, "Unlimited"):
            self.customer.with_user(self._new_clerk()).credit_limit = 0.0

    def test_unlimited_credit_is_more_than_any_authority_covers(self):
        manager = self._new_user(
            "granting",
            "account.group_account_invoice,base.group_partner_manager,"
            "credit_control.group_credit_manager",
        )
        self.customer.credit_limit = 100.0
        customer = self.customer.with_user(manager)
        customer.credit_limit_policy = "unlimited"
        self.assertIsNone(self._limit())
        customer.credit_limit_policy = "limit"
        self._give_authority(manager, 500.0)
        customer.credit_limit = 500.0
        with self.assertRaisesRegex(ValidationError, "Unlimited"):
            customer.credit_limit_policy = "unlimited"
        self.assertEqual(self._limit(), 500.0)

    def test_expired_limit_counts_as_zero(self):
        self.customer.credit_limit = 1000.0
        self._expire_limit(self.customer)
        figures = self._figures()
        self.assertEqual(figures.limit, 0.0)
        self.assertTrue(figures.limit_expired)
        self.customer.credit_limit_expiry = fields.Date.today()
        self.assertEqual(self._limit(), 1000.0)

    def test_temporary_limit_counts_within_its_days(self):
        self.customer.credit_limit = 1000.0
        values = {"partner_id": self.customer.id, "reason": "Season"}
        self.env["credit.limit"].create(
            {**values, "amount": 9, "date_from": "2990-01-01", "date_to": "2999-01-01"}
        )
        self.assertEqual(self._limit(), 1000.0)
        limit = self.env["credit.limit"].create(
            {
                **values,
                "amount": 5000,
                "date_from": "2020-01-01",
                "date_to": "2999-01-01",
            }
        )
        self.assertEqual(self._limit(), 5000.0)
        limit.action_end()
        self.assertEqual(self._limit(), 1000.0)

    def test_temporary_limit_needs_sensible_days(self):
        values = {"partner_id": self.customer.id, "amount": 5, "reason": "x"}
        for date_from, date_to in (
            (False, "2999-01-01"),
            ("2999-01-02", "2999-01-01"),
            ("2019-01-01", "2020-01-01"),
        ):
            with self.assertRaises(ValidationError):
                self.env["credit.limit"].create(
                    {**values, "date_from": date_from, "date_to": date_to}
                )

    def test_raise_above_the_authority_waits_for_approval(self):
        clerk = self._new_clerk()
        self._give_authority(clerk, 500)
        customer = self.customer.with_user(clerk)
        customer.credit_limit = 400.0
        self.assertEqual(self._limit(), 400.0)
        customer.write({"credit_limit": 5000.0, "ref": "kept"})
        self.assertEqual(self._limit(), 400.0)
        self.assertEqual(customer.ref, "kept")
        customer.credit_limit = 300.0
        self.assertEqual(self._limit(), 300.0)
        request = self.env["credit.limit"].search([("state", "=", "requested")])
        self.assertEqual(request.amount, 5000.0)
        with self.assertRaisesRegex(UserError, "Somebody else"):
            request.with_user(clerk).action_approve()
        with self.assertRaisesRegex(AccessError, "authority"):
            request.with_user(self.approver_small).action_approve()
        request.with_user(self.approver).action_approve()
        self.assertEqual(self._limit(), 5000.0)
        with self.assertRaises(ValidationError):
            customer.credit_limit_policy = "unlimited"

    def test_limit_request_is_not_edited(self):
        request = (
            self.env["credit.limit"]
            .with_user(self.approver_small)
            .create(
                {
                    "partner_id": self.customer.id,
                    "amount": 5000,
                    "kind": "permanent",
                    "reason": "x",
                    "state": "approved",
                    "requested_by": self.approver.id,
                }
            )
        )
        self.assertEqual(request.state, "requested")
        self.assertEqual(request.requested_by, self.approver_small)
        with self.assertRaises(UserError):
            request.write({"state": "approved"})
        request.with_user(self.approver).action_refuse()
        self.assertEqual(request.state, "refused")
        self.assertIsNone(self._limit())

    def test_group_shares_limit_and_exposure(self):
        sister = self.env["res.partner"].create(
            {"name": "Sister", "credit_limit": 99999.0}
        )
        self._create_rule()
        group = self.env["credit.group"].create(
            {
                "name": "Family",
                "company_id": self.company.id,
                "credit_limit": 1000.0,
                "partner_ids": [Command.set((self.customer | sister).ids)],
            }
        )
        self._create_order(600.0).action_confirm()
        self.assertEqual(group.exposure, 600.0)
        self.assertEqual(sister.credit_available, 400.0)
        self.assertEqual(sister.credit_exposure, 0.0)
        order = self._create_order(500.0, partner=sister)
        order.action_confirm()
        self.assertEqual(order.state, "draft")
        self.assertEqual(order.credit_hold_ids.group_id, group)
        self.assertEqual(order.credit_hold_ids.exposure, 600.0)
        batch = self._create_order(300.0, partner=sister) | self._create_order(300.0)
        batch.action_confirm()
        self.assertEqual(batch.mapped("state"), ["sale", "draft"])
        self._expire_limit(group)
        self.assertEqual(self._limit(sister), 0.0)
        group.is_unlimited = True
        self.assertIsNone(self._limit(sister))

    def test_a_customer_is_in_one_group(self):
        values = {"company_id": self.company.id, "partner_ids": self.customer.ids}
        self.env["credit.group"].create({"name": "One", **values})
        with self.assertRaisesRegex(ValidationError, "another credit group"):
            self.env["credit.group"].create({"name": "Two", **values})

    def test_limits_of_two_companies(self):
        other = self.setup_other_company()["company"]
        self._create_rule()
        self._create_rule(company_id=other.id)
        self.customer.credit_limit = 100.0
        self.customer.with_company(other).credit_limit = 999999.0
        order = self._create_order(2000.0)
        # Whatever company happens to be active, the document's decides
        self.env.user.company_ids |= other
        order.with_company(other).with_context(
            allowed_company_ids=[other.id, self.company.id]
        ).action_confirm()
        self.assertEqual(order.state, "draft")
