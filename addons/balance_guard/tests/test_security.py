import inspect

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import get_public_method
from odoo.tests import new_test_user, tagged

from .common import GuardCommon

MODELS = [
    "guard.check",
    "guard.dashboard",
    "guard.finding",
    "guard.heal",
    "guard.range",
    "guard.run",
    "guard.run.check",
]
# Everything a client can send: forged context and any argument.
FORGED = {"bypass": True, "guard_token": True, "su": True, "install_mode": True}


@tagged("post_install", "-at_install")
class TestSecurity(GuardCommon):
    """Nobody but auditors and managers gets anything out of the guard."""

    def setUp(self):
        super().setUp()
        self._invoice(100)
        self._seal()
        self._break("UPDATE subledger_account SET sealed_balance = 1")
        self.finding = self._run(self.partner).finding_ids
        self.portal = new_test_user(
            self.env, login="guard_portal", groups="base.group_portal"
        )
        self.salesman = new_test_user(
            self.env, login="guard_sales", groups="sales_team.group_sale_salesman"
        )
        self.salesman.write(
            {
                "company_ids": [Command.link(self.company.id)],
                "company_id": self.company.id,
            }
        )

    def _own_public_methods(self, model):
        """Names of the methods of ``model`` that this addon defines and RPC reaches."""
        names = set()
        for parent in type(self.env[model]).__mro__:
            if parent.__module__.startswith("odoo.addons.balance_guard"):
                names |= {
                    name
                    for name, value in vars(parent).items()
                    if inspect.isfunction(value) and not name.startswith("_")
                }
        # Writing is for access rights to refuse, see test_nobody_writes_by_rpc.
        return sorted(names - {"write"})

    def test_what_is_public(self):
        """A new public method has to be thought about here."""
        self.assertEqual(
            {model: self._own_public_methods(model) for model in MODELS},
            {
                "guard.check": ["run_all"],
                "guard.dashboard": [
                    "action_open_curve",
                    "action_open_findings",
                    "action_run_now",
                ],
                "guard.finding": [
                    "action_accept",
                    "action_heal",
                    "action_heal_dry_run",
                    "action_open_document",
                    "action_reopen",
                ],
                "guard.heal": [],
                "guard.range": [],
                "guard.run": ["action_open_findings"],
                "guard.run.check": [],
            },
        )
        self.assertEqual(
            self._own_public_methods("res.partner"),
            [
                "action_verify_balance",
                "enforce_balance_consistency",
                "safe_update_balance",
            ],
        )
        self.assertFalse(self._own_public_methods("guard.job"))

    def test_low_rights_users_are_refused_everywhere(self):
        records = {
            "guard.check": self.env["guard.check"],
            "guard.dashboard": self.env["guard.dashboard"].search(
                [("company_id", "=", self.company.id)]
            ),
            "guard.finding": self.finding,
            "res.partner": self.partner,
        }
        for user in (self.portal, self.salesman, self.biller):
            for model, record in records.items():
                for method in self._own_public_methods(model):
                    with self.subTest(user=user.login, method=method):
                        self._assert_refused(record.with_user(user), method)
        self.assertEqual(self.finding.state, "open")

    def _assert_refused(self, record, method):
        record = record.with_context(**FORGED)
        get_public_method(record, method)
        arguments = ("forged",) if method.endswith(("balance", "consistency")) else ()
        if method == "action_verify_balance":
            arguments = ()
        with self.assertRaises(UserError):
            getattr(record, method)(*arguments)

    def test_nobody_writes_by_rpc(self):
        for model in MODELS:
            records = self.env[model].sudo().search([], limit=1)
            for user in (self.manager, self.auditor, self.salesman, self.portal):
                if model == "guard.check" and user == self.manager:
                    continue
                with self.subTest(model=model, user=user.login):
                    forged = records.with_user(user).with_context(**FORGED)
                    with self.assertRaises(AccessError):
                        forged.create({})
                    for method in ("write", "unlink"):
                        with self.assertRaises(AccessError):
                            forged.check_access(method)

    def test_nobody_reads_without_the_group(self):
        for model in MODELS:
            for user in (self.salesman, self.portal, self.biller):
                with self.subTest(model=model, user=user.login):
                    with self.assertRaises(AccessError):
                        self.env[model].with_user(user).search([])

    def test_other_companies_are_not_seen(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self._create_user("stranger", "group_guard_manager")
        stranger.write(
            {"company_ids": [Command.set(other.ids)], "company_id": other.id}
        )
        for model in ("guard.finding", "guard.run", "guard.run.check"):
            with self.subTest(model=model):
                self.assertFalse(self.env[model].with_user(stranger).search([]))
        with self.assertRaises(AccessError):
            self.finding.with_user(stranger).action_heal()
        with self.assertRaises(AccessError):
            self.env["guard.check"].with_user(stranger).run_all(
                company_ids=self.company.ids
            )
        run = self.env["guard.check"].with_user(stranger).run_all(self.partner.ids)
        self.assertFalse(run.finding_ids)

    def test_commands_under_sudo_are_off(self):
        """Another addon's sudo cannot smuggle a state into a finding."""
        for model in MODELS:
            with self.subTest(model=model):
                self.assertFalse(self.env[model]._allow_sudo_commands)
