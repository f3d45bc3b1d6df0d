from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import tagged

from .common_api import CreditApiCommon


@tagged("post_install", "-at_install")
class TestCheckAvailability(CreditApiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bolt = cls._create_goods(quantity=10)

    def _check(self, quantity, location=None, product=None):
        product = (product or self.bolt).with_user(self.salesman)
        return product.check_availability((location or self.stock).id, quantity)

    def test_free_stock_is_available_to_a_salesperson(self):
        answer = self._check(10)
        self.assertTrue(answer["available"])
        self.assertEqual(answer["available_qty"], 10)
        self.assertEqual(answer["on_hand"], 10)
        self.assertEqual(answer["reserved"], 0)
        self.assertEqual(answer["required_qty"], 10)
        self.assertEqual(answer["shortage"], 0)

    def test_reserved_stock_is_not_available(self):
        self._create_order((self.bolt, 7), confirm=True)
        answer = self._check(5)
        self.assertFalse(answer["available"])
        self.assertEqual(answer["available_qty"], 3)
        self.assertEqual(answer["reserved"], 7)
        self.assertEqual(answer["shortage"], 2)
        self.assertIn("2.0 short of 5.0", answer["message"])

    def test_locations_below_count(self):
        shelf = self.env["stock.location"].create(
            {"name": "Shelf", "location_id": self.stock.id}
        )
        self._add_stock(self.bolt, 4, location=shelf)
        self.assertEqual(self._check(1, location=shelf)["available_qty"], 4)
        self.assertEqual(self._check(1)["available_qty"], 14)
        view = self.warehouse.view_location_id
        self.assertEqual(self._check(1, location=view)["available_qty"], 14)

    def test_context_of_the_client_changes_nothing(self):
        product = self.bolt.with_context(
            lot_id=1,
            owner_id=1,
            owners=[1],
            to_date="2000-01-01",
            strict=True,
            warehouse_id=99999,
        )
        view = self.warehouse.view_location_id
        self.assertEqual(self._check(1, view, product)["available_qty"], 10)

    def test_service_is_always_available(self):
        service = self.env["product.product"].create(
            {"name": "Advice", "type": "service"}
        )
        answer = self._check(3, product=service)
        self.assertTrue(answer["available"])
        self.assertFalse(answer["tracked"])
        self.assertEqual(answer["shortage"], 0)

    def test_quantity_must_be_a_positive_number(self):
        bad = (0, -1, "5", None, True, float("nan"), float("inf"), 1e300, [1], 1e-9)
        for quantity in bad:
            with self.subTest(quantity=quantity), self.assertRaises(UserError):
                self._check(quantity)

    def test_unknown_records(self):
        for location_id in (2**31 - 1, 10**30, 0, -1):
            with self.subTest(id=location_id), self.assertRaises(MissingError):
                self.bolt.check_availability(location_id, 1)
        for location_id in ("WH/Stock", None, True, 1.5):
            with self.subTest(id=location_id), self.assertRaises(UserError):
                self.bolt.check_availability(location_id, 1)
        for product_id in (2**31 - 1, 10**30):
            with self.subTest(id=product_id), self.assertRaises(MissingError):
                self.bolt.browse(product_id).check_availability(self.stock.id, 1)

    def test_exactly_one_product(self):
        several = self.bolt + self._create_goods("Nut")
        for products in (self.bolt.browse(), several):
            with self.assertRaises(UserError):
                products.check_availability(self.stock.id, 1)

    def test_location_must_hold_stock(self):
        customers = self.env.ref("stock.stock_location_customers")
        with self.assertRaisesRegex(UserError, "not a place where stock is kept"):
            self._check(1, location=customers)

    def test_other_company_and_portal_are_refused(self):
        other = self._create_company(name="Elsewhere Ltd")
        stranger = self._create_user(
            "api_stranger", "sales_team.group_sale_salesman", other
        )
        portal = self._create_user("api_portal", "base.group_portal")
        for user in (stranger, portal):
            product = self.bolt.with_user(user)
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                product.check_availability(self.stock.id, 1)
