from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestDiscountGrowth(CreditControlCommon):
    """A discount beyond the maximum is found whenever it is given."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_rule("discount", 0.0)
        limits = cls.env["credit.discount.limit"]
        for group, maximum in (("salesman", 10.0), ("manager", 40.0)):
            limits.create(
                {
                    "group_id": cls.env.ref(f"sales_team.group_sale_{group}").id,
                    "max_discount": maximum,
                    "company_id": cls.company.id,
                }
            )
        cls.manager = cls._new_user("credit_boss", "sales_team.group_sale_manager")
        cls.order = cls._create_order(
            order_line=[
                Command.create({"product_id": cls.product.id, "product_uom_qty": 10}),
                Command.create({"product_id": cls.product.id, "product_uom_qty": 1}),
            ],
            user_id=cls.salesperson.id,
        )
        cls.line, cls.small_line = cls.order.order_line
        cls.order.with_user(cls.salesperson).action_confirm()

    def _change(self, values, user=None, line=None):
        line = (line or self.line).with_user(user or self.salesperson)
        line.write(values)
        return self.order.credit_state

    def test_discount_within_the_maximum(self):
        self.assertEqual(self._change({"discount": 10.0}), "none")
        self.assertEqual(self._change({"price_unit": 95.0, "discount": 0.0}), "none")

    def test_every_kind_of_discount_after_the_confirmation_is_held(self):
        rebate = self.env["product.product"].create(
            {"name": "Rebate", "type": "service", "list_price": 0.0}
        )
        line = self.line.with_user(self.salesperson)
        order = line.order_id
        negative = {"product_id": rebate.id, "product_uom_qty": 1, "price_unit": -300.0}
        changes = (
            lambda: line.write({"discount": 25.0}),
            lambda: line.write({"price_unit": 75.0}),
            lambda: line.write({"price_unit": 0.0}),
            lambda: order.write(
                {"order_line": [Command.update(line.id, {"discount": 25.0})]}
            ),
            lambda: order.write({"order_line": [Command.create(negative)]}),
        )
        for number, change in enumerate(changes):
            with self.subTest(number), self.env.cr.savepoint() as savepoint:
                change()
                self.assertEqual(self.order.credit_state, "hold")
                hold = self.order.credit_hold_ids
                self.assertEqual(hold.reason_type, "discount")
                self.assertEqual(hold.requested_by, self.salesperson)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_a_second_line_cannot_hide_behind_the_first(self):
        self.assertEqual(self._change({"discount": 25.0}, self.manager), "none")
        small = self._change({"discount": 20.0}, line=self.small_line)
        self.assertEqual(small, "hold")

    def test_a_released_discount_goes_on(self):
        self._change({"discount": 25.0})
        self.order.credit_hold_ids.with_user(self.approver).action_release("ok")
        self.assertEqual(self.order.credit_state, "released")
        self.assertEqual(self._change({"product_uom_qty": 9}), "released")

    def test_an_order_that_became_cheaper_is_held_for_its_discount_only(self):
        self._create_rule()
        self.customer.credit_limit = 500.0
        self.assertEqual(self._change({"discount": 5.0}), "none")
