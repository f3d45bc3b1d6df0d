from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_api import CreditApiCommon


@tagged("post_install", "-at_install")
class TestDiscountLimit(CreditApiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bolt = cls._create_goods(price=100.0)
        cls.manager = cls._create_user("api_boss", "sales_team.group_sale_manager")

    def _set_limits(self):
        self._set_limit("sales_team.group_sale_salesman", 10)
        self._set_limit("sales_team.group_sale_manager", 30)

    def _validate(self, user, discount):
        return self.env["product.product"].with_user(user).validate_discount(discount)

    def _excess(self, user, *lines, **values):
        order = self._create_order(*lines, **values)
        return order.with_user(user)._get_discount_excess()

    # validate_discount

    def test_without_maxima_everything_is_valid(self):
        answer = self._validate(self.salesman, 100)
        self.assertTrue(answer["valid"])
        self.assertFalse(answer["requires_approval"])
        self.assertEqual(answer["max_discount"], 100)

    def test_the_highest_maximum_of_the_users_groups_counts(self):
        self._set_limits()
        self.assertTrue(self._validate(self.salesman, 10)["valid"])
        answer = self._validate(self.salesman, 10.01)
        self.assertFalse(answer["valid"])
        self.assertTrue(answer["requires_approval"])
        self.assertEqual(answer["max_discount"], 10)
        self.assertIn("needs approval", answer["message"])
        self.assertTrue(self._validate(self.manager, 30)["valid"])

    def test_user_of_no_listed_group_may_give_nothing(self):
        self._set_limit("sales_team.group_sale_manager", 30)
        self.assertTrue(self._validate(self.salesman, 0)["valid"])
        self.assertFalse(self._validate(self.salesman, 1)["valid"])

    def test_maxima_of_another_company_do_not_count(self):
        other = self._create_company(name="Elsewhere Ltd")
        self._set_limit("sales_team.group_sale_salesman", 5, other)
        self.assertEqual(self._validate(self.salesman, 50)["max_discount"], 100)

    def test_bad_discount(self):
        for discount in (-1, 100.5, "10", float("nan"), None, True):
            with self.subTest(discount=discount), self.assertRaises(UserError):
                self._validate(self.salesman, discount)

    # the discount of an order

    def test_discount_on_a_line(self):
        self._set_limits()
        line = (self.bolt, 1, {"discount": 25})
        self.assertEqual(self._excess(self.salesman, line), 15)
        self.assertEqual(self._excess(self.manager, line), 0)

    def test_price_cut_by_hand_is_a_discount(self):
        self._set_limits()
        self.assertEqual(self._excess(self.salesman, (self.bolt, 3)), 0)
        cut = (self.bolt, 3, {"price_unit": 80})
        self.assertEqual(self._excess(self.salesman, cut), 10)
        forged = (self.bolt, 3, {"price_unit": 80, "technical_price_unit": 80})
        self.assertEqual(self._excess(self.salesman, forged), 10)
        gift = (self.bolt, 1, {"price_unit": 0})
        self.assertEqual(self._excess(self.salesman, gift), 90)

    def test_context_of_the_client_lowers_no_price(self):
        self._set_limits()
        order = self._create_order((self.bolt, 1, {"price_unit": 50}))
        forged = order.with_user(self.salesman).with_context(
            no_variant_attributes_price_extra=-50,
            current_attributes_price_extra=[-50],
        )
        self.assertEqual(forged._get_discount_excess(), 40)

    def test_raised_price_makes_room_for_a_discount(self):
        self._set_limits()
        line = (self.bolt, 1, {"price_unit": 200, "discount": 50})
        self.assertEqual(self._excess(self.salesman, line), 0)

    def test_negative_line_is_a_discount_on_the_order(self):
        self._set_limits()
        rebate = self.env["product.product"].create(
            {"name": "Rebate", "type": "service", "list_price": 0}
        )
        lines = [(self.bolt, 10), (rebate, 1, {"price_unit": -250})]
        self.assertEqual(self._excess(self.salesman, *lines), 15)

    def test_discount_of_the_pricelist_is_not_the_sellers(self):
        self._set_limits()
        self.env.ref("base.group_user")._apply_group(
            self.env.ref("product.group_product_pricelist")
        )
        pricelist = self.env["product.pricelist"].create(
            {
                "name": "Half",
                "item_ids": [
                    Command.create({"compute_price": "percentage", "percent_price": 50})
                ],
            }
        )
        half = {"pricelist_id": pricelist.id}
        self.assertEqual(self._excess(self.salesman, (self.bolt, 1), **half), 0)
        more = (self.bolt, 1, {"price_unit": 40, "discount": 0})
        self.assertEqual(self._excess(self.salesman, more, **half), 10)

    def test_rounding_is_no_discount(self):
        self._set_limit("sales_team.group_sale_salesman", 0)
        third = self._create_goods("Third", price=100 / 3)
        order = self._create_order((third, 1000))
        order.order_line.price_unit = 33.33
        self.assertEqual(order.with_user(self.salesman)._get_discount_excess(), 0)

    def test_customer_who_confirms_does_not_widen_the_maximum(self):
        self._set_limits()
        portal = self._create_user("api_portal", "base.group_portal")
        order = (
            self.env["sale.order"]
            .with_user(self.salesman)
            .create(
                {
                    "partner_id": self.customer.id,
                    "order_line": [
                        Command.create({"product_id": self.bolt.id, "discount": 25})
                    ],
                }
            )
        )
        signed = order.with_user(portal).sudo()
        self.assertEqual(signed._get_discount_excess(), 15)
        order.user_id = self.manager
        self.assertEqual(signed._get_discount_excess(), 15)

    def test_sections_and_empty_orders(self):
        self._set_limit("sales_team.group_sale_salesman", 0)
        self.assertEqual(self._excess(self.salesman), 0)
        order = self._create_order((self.bolt, 1))
        order.order_line = [Command.create({"display_type": "line_note", "name": "x"})]
        self.assertEqual(order.with_user(self.salesman)._get_discount_excess(), 0)

    # the maxima

    def test_maximum_is_between_0_and_100(self):
        for maximum in (-1, 101):
            with (
                self.subTest(maximum=maximum),
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
            ):
                self._set_limit("sales_team.group_sale_salesman", maximum)

    def test_one_maximum_per_group_and_company(self):
        self._set_limits()
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self._set_limit("sales_team.group_sale_salesman", 20)

    def test_only_credit_managers_set_maxima(self):
        self._set_limits()
        limits = self.env["credit.discount.limit"].search([])
        credit_user = self._create_user(
            "api_credit", "credit_control.group_credit_user"
        )
        for user in (self.salesman, self.manager, credit_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                limits.with_user(user).write({"max_discount": 100})
        boss = self._create_user("api_chief", "credit_control.group_credit_manager")
        limits.with_user(boss).write({"max_discount": 20})
        self.assertEqual(self._validate(self.salesman, 20)["max_discount"], 20)
