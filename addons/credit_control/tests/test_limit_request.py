from datetime import date

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon

TRACKED = ["credit_limit", "credit_limit_policy", "credit_limit_expiry"]
# The tests of accounting switch it off
TRACKING = {"tracking_disable": False, "mail_notrack": False}


@tagged("post_install", "-at_install")
class TestLimitRequest(CreditControlCommon):
    """A limit somebody else approves: what counts afterwards is what was asked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls._new_user(
            "clerk",
            "account.group_account_invoice,base.group_partner_manager,"
            "credit_control.group_credit_user",
        )

    def _ask(self, partner=None, **values):
        """Change the customer as a clerk; return the request that came of it."""
        known = self.env["credit.limit"].search([])
        (partner or self.customer).with_user(self.clerk).write(values)
        return self.env["credit.limit"].search([]) - known

    def _approve(self, request):
        request.with_user(self.approver).action_approve()
        self.env.invalidate_all()

    def _limit(self, company=None):
        return self._figures(company=company).limit

    # ------------------------------------------------------------------
    # Last day of a permanent limit
    # ------------------------------------------------------------------

    def test_approved_limit_ends_on_the_day_that_was_asked_for(self):
        request = self._ask(credit_limit=5000.0, credit_limit_expiry="2990-12-31")
        self.assertEqual(request.date_to, date(2990, 12, 31))
        self.assertFalse(self.customer.credit_limit_expiry)
        self._approve(request)
        self.assertEqual(self._limit(), 5000.0)
        self.assertEqual(self.customer.credit_limit_expiry, date(2990, 12, 31))

    def test_raise_of_the_amount_keeps_the_last_day(self):
        self.customer.write(
            {"credit_limit": 300.0, "credit_limit_expiry": "2990-01-01"}
        )
        self._approve(self._ask(credit_limit=500.0))
        self.assertEqual(self._limit(), 500.0)
        self.assertEqual(self.customer.credit_limit_expiry, date(2990, 1, 1))

    def test_renewal_of_an_expired_limit(self):
        self.customer.credit_limit = 300.0
        self._expire_limit(self.customer)
        self.assertEqual(self._limit(), 0.0)
        request = self._ask(credit_limit_expiry="2990-01-01")
        self.assertEqual(self._limit(), 0.0)
        self._approve(request)
        self.assertEqual(self._limit(), 300.0)
        self.assertEqual(self.customer.credit_limit_expiry, date(2990, 1, 1))
        self._expire_limit(self.customer)
        self._approve(self._ask(credit_limit_expiry=False))
        self.assertEqual(self._limit(), 300.0, "without a last day")

    def test_amount_alone_does_not_renew_an_expired_limit(self):
        self.customer.credit_limit = 300.0
        self._expire_limit(self.customer)
        with self.assertRaisesRegex(ValidationError, "later last day"):
            self._ask(credit_limit=500.0)

    def test_permanent_limit_of_a_group_with_a_last_day(self):
        group = self.env["credit.group"].create(
            {"name": "Family", "partner_ids": [Command.set(self.customer.ids)]}
        )
        values = {
            "group_id": group.id,
            "kind": "permanent",
            "amount": 700.0,
            "reason": "x",
        }
        request = self.env["credit.limit"].with_user(self.clerk)
        request = request.create({**values, "date_to": "2990-01-01"})
        self._approve(request)
        self.assertEqual(group.credit_limit, 700.0)
        self.assertEqual(group.limit_expiry, date(2990, 1, 1))

    def test_request_that_waited_too_long_is_not_approved(self):
        request = self._ask(credit_limit=5000.0, credit_limit_expiry="2990-12-31")
        self.env.flush_all()
        self.env.cr.execute("UPDATE credit_limit SET date_to = '2020-01-01'")
        self.env.invalidate_all()
        with self.assertRaisesRegex(ValidationError, "later last day"):
            self._approve(request)
        with self.assertRaisesRegex(ValidationError, "later last day"):
            self._ask(credit_limit=5000.0, credit_limit_expiry="2020-01-01")

    # ------------------------------------------------------------------
    # Branches
    # ------------------------------------------------------------------

    def test_raise_of_a_branch_is_approved_for_the_branch(self):
        branch = self._create_branch()
        self.clerk.company_ids |= branch
        self.approver.company_ids |= branch
        self.customer.credit_limit = 700.0
        in_branch = self.customer.with_company(branch)
        in_branch.credit_limit = 300.0
        self._approve(self._ask(in_branch, credit_limit=500.0))
        self.assertEqual(self._limit(branch), 500.0)
        self.assertEqual(self._limit(), 700.0)

    def test_only_permanent_limits_of_customers_belong_to_a_branch(self):
        branch = self._create_branch()
        values = {
            "company_id": branch.id,
            "amount": 5.0,
            "reason": "x",
            "date_to": "2990-01-01",
        }
        group = self.env["credit.group"].create({"name": "Family"})
        for owner in (
            {"partner_id": self.customer.id, "kind": "temporary"},
            {"group_id": group.id, "kind": "permanent"},
        ):
            with self.assertRaisesRegex(ValidationError, "legal entity"):
                self.env["credit.limit"].create({**values, **owner})

    # ------------------------------------------------------------------
    # Values that are not typed
    # ------------------------------------------------------------------

    def _assert_not_preset(self, user, partners, *, by_context=True):
        for name, value in (
            ("credit_limit", 9999.0),
            ("credit_limit_policy", "unlimited"),
            ("credit_limit_expiry", "2990-01-01"),
        ):
            with self.subTest(user=user.login, name=name):
                default = self.env["ir.default"].with_user(user)
                default.set("res.partner", name, value, user_id=user.id)
                self._assert_blank(partners.create({"name": "New"}))
                if by_context:
                    preset = partners.with_context(**{f"default_{name}": value})
                    self._assert_blank(preset.create({"name": "Newer"}))

    def _assert_blank(self, partner):
        # sudo: whoever creates customers need not see limits
        self.assertRecordValues(
            partner.sudo().with_user(self.env.user), [dict.fromkeys(TRACKED, False)]
        )

    def test_limit_is_not_preset_by_the_context_or_by_a_personal_default(self):
        editor = self._new_user("editor", "base.group_partner_manager")
        for user in (self.clerk, editor):
            partners = self.env["res.partner"].with_user(user)
            # Odoo itself refuses the context of who has no right on the field
            self._assert_not_preset(user, partners, by_context=user == self.clerk)
            self._assert_not_preset(user, partners.sudo())

    def test_default_of_the_company_is_preset(self):
        self.env["ir.default"].set(
            "res.partner", "credit_limit", 700.0, company_id=self.company.id
        )
        partners = self.env["res.partner"].with_user(self.clerk)
        preset = partners.with_context(default_credit_limit=9999.0)
        self.assertEqual(preset.default_get(["credit_limit"]), {"credit_limit": 700.0})
        self.assertEqual(preset.create({"name": "New"}).credit_limit, 700.0)

    def test_limit_is_preset_where_nobody_watches_limits(self):
        self.env["credit.authority"].search([]).unlink()
        partners = self.env["res.partner"].with_user(self.clerk)
        partner = partners.with_context(default_credit_limit=9.0).create({"name": "N"})
        self.assertEqual(partner.credit_limit, 9.0)

    def test_limit_is_for_who_pays(self):
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.customer.id}
        )
        for kind in ("permanent", "temporary"):
            with self.assertRaisesRegex(ValidationError, "Contact"):
                self.env["credit.limit"].create(
                    {
                        "partner_id": contact.id,
                        "kind": kind,
                        "amount": 5.0,
                        "date_to": "2990-01-01",
                        "reason": "x",
                    }
                )

    # ------------------------------------------------------------------
    # On record
    # ------------------------------------------------------------------

    def _flush_tracking(self):
        self.env.flush_all()
        self.cr.precommit.run()

    def _get_tracked(self, record):
        self._flush_tracking()
        values = record.message_ids.sudo().tracking_value_ids
        return set(values.field_id.mapped("name"))

    def test_changes_are_tracked_for_those_who_may_see_limits(self):
        self._flush_tracking()
        self.customer.with_context(**TRACKING).write(
            {
                "credit_limit": 300.0,
                "credit_limit_policy": "limit",
                "credit_limit_expiry": "2990-01-01",
            }
        )
        self.assertEqual(self._get_tracked(self.customer), set(TRACKED))
        message = self.customer.message_ids[0]
        values = message.sudo().tracking_value_ids
        seen = values.with_user(self.warehouse_user)._filter_has_field_access(
            self.env(user=self.warehouse_user, su=False)
        )
        self.assertFalse(seen, "no figures for those who may not see limits")
        seen = values._filter_has_field_access(self.env(user=self.clerk, su=False))
        self.assertEqual(len(seen), 3)

    def test_nobody_changes_a_limit_without_a_trace(self):
        self._flush_tracking()
        for context in ({"tracking_disable": True}, {"mail_notrack": True}):
            with self.subTest(context=context):
                known = self.customer.message_ids
                self.customer.with_context(**context).credit_limit += 10.0
                self._flush_tracking()
                values = (self.customer.message_ids - known).sudo().tracking_value_ids
                self.assertEqual(values.field_id.mapped("name"), ["credit_limit"])

    def test_limits_are_not_read_where_something_else_is_written(self):
        self._flush_tracking()
        self.env.invalidate_all()
        self.customer.with_context(**TRACKING).ref = "4711"
        self._flush_tracking()
        for name in TRACKED:
            cache = self.customer._fields[name]._get_cache(self.env)
            self.assertNotIn(self.customer.id, cache)

    def _get_limit_changes(self, partner):
        self._flush_tracking()
        values = partner.message_ids.sudo().tracking_value_ids.sorted("id")
        return [
            (value.old_value_float, value.new_value_float)
            for value in values
            if value.field_id.name in TRACKED
        ]

    def test_changes_are_tracked_by_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        elsewhere = self.customer.with_company(other)
        elsewhere.credit_limit = 1000.0
        self.customer.credit_limit = 70.0
        self._flush_tracking()
        self.customer.message_ids.unlink()
        self.customer.ref = "4711"
        elsewhere.credit_limit = 2000.0
        elsewhere.credit_limit = 70.0
        self.customer.credit_limit = 50.0
        self.assertEqual(
            self._get_limit_changes(self.customer), [(1000.0, 70.0), (70.0, 50.0)]
        )

    def test_limits_that_stay_leave_no_trace(self):
        """A contact takes the limits of its parent in every company."""
        other = self.env["res.company"].create({"name": "Other"})
        self.env["ir.default"].set(
            "res.partner", "credit_limit", 1000.0, company_id=other.id
        )
        contact = self.env["res.partner"].create({"name": "Contact"})
        self._flush_tracking()
        contact.message_ids.unlink()
        contact.with_context(**TRACKING).parent_id = self.customer
        self.assertEqual(self._get_limit_changes(contact), [])

    def test_members_of_a_group_are_tracked(self):
        group = self.env["credit.group"].create({"name": "Family"})
        self._flush_tracking()
        group.with_context(**TRACKING).partner_ids = self.customer
        self.assertEqual(self._get_tracked(group), {"partner_ids"})

    def test_reason_of_a_decided_limit_stays(self):
        request = self._ask(credit_limit=5000.0)
        as_clerk = request.with_user(self.clerk)
        as_clerk.reason = "Better reason"
        self._approve(request)
        with self.assertRaisesRegex(UserError, "on record"):
            as_clerk.reason = "Something else"
        self.assertEqual(request.reason, "Better reason")
