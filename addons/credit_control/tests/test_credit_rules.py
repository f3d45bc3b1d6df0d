from psycopg2 import IntegrityError

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestCreditRules(CreditControlCommon):
    def _is_held(self, amount=100.0, **values):
        order = self._create_order(amount, **values)
        order.action_confirm()
        return order.credit_state == "hold"

    def _overdue_invoice(self, amount, due="2020-01-01"):
        invoice = self._create_credit_invoice(amount, post=False)
        invoice.invoice_date_due = due
        invoice.action_post()
        return invoice

    def test_examples_are_inactive(self):
        examples = self.env["credit.rule"].sudo().with_context(active_test=False)
        rules = examples.search(
            [("company_id", "=", self.env.ref("base.main_company").id)]
        )
        self.assertTrue(rules)
        self.assertFalse(any(rules.mapped("active")))

    def test_rule_without_checkpoint(self):
        with self.assertRaisesRegex(ValidationError, "at least one checkpoint"):
            self._create_rule(check_order=False)
        rule = self._create_rule()
        with self.assertRaises(ValidationError):
            rule.check_order = False

    def test_negative_threshold(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self._create_rule(threshold=-1)

    def test_limit_used_at_the_threshold(self):
        self._create_rule(threshold=80.0)
        self.customer.credit_limit = 1000.0
        self.assertFalse(self._is_held(800.0))
        self.assertTrue(self._is_held(0.01))

    def test_overdue_amount(self):
        self._create_rule("overdue_amount", 100.0)
        self._overdue_invoice(100.0)
        self.assertFalse(self._is_held())
        self._overdue_invoice(0.01)
        self.assertTrue(self._is_held())
        self._pay(50.0)
        self.assertFalse(self._is_held())

    def test_overdue_days_and_oldest_item(self):
        for rule_type in ("overdue_days", "oldest_open_item"):
            rule = self._create_rule(rule_type, 30.0)
            self.assertFalse(self._is_held(), rule_type)
            invoice = self._create_credit_invoice(10.0, post=False)
            invoice.invoice_date = invoice.date = "2020-01-01"
            invoice.invoice_date_due = "2020-01-01"
            invoice.action_post()
            self.assertTrue(self._is_held(), rule_type)
            self._pay(10.0)
            self.assertFalse(self._is_held(), rule_type)
            rule.active = False

    def test_limit_expired(self):
        self._create_rule("limit_expired", 0.0)
        self.customer.write({"credit_limit": 9e6, "credit_limit_expiry": "2999-01-01"})
        self.assertFalse(self._is_held())
        self._expire_limit(self.customer)
        self.assertTrue(self._is_held())

    def test_order_amount(self):
        self._create_rule("order_amount", 500.0)
        self.assertFalse(self._is_held(500.0))
        self.assertTrue(self._is_held(500.01))

    def test_discount(self):
        self._create_rule("discount", 0.0)
        self.env["credit.discount.limit"].create(
            {
                "company_id": self.company.id,
                "group_id": self.env.ref("sales_team.group_sale_salesman").id,
                "max_discount": 10.0,
            }
        )
        for discount, held in ((10.0, False), (25.0, True)):
            order = self._create_order(user_id=self.salesperson.id)
            order.order_line.write({"price_unit": 100.0, "discount": discount})
            order.with_user(self.salesperson).action_confirm()
            self.assertEqual(order.credit_state == "hold", held, discount)

    def test_warning_lets_pass_and_is_written_down(self):
        self._create_rule(action="warn")
        self.customer.credit_limit = 10.0
        order = self._create_order(100.0)
        order.action_confirm()
        self.assertEqual(order.state, "sale")
        bodies = order.message_ids.mapped("body")
        self.assertTrue(any("Credit warning: limit_used" in body for body in bodies))

    def test_several_reasons_in_one_hold(self):
        self._create_rule()
        self._create_rule("order_amount", 50.0)
        self.customer.credit_limit = 10.0
        order = self._create_order(100.0)
        order.action_confirm()
        hold = order.credit_hold_ids
        self.assertEqual(hold.reason_type, "multiple")
        self.assertEqual(len(hold.reasons.splitlines()), 2)
        self.assertEqual(hold.amount_over, 90.0)

    def test_rule_for_a_tag_and_for_a_group(self):
        tag = self.env["res.partner.category"].create({"name": "Risky"})
        group = self.env["credit.group"].create(
            {"name": "Group", "company_id": self.company.id, "credit_limit": 9e6}
        )
        for scope, field, record in (
            ("category", "category_ids", tag),
            ("group", "group_ids", group),
        ):
            with self.assertRaises(ValidationError):
                self._create_rule("order_amount", 1.0, partner_scope=scope)
            rule = self._create_rule(
                "order_amount",
                1.0,
                partner_scope=scope,
                **{field: [Command.set(record.ids)]},
            )
            self.assertFalse(self._is_held(), scope)
            if scope == "category":
                self.customer.category_id = tag
            else:
                group.partner_ids = self.customer
            self.assertTrue(self._is_held(), scope)
            rule.active = False

    def test_rule_of_the_root_binds_its_branches(self):
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        self.cr.precommit.run()
        self.env.user.company_ids |= branch
        self._create_rule("order_amount", 1.0)
        self.assertTrue(self._is_held(company_id=branch.id))

    def test_prepaid_orders_are_no_risk(self):
        self._create_rule()
        self.customer.credit_limit = 100.0
        self._pay(1000.0)
        self.assertFalse(self._is_held(1100.0))
        self.assertTrue(self._is_held(0.01))
