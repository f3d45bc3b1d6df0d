from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import tagged

from .common_api import CreditApiCommon


@tagged("post_install", "-at_install")
class TestLineTotal(CreditApiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.products = cls.env["product.product"]
        cls.tax = cls._create_tax("15 %", 15.0)

    @classmethod
    def _create_tax(cls, name, amount, **values):
        return cls.env["account.tax"].create({"name": name, "amount": amount, **values})

    def _total(self, *args, **kwargs):
        products = self.products.with_user(self.salesman)
        return products.calculate_line_total(*args, **kwargs)

    def test_discount_and_tax(self):
        answer = self._total(100.0, 2, 10.0, [self.tax.id])
        self.assertEqual(answer["gross"], 200)
        self.assertEqual(answer["discount"], 20)
        self.assertEqual(answer["subtotal"], 180)
        self.assertEqual(answer["taxes"], 27)
        self.assertEqual(answer["total"], 207)
        self.assertEqual(
            answer["tax_lines"], [{"id": self.tax.id, "name": "15 %", "amount": 27.0}]
        )

    def test_included_tax(self):
        tax = self._create_tax("25 incl", 25, price_include_override="tax_included")
        answer = self._total(125.0, 1, 0, [tax.id])
        self.assertEqual(answer["subtotal"], 100)
        self.assertEqual(answer["taxes"], 25)
        self.assertEqual(answer["total"], 125)

    def test_same_amounts_as_the_order_line(self):
        second = self._create_tax("3.3 %", 3.3)
        product = self._create_goods()
        cases = [(0.07, 3, 5.55), (19.99, 7, 12.34), (1e6, 0.01, 0), (33.33, 3, 99.99)]
        for price, quantity, discount in cases:
            values = {
                "price_unit": price,
                "discount": discount,
                "tax_ids": (self.tax + second).ids,
            }
            line = self._create_order((product, quantity, values)).order_line
            answer = self._total(price, quantity, discount, (self.tax + second).ids)
            with self.subTest(price=price):
                self.assertEqual(answer["subtotal"], line.price_subtotal)
                self.assertAlmostEqual(answer["taxes"], line.price_tax)
                self.assertEqual(answer["total"], line.price_total)

    def test_rounded_to_the_currency(self):
        currency = self.setup_other_currency("JPY", rounding=1.0)
        answer = self._total(99.4, 3, 0, [self.tax.id], currency_id=currency.id)
        self.assertEqual(answer["currency"], "JPY")
        self.assertEqual(answer["total"], round(answer["total"]))

    def test_no_tax(self):
        for tax_ids in ([], None, False):
            self.assertEqual(self._total(10, 1, 0, tax_ids)["taxes"], 0)

    def test_bad_arguments(self):
        bad = [
            ("10", 1, 0, []),
            (float("nan"), 1, 0, []),
            (1e300, 1, 0, []),
            (10, 0, 0, []),
            (10, -1, 0, []),
            (10, "1", 0, []),
            (10, 1, -1, []),
            (10, 1, 101, []),
            (10, 1, "all", []),
            (10, 1, 0, "x"),
            (10, 1, 0, {"id": 1}),
            (10, 1, 0, ["x"]),
        ]
        for arguments in bad:
            with self.subTest(arguments=arguments), self.assertRaises(UserError):
                self._total(*arguments)
        with self.assertRaises(MissingError):
            self._total(10, 1, 0, [2**31 - 1])

    def test_tax_of_another_company_is_refused(self):
        other = self._create_company(name="Elsewhere Ltd")
        tax = self._create_tax("Foreign", 5, company_id=other.id)
        with self.assertRaises(AccessError):
            self._total(10, 1, 0, [tax.id])
        self.env.user.company_ids |= other
        with self.assertRaisesRegex(UserError, "another company"):
            self.products.with_user(self.env.user).calculate_line_total(
                10, 1, 0, tax.ids
            )

    def test_portal_user_is_refused(self):
        portal = self._create_user("api_portal", "base.group_portal")
        with self.assertRaises(AccessError):
            self.products.with_user(portal).calculate_line_total(10, 1, 0, [])
