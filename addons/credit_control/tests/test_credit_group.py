from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestCreditGroup(CreditControlCommon):
    """Whoever changes a group gives no more credit than the own authority covers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls._new_user("manager", "credit_control.group_credit_manager")
        cls._give_authority(cls.manager, 500)
        cls.poor = cls._new_customer("Poor", 100.0)
        cls.rich = cls._new_customer("Rich", 9000.0)
        cls.group = cls._new_group(credit_limit=400.0)
        cls.rich_group = cls._new_group(credit_limit=9000.0)

    @classmethod
    def _new_customer(cls, name, limit):
        return cls.env["res.partner"].create({"name": name, "credit_limit": limit})

    @classmethod
    def _new_group(cls, user=None, members=(), **values):
        groups = cls.env["credit.group"].with_user(user or cls.env.user)
        return groups.create(
            {
                "name": "Group",
                "company_id": cls.company.id,
                "partner_ids": [Command.set([partner.id for partner in members])],
                **values,
            }
        )

    def _assert_refused(self, *calls):
        for number, call in enumerate(calls):
            with self.subTest(number=number), self.assertRaises(AccessError) as caught:
                call()
            self.assertIn("authority", str(caught.exception))
            # As the end of a failed request does
            self.env.registry.clear_cache()

    def _as_manager(self, group=None):
        return (group or self.group).with_user(self.manager)

    def test_amount(self):
        group = self._as_manager()
        group.credit_limit = 500.0
        group.credit_limit = 300.0
        self._new_group(self.manager, credit_limit=500.0)
        self._assert_refused(
            lambda: group.write({"credit_limit": 500.01}),
            lambda: self._new_group(self.manager, credit_limit=500.01),
        )
        self._as_manager(self.rich_group).credit_limit = 8000.0
        self._assert_refused(
            lambda: self._as_manager(self.rich_group).write({"credit_limit": 9000.0})
        )

    def test_last_day(self):
        rich_group = self._as_manager(self.rich_group)
        rich_group.limit_expiry = "2990-01-01"
        rich_group.limit_expiry = "2980-01-01"
        self._assert_refused(
            lambda: rich_group.write({"limit_expiry": "2985-01-01"}),
            lambda: rich_group.write({"limit_expiry": False}),
        )
        self._as_manager().limit_expiry = "2990-01-01"
        self._as_manager().limit_expiry = False

    def test_who_is_put_in_and_taken_out(self):
        group, rich_group = self._as_manager(), self._as_manager(self.rich_group)
        self._assert_refused(
            lambda: rich_group.write({"partner_ids": [Command.link(self.poor.id)]}),
            lambda: rich_group.write({"partner_ids": [Command.set(self.poor.ids)]}),
        )
        rich_group.partner_ids = self.rich
        rich_group.partner_ids = False
        group.partner_ids = self.poor | self.rich
        self._assert_refused(
            lambda: group.write({"partner_ids": [Command.unlink(self.rich.id)]})
        )
        group.write({"partner_ids": [Command.unlink(self.poor.id)]})
        self.assertEqual(self.group.partner_ids, self.rich)

    def test_archived_and_deleted(self):
        self.group.partner_ids = self.poor | self.rich
        self.rich_group.active = False
        self.rich_group.partner_ids = self.customer
        self._assert_refused(
            lambda: self._as_manager().write({"active": False}),
            lambda: self._as_manager().unlink(),
            lambda: self._as_manager(self.rich_group).write({"active": True}),
        )
        self.group.partner_ids = self.poor
        self._as_manager().active = False
        self._as_manager().active = True
        self._as_manager().unlink()
        self.assertEqual(self._figures(self.poor).limit, 100.0)

    def test_authority_of_the_company_of_the_group(self):
        """Not the active company's, and of each group its own."""
        other = self.setup_other_company()["company"]
        self.manager.company_ids |= other
        self.env.user.company_ids |= other
        self._give_authority(self.manager, 20, company_id=other.id)
        elsewhere = self._new_group(company_id=other.id, credit_limit=1.0)
        both = (self.group | elsewhere).with_user(self.manager)
        both = both.with_context(allowed_company_ids=[self.company.id, other.id])
        both.credit_limit = 20.0
        self._assert_refused(
            lambda: both.write({"credit_limit": 20.01}),
            lambda: both.create(
                {"name": "New", "company_id": other.id, "credit_limit": 20.01}
            ),
        )

    def test_nobody_watches_without_authorities(self):
        self.env["credit.authority"].search([]).unlink()
        self._as_manager().write(
            {"credit_limit": 9e6, "partner_ids": [Command.set(self.poor.ids)]}
        )
        self._as_manager().unlink()
        self.assertEqual(self._figures(self.poor).limit, 100.0)
