from odoo import Command
from odoo.exceptions import AccessError
from odoo.service.model import get_public_method
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_attack import EXTENDED_MODELS, OUR_MODELS, AttackCommon
from .common_security import CUSTOMER_FIGURES, SecurityCommon
from .security_arguments import Wishes

# Methods of Odoo that no client can call: they take or make objects of Python
NOT_FOR_CLIENTS = {
    "browse": "makes records",
    "calculate_date_category": "takes a moment of Python",
    "compute_fiscalyear_dates": "takes a day of Python",
    "compute_uom_qty": "takes a record",
    "concat": "takes records",
    "copy_translations": "takes a record",
    "is_transient": "takes no records, but the dispatcher passes some",
    "message_change_thread": "takes a record",
    "message_parse": "takes a parsed mail",
    "message_route": "takes a parsed mail",
    "new": "makes a record that nobody stores",
    "split_lots": "takes records",
    "union": "takes records",
    "with_context": "makes records",
    "with_env": "takes an environment",
}


@tagged("post_install", "-at_install")
class TestEveryMethod(AttackCommon):
    """Whatever people without credit rights call, they get nothing past the gate."""

    def test_as_salesperson(self):
        self._attack_as(self.salesperson)

    def test_as_portal_user(self):
        self._attack_as(self.portal_user)

    def test_as_warehouse_user(self):
        self._attack_as(self.warehouse_user)

    def test_as_employee_of_another_company(self):
        self._attack_as(self.stranger)

    @mute_logger("odoo.sql_db", "odoo.models.unlink", "odoo.addons.base.models.ir_rule")
    def _attack_as(self, user):
        found = []
        for model_name in (*OUR_MODELS, *EXTENDED_MODELS):
            wishes = Wishes(self, model_name, user)
            called = 0
            for name, method in self._get_public_methods(model_name):
                for arguments, kwargs in wishes.get_calls(method):
                    called += 1
                    broken = self._attack(user, model_name, name, arguments, kwargs)
                    if broken:
                        found.append(
                            (f"{model_name}.{name}", broken, arguments, kwargs)
                        )
            self.assertTrue(called or self.env[model_name]._abstract, model_name)
        self.assertEqual(found, [])

    def _get_public_methods(self, model_name):
        model = self.env[model_name]
        for name in dir(type(model)):
            if name.startswith("_") or name in NOT_FOR_CLIENTS:
                continue
            try:
                yield name, get_public_method(model, name)
            except (AttributeError, AccessError):
                continue

    def _get_record_ids(self, model_name, user):
        """Records on hold or with limits, one kind per model; see SecurityCommon."""
        moves = self.env["stock.move"].browse(self.held_move_ids)
        records = {
            "account.move": self.bill,
            "account.move.line": self.bill.invoice_line_ids,
            "account.payment": self.payment,
            "credit.authority": self.env["credit.authority"].search([], limit=1),
            "credit.discount.limit": self.discount_limit,
            "credit.group": self.group,
            "credit.hold": self.order.credit_hold_ids,
            "credit.limit": self.limit_request,
            "credit.recheck": self.recheck,
            "credit.rule": self.rule,
            "product.product": self.product,
            "res.company": self.company,
            "res.partner": self.customer,
            "sale.order": self.order,
            "sale.order.line": self.confirmed.order_line,
            "stock.move": moves,
            "stock.move.line": moves.move_line_ids,
            "stock.picking": moves.picking_id,
        }
        if model_name not in records:
            return self._create_wizard(model_name, user).ids
        self.assertTrue(records[model_name], model_name)
        return records[model_name].ids

    def _create_wizard(self, model_name, user):
        """A wizard that belongs to the user, whether they may create it or not."""
        model = self.env[model_name].with_user(user).sudo()
        if model._abstract:
            return model
        if model_name == "account.payment.register":
            invoices = {"active_model": "account.move", "active_ids": self.invoice.ids}
            return model.with_context(**invoices).create({})
        if model_name == "credit.hold.decision":
            holds = Command.set(self.order.credit_hold_ids.ids)
            return model.create(
                {"decision": "release", "hold_ids": [holds], "reason": "because"}
            )
        return model.create({})

    def test_no_model_is_forgotten(self):
        written_here = {
            name
            for name, model in self.env.registry.items()
            if any(".credit_control." in f"{base.__module__}." for base in model.mro())
        }
        self.assertEqual(written_here - {*OUR_MODELS, *EXTENDED_MODELS}, set())


@tagged("post_install", "-at_install")
class TestWatchfulness(AttackCommon):
    """The search for breaches finds those that superusers make."""

    def _assert_noticed(self, breach, change):
        with self.env.cr.savepoint() as savepoint:
            change()
            self.env.flush_all()
            self.assertIn(breach, self._look_around())
            savepoint.rollback()
        self.env.invalidate_all()

    def test_every_kind_of_breach_is_noticed(self):
        hold = self.order.credit_hold_ids
        picking = self.env["stock.picking"].browse(self.held_picking_id)
        quants = self.env["stock.quant"].sudo()
        for breach, change in {
            "a hold was released": lambda: hold.with_user(self.approver).action_release(
                "Settled"
            ),
            "confirmed over the limit": lambda: self.env.cr.execute(
                "UPDATE sale_order SET state = 'sale', credit_state = 'none'"
                " WHERE id IN %s",
                [(self.order | self.colleague_order)._ids],
            ),
            "goods went out": lambda: quants._update_available_quantity(
                self.product, picking.location_dest_id, 1
            ),
            "goods on hold were taken": lambda: self.env.cr.execute(
                "UPDATE stock_move_line SET quantity_product_uom = 9"
                " WHERE move_id = %s",
                [self.held_move_ids[0]],
            ),
            "a bill on hold was posted": lambda: self.env.cr.execute(
                "UPDATE account_move SET state = 'posted' WHERE id = %s", [self.bill.id]
            ),
            "limits of customers": lambda: self.customer.write({"credit_limit": 9e6}),
            "settings": lambda: self.company.write({"credit_release_days": 0}),
            "credit_group": lambda: self.group.write({"is_unlimited": True}),
            "credit_limit": lambda: self.limit_request.with_user(
                self.approver
            ).action_approve(),
            "credit_rule": lambda: self.rule.write({"active": False}),
        }.items():
            with self.subTest(breach):
                self._assert_noticed(breach, change)

    def test_calls_reach_the_methods(self):
        """The same call that is refused here releases for an approver."""
        hold = self.order.credit_hold_ids
        arguments, kwargs = [hold.ids], {"reason": "Settled"}
        for user, is_released in ((self.approver, True), (self.salesperson, False)):
            found = self._attack(user, hold._name, "action_release", arguments, kwargs)
            self.assertEqual("a hold was released" in found, is_released)

    def test_what_is_told_is_noticed(self):
        self.secrets[self.salesperson] = CUSTOMER_FIGURES
        arguments = [self.customer.ids, ["credit_exposure"]]
        told = self._attack(self.salesperson, "res.partner", "read", arguments, {})
        self.assertEqual(told, ["told 7313.37"])


@tagged("post_install", "-at_install")
class TestSecurity(SecurityCommon):
    def test_no_figures_for_outsiders(self):
        for user in self.portal_user | self.stranger:
            with self.assertRaises(AccessError):
                self.order.with_user(user).check_credit_limit()
        with self.assertRaises(AccessError):
            self.customer.with_user(self.portal_user).read(["credit_exposure"])
        for user in self.portal_user | self.stranger | self.warehouse_user:
            with self.assertRaises(AccessError):
                self.order.credit_hold_ids.with_user(user).read(["exposure"])
        employee = self._new_user("employee", "base.group_partner_manager")
        for user in self.warehouse_user | employee:
            customer = self.customer.with_user(user)
            for name in (
                "credit_exposure",
                "credit_limit_in_force",
                "exposure_overdue",
            ):
                with self.assertRaises(AccessError):
                    customer.read([name])
            with self.assertRaises(AccessError):
                customer.search([("credit_available", "<", 0)])
            with self.assertRaises(AccessError):
                customer.check_account_sale(1.0)
            customer.get_views([(False, "form"), (False, "search")])
        # Who delivers may read orders: the decision is told, the figures are not
        answer = self.order.with_user(self.warehouse_user).check_credit_limit()
        self.assertFalse(answer["approved"])
        self.assertIsNone(answer["credit_limit"])
        self.assertIsNone(answer["outstanding_balance"])
        self.assertNotRegex(answer["message"], r"\d")
        # Another company's salesperson sees the own company's figures
        self.assertEqual(self.customer.with_user(self.stranger).credit_exposure, 0.0)

    def test_salesperson_sees_own_holds_and_full_exposure(self):
        colleague = self._new_user("colleague", "sales_team.group_sale_salesman")
        self._create_order(100.0, user_id=colleague.id).action_confirm()
        self.assertEqual(
            self.customer.with_user(self.salesperson).credit_exposure, 7413.37
        )
        self.assertTrue(self.order.credit_hold_ids.with_user(self.salesperson).reasons)
        with self.assertRaises(AccessError):
            self.order.credit_hold_ids.with_user(colleague).read(["reasons"])
