from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import tagged

from .common_api import CreditApiCommon


@tagged("post_install", "-at_install")
class TestItemPrice(CreditApiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.ref("base.group_user")._apply_group(
            cls.env.ref("product.group_product_pricelist")
        )
        cls.bolt = cls._create_goods(price=100.0)
        cls.retail = cls._create_pricelist("Retail", (0, 90.0), (10, 80.0))
        cls.special = cls._create_pricelist("Special", (0, 70.0))

    @classmethod
    def _create_pricelist(cls, name, *prices, **values):
        """A price list with fixed (minimum quantity, price) rules for the bolt."""
        return cls.env["product.pricelist"].create(
            {
                "name": name,
                "company_id": cls.company.id,
                "currency_id": cls.company.currency_id.id,
                "item_ids": [
                    Command.create(
                        {
                            "applied_on": "0_product_variant",
                            "product_id": cls.bolt.id,
                            "compute_price": "fixed",
                            "fixed_price": price,
                            "min_quantity": minimum,
                        }
                    )
                    for minimum, price in prices
                ],
                **values,
            }
        )

    def _price(self, quantity=1, pricelist=None, **context):
        product = self.bolt.with_user(self.salesman).with_context(**context)
        pricelist_id = pricelist and pricelist.id
        return product.get_item_price(self.customer.id, quantity, pricelist_id)

    def test_pricelist_and_quantity_break(self):
        answer = self._price(1, self.retail)
        self.assertEqual(answer["unit_price"], 90)
        self.assertEqual(answer["list_price"], 100)
        self.assertEqual(answer["discount_percent"], 10)
        self.assertEqual(answer["source"], "pricelist")
        self.assertEqual(answer["pricelist"], "Retail")
        self.assertEqual(answer["currency"], self.company.currency_id.name)
        self.assertEqual(answer["min_quantity"], 0)
        answer = self._price(10, self.retail)
        self.assertEqual(answer["unit_price"], 80)
        self.assertEqual(answer["min_quantity"], 10)
        rule = self.retail.item_ids.filtered(lambda item: item.min_quantity == 10)
        self.assertEqual(answer["rule_id"], rule.id)

    def test_the_customers_own_pricelist_is_the_default(self):
        self.customer.property_product_pricelist = self.special
        answer = self._price()
        self.assertEqual(answer["unit_price"], 70)
        self.assertEqual(answer["source"], "customer_pricelist")
        self.assertEqual(self._price(1, self.retail)["unit_price"], 90)

    def test_without_matching_rule_the_list_price(self):
        empty = self.env["product.pricelist"].create({"name": "Empty"})
        answer = self._price(1, empty)
        self.assertEqual(answer["unit_price"], 100)
        self.assertEqual(answer["source"], "list_price")
        self.assertFalse(answer["rule_id"])

    def test_price_in_the_currency_of_the_pricelist(self):
        currency = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        empty = self.env["product.pricelist"].create(
            {"name": "Foreign", "currency_id": currency.id}
        )
        answer = self._price(1, empty)
        self.assertEqual(answer["currency"], "EUR")
        self.assertEqual(answer["unit_price"], 200)
        self.assertEqual(answer["discount_percent"], 0)

    def test_same_price_as_on_the_order(self):
        self.customer.property_product_pricelist = self.retail
        for quantity in (1, 9, 10, 25):
            line = self._create_order((self.bolt, quantity)).order_line
            with self.subTest(quantity=quantity):
                net = line.price_unit * (1 - line.discount / 100)
                self.assertAlmostEqual(self._price(quantity)["unit_price"], net)

    def test_included_taxes_follow_the_fiscal_position(self):
        included, none = self.env["account.tax"].create(
            [
                {
                    "name": "25 %",
                    "amount": 25,
                    "price_include_override": "tax_included",
                },
                {"name": "Export 0 %", "amount": 0},
            ]
        )
        position = self.env["account.fiscal.position"].create({"name": "Export"})
        none.write(
            {
                "fiscal_position_ids": [Command.link(position.id)],
                "original_tax_ids": [Command.link(included.id)],
            }
        )
        self.bolt.taxes_id = included
        self.customer.property_account_position_id = position
        self.assertEqual(self._price(1, self.retail)["unit_price"], 72)
        line = self._create_order((self.bolt, 1)).order_line
        line.order_id.pricelist_id = self.retail
        line.order_id._recompute_prices()
        self.assertEqual(line.price_unit, 72)

    def test_expired_rules_do_not_count(self):
        yesterday = fields.Datetime.now() - timedelta(days=1)
        self.special.item_ids.date_end = yesterday
        self.assertEqual(self._price(1, self.special)["unit_price"], 100)

    def test_bad_arguments(self):
        for quantity in (0, -1, "5", float("nan"), 1e300, None):
            with self.subTest(quantity=quantity), self.assertRaises(UserError):
                self._price(quantity)
        product = self.bolt.with_user(self.salesman)
        for partner_id in (2**31 - 1, 10**30):
            with self.subTest(partner=partner_id), self.assertRaises(MissingError):
                product.get_item_price(partner_id, 1)
        for partner_id in ("x", None, False):
            with self.subTest(partner=partner_id), self.assertRaises(UserError):
                product.get_item_price(partner_id, 1)
        with self.assertRaises(MissingError):
            product.get_item_price(self.customer.id, 1, 2**31 - 1)

    def test_pricelist_of_another_company_is_refused(self):
        other = self._create_company(name="Elsewhere Ltd")
        foreign = self._create_pricelist("Foreign", (0, 1.0), company_id=other.id)
        with self.assertRaises(AccessError):
            self._price(1, foreign)
        both = self.env.user
        both.company_ids |= other
        with self.assertRaisesRegex(UserError, "another company"):
            self.bolt.with_user(both).get_item_price(self.customer.id, 1, foreign.id)

    def test_portal_user_is_refused(self):
        portal = self._create_user("api_portal", "base.group_portal")
        with self.assertRaises(AccessError):
            self.bolt.with_user(portal).get_item_price(portal.partner_id.id, 1)


@tagged("post_install", "-at_install")
class TestItemPromotion(CreditApiCommon):
    """Promotions exist where the loyalty app is installed; both cases are asserted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bolt = cls._create_goods(price=100.0)
        cls.has_loyalty = "loyalty.program" in cls.env
        if cls.has_loyalty:
            cls.env["loyalty.program"].sudo().search([]).active = False
            cls.program = cls._create_program()

    @classmethod
    def _create_program(cls, **reward):
        values = {
            "name": "Spring Sale",
            "program_type": "promotion",
            "trigger": "auto",
            "applies_on": "current",
            "company_id": cls.company.id,
            "rule_ids": [
                Command.clear(),
                Command.create({"minimum_qty": 5, "minimum_amount": 0}),
            ],
            "reward_ids": [
                Command.clear(),
                Command.create({"reward_type": "discount", "discount": 20, **reward}),
            ],
        }
        return cls.env["loyalty.program"].sudo().create(values)

    def _price(self, quantity):
        product = self.bolt.with_user(self.salesman)
        return product.get_item_price(self.customer.id, quantity)

    def test_automatic_promotion_from_its_quantity_on(self):
        self.assertIsNone(self._price(4)["promotion"])
        answer = self._price(5)
        self.assertEqual(answer["unit_price"], 100)
        if not self.has_loyalty:
            self.assertIsNone(answer["promotion"])
            self.assertEqual(answer["net_unit_price"], 100)
            return
        self.assertEqual(answer["promotion"]["program"], "Spring Sale")
        self.assertEqual(answer["promotion"]["discount_percent"], 20)
        self.assertEqual(answer["net_unit_price"], 80)

    def test_fixed_amount_is_spread_over_the_quantity(self):
        if self.has_loyalty:
            self.program.reward_ids.write(
                {"discount_mode": "per_order", "discount": 50.0}
            )
        expected = 95 if self.has_loyalty else 100
        self.assertEqual(self._price(10)["net_unit_price"], expected)

    def test_expired_promotion_gives_nothing(self):
        if self.has_loyalty:
            self.program.date_to = fields.Date.today() - timedelta(days=1)
        self.assertIsNone(self._price(5)["promotion"])
        self.assertEqual(self._price(5)["net_unit_price"], 100)
