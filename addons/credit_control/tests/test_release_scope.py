from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestReleaseScope(CreditControlCommon):
    """A release covers what the approver decided on, and nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_rule()
        cls.customer.credit_limit = 1000.0
        cls.order = cls._create_order(1100.0, user_id=cls.salesperson.id)
        cls.approver_medium = cls._new_user(
            "credit_approver_medium", "credit_control.group_credit_approver"
        )
        cls._give_authority(cls.approver_medium, 200)

    def _confirm(self, order=None):
        (order or self.order).with_user(self.salesperson).action_confirm()

    def _hold(self):
        self._confirm()
        return self.order.credit_hold_ids

    # ------------------------------------------------------------------
    # The amount
    # ------------------------------------------------------------------

    def test_authority_covers_the_excess_of_today(self):
        hold = self._hold()
        self.order.order_line.price_unit = 1_000_000.0
        with self.assertRaisesRegex(AccessError, "999,000.00"):
            hold.with_user(self.approver_medium).action_release("it was 100")
        hold.with_user(self.approver).action_release("I may")
        self.assertEqual(hold.amount_over, 999_000.0)
        self.assertEqual(hold.approved_total, 1_000_000.0)
        self._confirm()
        self.assertEqual(self.order.state, "sale")

    def test_other_orders_since_the_hold_count_for_the_authority(self):
        hold = self._hold()
        self._create_order(1000.0).action_confirm()
        with self.assertRaises(AccessError):
            hold.with_user(self.approver_medium).action_release("it was 100")

    def test_rejecting_needs_the_authority_of_today(self):
        hold = self._hold()
        self.order.order_line.price_unit = 1_000_000.0
        with self.assertRaises(AccessError):
            hold.with_user(self.approver_medium).action_reject("too much")

    def test_hold_without_its_reason_needs_any_authority(self):
        hold = self._hold()
        self.customer.credit_limit = 5000.0
        hold.with_user(self.approver_small).action_release("they pay")
        self.assertEqual(hold.state, "released")
        self.assertEqual(hold.amount_over, 0.0)
        self.assertTrue(hold.reasons)

    def test_hold_by_hand_needs_authority_for_what_the_rules_say(self):
        self.order.order_line.price_unit = 10.0
        self.order.apply_credit_hold("Dispute")
        hold = self.order.credit_hold_ids
        self.order.order_line.price_unit = 5000.0
        self._confirm()
        self.assertEqual(hold.amount_over, 4000.0)
        self.assertEqual(hold.reasons, "Dispute")
        self.assertEqual(hold.reason_type, "manual")
        self.assertEqual(self.order.credit_hold_ids, hold)
        with self.assertRaises(AccessError):
            hold.with_user(self.approver_medium).action_release("settled")
        hold.with_user(self.approver).action_release("settled")
        self._confirm()
        self.assertEqual(self.order.state, "sale")

    def test_hold_by_hand_is_examined_when_it_is_released(self):
        self.order.order_line.price_unit = 10.0
        self.order.apply_credit_hold("Dispute")
        self.order.order_line.price_unit = 5000.0
        with self.assertRaises(AccessError):
            self.order.with_user(self.approver_medium).release_credit_hold("settled")

    def test_hold_by_hand_within_the_rules_is_released_by_any_authority(self):
        self.order.order_line.price_unit = 10.0
        self.order.apply_credit_hold("Dispute")
        self.order.with_user(self.approver_small).release_credit_hold("settled")
        self.assertEqual(self.order.credit_state, "released")

    # ------------------------------------------------------------------
    # The customer
    # ------------------------------------------------------------------

    def test_release_is_for_one_customer(self):
        self._hold().with_user(self.approver).action_release("good customer")
        bankrupt = self.env["res.partner"].create(
            {"name": "Bankrupt", "credit_limit": 1.0}
        )
        self.order.partner_invoice_id = bankrupt
        self._confirm()
        self.assertEqual(self.order.state, "draft")
        held = self.order.credit_hold_ids.filtered(lambda hold: hold.state == "open")
        self.assertEqual(held.partner_id, bankrupt)

    def test_release_does_not_follow_a_confirmed_order_to_another_payer(self):
        self._hold().with_user(self.approver).action_release("good customer")
        self._confirm()
        bankrupt = self.env["res.partner"].create(
            {"name": "Bankrupt", "credit_limit": 1.0}
        )
        self.order.partner_invoice_id = bankrupt
        self.assertEqual(self.order.credit_state, "hold")

    def test_another_invoice_address_of_the_customer_changes_nothing(self):
        self._hold().with_user(self.approver).action_release("good customer")
        address = self.env["res.partner"].create(
            {"name": "Accounts", "type": "invoice", "parent_id": self.customer.id}
        )
        self.order.partner_invoice_id = address
        self._confirm()
        self.assertEqual(self.order.state, "sale")

    def test_release_is_for_one_company(self):
        hold = self._hold()
        hold.with_user(self.approver).action_release("good customer")
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        self.assertTrue(self.order._has_valid_release())
        self.order.company_id = branch
        self.assertFalse(self.order._has_valid_release())


@tagged("post_install", "-at_install")
class TestDiscountRelease(CreditControlCommon):
    """What a discount costs, and what the release of one covers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls._create_rule("discount", 0.0)
        cls.manager = cls._new_user("boss", "sales_team.group_sale_manager")
        cls._set_maximum("sales_team.group_sale_salesman", 10.0)
        cls._set_maximum("sales_team.group_sale_manager", 30.0)
        cls.env["stock.quant"]._update_available_quantity(
            cls.product, cls.warehouse.lot_stock_id, 100
        )
        cls.order = cls._create_order(1000.0, 10, discount=25.0)
        cls.line = cls.order.order_line

    @classmethod
    def _set_maximum(cls, group, maximum):
        cls.env["credit.discount.limit"].create(
            {
                "company_id": cls.company.id,
                "group_id": cls.env.ref(group).id,
                "max_discount": maximum,
            }
        )

    @classmethod
    def _create_order(cls, amount, quantity, discount):
        order = (
            cls.env["sale.order"]
            .with_user(cls.salesperson)
            .create({"partner_id": cls.customer.id, "user_id": cls.salesperson.id})
        ).sudo()
        order.order_line = [
            Command.create(
                {
                    "product_id": cls.product.id,
                    "product_uom_qty": quantity,
                    "price_unit": amount / quantity,
                    "discount": discount,
                }
            )
        ]
        return order.with_env(cls.env)

    def _confirm(self, user=None):
        self.order.with_user(user or self.salesperson).action_confirm()

    def _release(self):
        self._confirm()
        hold = self.order.credit_hold_ids
        hold.with_user(self.approver).action_release("ok")
        return hold

    # ------------------------------------------------------------------
    # The excess
    # ------------------------------------------------------------------

    def test_excess_is_what_is_given_away_beyond_the_maximum(self):
        for discount, excess in ((25.0, 150.0), (100.0, 900.0)):
            with self.subTest(discount=discount):
                self.line.discount = discount
                self._confirm()
                hold = self.order.credit_hold_ids
                self.assertAlmostEqual(hold.amount_over, excess)

    def test_gift_needs_authority(self):
        self.line.discount = 100.0
        self._confirm()
        with self.assertRaisesRegex(AccessError, "above your credit authority"):
            self.order.credit_hold_ids.with_user(self.approver_small).action_release(
                "nothing is owed"
            )

    def test_only_discounted_lines_count(self):
        self.line.discount = 0.0
        self.line.copy({"order_id": self.order.id, "discount": 50.0})
        self._confirm()
        self.assertAlmostEqual(self.order.credit_hold_ids.amount_over, 400.0)

    def test_rebate_on_the_whole_order(self):
        self.line.discount = 0.0
        rebate = self.env["product.product"].create(
            {"name": "Rebate", "type": "service", "list_price": 0, "taxes_id": False}
        )
        self.line.create(
            {
                "order_id": self.order.id,
                "product_id": rebate.id,
                "price_unit": -300.0,
            }
        )
        self._confirm()
        self.assertAlmostEqual(self.order.credit_hold_ids.amount_over, 200.0)

    # ------------------------------------------------------------------
    # The release
    # ------------------------------------------------------------------

    def test_release_covers_the_discount(self):
        self._release()
        self._confirm()
        self.assertEqual(self.order.state, "sale")

    def test_release_of_a_discount_does_not_cover_a_larger_one(self):
        self._release()
        self.line.discount = 99.0
        self._confirm()
        self.assertEqual(self.order.state, "draft")
        held = self.order.credit_hold_ids.filtered(lambda hold: hold.state == "open")
        self.assertAlmostEqual(held.amount_over, 890.0)

    def test_release_of_a_discount_is_not_moved_to_dearer_goods(self):
        self.line.discount = 0.0
        gift = self.line.copy({"order_id": self.order.id, "product_uom_qty": 1})
        gift.discount = 100.0
        self._release()
        gift.discount = 0.0
        self.line.discount = 100.0
        self._confirm()
        self.assertEqual(self.order.state, "draft")

    def test_smaller_discount_stays_released_within_the_total(self):
        self._release()
        self.line.write({"discount": 20.0, "product_uom_qty": 9.0})
        self._confirm()
        self.assertEqual(self.order.state, "sale")

    def test_release_for_another_reason_covers_its_discount(self):
        self.line.discount = 5.0
        self.order.apply_credit_hold("Dispute")
        self.order.credit_hold_ids.with_user(self.approver).action_release("ok")
        self.line.discount = 40.0
        self._confirm()
        self.assertEqual(self.order.state, "draft")

    # ------------------------------------------------------------------
    # Whose maximum
    # ------------------------------------------------------------------

    def _deliver_by_warehouse(self):
        picking = self.order.picking_ids.with_user(self.warehouse_user)
        picking.action_assign()
        picking.with_context(skip_backorder=True).button_validate()
        return picking.state

    def test_warehouse_delivers_what_the_seller_was_allowed(self):
        self.rule.write({"check_delivery": True, "check_reservation": True})
        self.line.discount = 10.0
        self._confirm()
        self.assertEqual(self._deliver_by_warehouse(), "done")
        self.assertEqual(self.order.credit_state, "none")

    def test_warehouse_delivers_what_the_manager_confirmed(self):
        self.rule.write({"check_delivery": True, "check_reservation": True})
        self._confirm(self.manager)
        self.assertEqual(self.order.state, "sale")
        self.assertEqual(self._deliver_by_warehouse(), "done")

    def test_manager_who_delivers_decides_nothing(self):
        self.rule.write({"check_delivery": True, "check_order": False})
        self._confirm()
        self.manager.group_ids += self.env.ref("stock.group_stock_user")
        self.order.picking_ids.with_user(self.manager).button_validate()
        self.assertEqual(self.order.credit_state, "hold")

    def test_decided_discount_is_not_typed(self):
        self.rule.write({"check_delivery": True, "check_order": False})
        order = self.order.with_user(self.salesperson)
        with self.assertRaisesRegex(UserError, "decided discount"):
            order.write({"credit_discount": 99.0})
        with self.assertRaisesRegex(UserError, "decided discount"):
            order.create({"partner_id": self.customer.id, "credit_discount": 99.0})
        self.env["ir.default"].set("sale.order", "credit_discount", 99.0)
        self.order = order.with_context(default_credit_discount=99.0).copy()
        self.assertEqual(self.order.credit_discount, 0.0)
        self._confirm()
        self.order.picking_ids.button_validate()
        self.assertEqual(self.order.credit_state, "hold")
