import inspect
from contextlib import suppress

from odoo import Command
from odoo.exceptions import AccessError
from odoo.service.model import get_public_method
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditControlCommon

FORGED_CONTEXT = {
    "bypass_risk": True,
    "bypass_credit": True,
    "credit_cleared_orders": [1, 2, 3],
    "credit_cleared_moves": True,
    "credit_growth_watch": True,
    "default_state": "released",
    "install_mode": True,
    "module": "credit_control",
    "skip_credit_check": True,
    "su": True,
    "tracking_disable": True,
    "uid": 1,
}
OUR_MODELS = (
    "credit.authority",
    "credit.checkpoint",
    "credit.exposure",
    "credit.group",
    "credit.hold",
    "credit.hold.decision",
    "credit.limit",
    "credit.recheck",
    "credit.rule",
)
EXTENDED_MODELS = (
    "account.move",
    "account.move.line",
    "account.payment",
    "account.payment.register",
    "credit.discount.limit",
    "product.product",
    "res.company",
    "res.config.settings",
    "res.partner",
    "sale.order",
    "sale.order.line",
    "stock.move",
    "stock.move.line",
    "stock.picking",
)
# Not for calling: they build records that nobody stores, or describe the model.
IGNORED = {"browse", "new", "concat", "union", "with_context", "with_env"}


@tagged("post_install", "-at_install")
class TestSecurity(CreditControlCommon):
    """Whatever people without credit rights call, they get nothing past the gate."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls._create_rule(check_delivery=True)
        cls.customer.credit_limit = 1000.0
        cls.portal_user = new_test_user(cls.env, "credit_portal", "base.group_portal")
        cls.portal_user.company_ids |= cls.company
        cls.portal_user.company_id = cls.company
        cls.portal_user.partner_id.parent_id = cls.customer
        other = cls.setup_other_company()["company"]
        cls.stranger = new_test_user(
            cls.env,
            "credit_stranger",
            "base.group_user,credit_control.group_credit_approver,"
            "sales_team.group_sale_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        cls._give_authority(cls.stranger, 9_000_000, company_id=other.id)
        cls.order = cls._create_order(5000.0, user_id=cls.salesperson.id)
        cls.order.with_user(cls.salesperson).action_confirm()
        cls.hold = cls.order.credit_hold_ids
        cls.limit_request = cls.env["credit.limit"].with_user(cls.approver_small)
        cls.limit_request = cls.limit_request.create(
            {
                "partner_id": cls.customer.id,
                "amount": 90000,
                "kind": "permanent",
                "reason": "x",
            }
        )

    def _get_attackers(self):
        return self.salesperson | self.portal_user | self.warehouse_user | self.stranger

    def _get_records(self, model_name):
        records = {
            "credit.authority": self.env["credit.authority"].search([], limit=1),
            "credit.hold": self.hold,
            "credit.limit": self.limit_request,
            "credit.rule": self.rule,
            "res.partner": self.customer,
            "sale.order": self.order,
        }
        return records.get(model_name, self.env[model_name])

    def _get_public_methods(self, model_name):
        """Public methods written in this addon, and everything of our own models."""
        model = self.env[model_name]
        for name in dir(type(model)):
            if name.startswith("_") or name in IGNORED:
                continue
            try:
                method = get_public_method(model, name)
            except (AttributeError, AccessError):
                continue
            ours = "credit_control" in (getattr(method, "__module__", "") or "")
            if model_name in OUR_MODELS or ours:
                yield name, method

    def _guess_arguments(self, method):
        """Arguments of an attacker who wants the hold to go away."""
        wishes = {
            "vals": {"state": "released", "amount": 9e9, "credit_limit": 9e9},
            "values": {"state": "released"},
            "vals_list": [{"state": "released", "order_id": self.order.id}],
            "reason": "because",
            "domain": [],
            "fields": ["id"],
            "field_names": ["id"],
            "default": {"state": "released"},
        }
        parameters = list(inspect.signature(method).parameters.values())[1:]
        return [
            wishes.get(parameter.name, 1)
            for parameter in parameters
            if parameter.default is parameter.empty
            and parameter.kind
            in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]

    def _attack(self, user, model_name, name, method):
        records = self._get_records(model_name).with_user(user)
        records = records.with_context(**FORGED_CONTEXT)
        arguments = self._guess_arguments(method)
        # Any refusal is fine here, of whatever kind: what counts is what changed.
        with suppress(Exception), self.env.cr.savepoint():
            getattr(records, name)(*arguments)
        self.env.invalidate_all()

    def _assert_nothing_happened(self, message):
        self.assertEqual(self.hold.state, "open", message)
        self.assertEqual(self.order.state, "draft", message)
        self.assertEqual(self.order.credit_state, "hold", message)
        self.assertEqual(self.customer.credit_limit, 1000.0, message)
        self.assertEqual(self._figures().limit, 1000.0, message)
        self.assertEqual(self.limit_request.state, "requested", message)
        self.assertTrue(self.rule.active, message)

    @mute_logger("odoo.sql_db", "odoo.models.unlink", "odoo.addons.base.models.ir_rule")
    def test_every_public_method(self):
        called = 0
        for model_name in (*OUR_MODELS, *EXTENDED_MODELS):
            for name, method in self._get_public_methods(model_name):
                for user in self._get_attackers():
                    self._attack(user, model_name, name, method)
                    called += 1
                message = f"{model_name}.{name}"
                self._assert_nothing_happened(message)
        self.assertGreater(called, 400)

    def test_no_model_is_forgotten(self):
        written_here = {
            name
            for name, model in self.env.registry.items()
            if any(".credit_control." in f"{base.__module__}." for base in model.mro())
        }
        self.assertEqual(written_here - {*OUR_MODELS, *EXTENDED_MODELS}, set())

    def test_write_of_every_path_to_the_order(self):
        for values in (
            {"state": "sale"},
            {"credit_state": "none"},
            {"credit_hold_ids": [Command.clear()]},
            {"credit_hold_ids": [Command.update(self.hold.id, {"state": "released"})]},
            {"credit_hold_ids": [Command.delete(self.hold.id)]},
        ):
            order = self.order.with_user(self.salesperson)
            with suppress(Exception), self.env.cr.savepoint():
                order.with_context(**FORGED_CONTEXT).write(values)
            self.env.invalidate_all()
            self.assertEqual(self.hold.state, "open", values)
            order.action_confirm()
            self.assertEqual(self.order.state, "draft", values)
            self.assertEqual(self.hold.state, "open", values)

    def test_no_figures_for_outsiders(self):
        for user in self.portal_user | self.stranger:
            with self.assertRaises(AccessError):
                self.order.with_user(user).check_credit_limit()
        with self.assertRaises(AccessError):
            self.customer.with_user(self.portal_user).read(["credit_exposure"])
        for user in self.portal_user | self.stranger | self.warehouse_user:
            with self.assertRaises(AccessError):
                self.hold.with_user(user).read(["exposure"])
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
        self._create_order(700.0, user_id=colleague.id).action_confirm()
        self.assertEqual(
            self.customer.with_user(self.salesperson).credit_exposure, 700.0
        )
        self.assertTrue(self.hold.with_user(self.salesperson).reasons)
        with self.assertRaises(AccessError):
            self.hold.with_user(colleague).read(["reasons"])
