import io
import json
from contextlib import redirect_stdout

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged

from odoo.addons.balance_guard.cli.balance_guard import (
    BalanceGuard,
    CannotCheck,
    amount,
)

from .common import GuardCommon


@tagged("post_install", "-at_install")
class TestCommand(GuardCommon):
    """What the command prints and how it exits; here without a process of its own."""

    def setUp(self):
        super().setUp()
        self.vendor = self.env["res.partner"].create({"name": "Supplier AS"})
        self._invoice(25000, "in_invoice", partner_id=self.vendor.id)
        self._seal()

    def _call(self, *options):
        command = BalanceGuard()
        args, _rest = command._get_parser().parse_known_args(options)
        printed = io.StringIO()
        with self.enter_registry_test_mode(), self.env.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            with redirect_stdout(printed):
                code = command._run_in(env, args)
        self.env.invalidate_all()
        return code, printed.getvalue()

    def _company(self):
        return ("--company", str(self.company.id))

    def test_explain_tells_the_story(self):
        self._entry_move(-9000, self.payable, self.vendor)
        history = self._invoice(12000, "in_invoice", partner_id=self.vendor.id)
        self._break("DELETE FROM subledger_entry WHERE move_id = %s", history.id)
        self._break(
            "UPDATE account_move SET date = '2020-01-01',"
            " subledger_posted_at = '2020-01-01' WHERE id = %s",
            history.id,
        )
        code, text = self._call("--explain", *self._company())
        self.assertEqual(code, 0)
        self.assertIn(
            "general ledger 46 000, ledger 25 000,"
            " manual entries and history 21 000, unexplained 0\n",
            text,
        )

    def test_explain_as_json(self):
        code, text = self._call(
            "--explain", "--json", "--partner", "Supplier AS", *self._company()
        )
        [account] = json.loads(text)["accounts"]
        self.assertEqual(code, 0)
        self.assertEqual(account["expected"], -25000.0)
        self.assertEqual(account["difference"], 0.0)

    def test_explain_finds_what_is_missing(self):
        self._break("DELETE FROM subledger_entry WHERE partner_id = %s", self.vendor.id)
        code, text = self._call("--explain", *self._company())
        self.assertEqual(code, 1)
        self.assertIn("missing ledger entry 25 000, unexplained 0", text)

    def test_verify_clean(self):
        code, text = self._call(
            "--verify", "--partner", str(self.vendor.id), *self._company()
        )
        self.assertEqual(code, 0, text)
        self.assertIn("0 open differences", text)

    def test_verify_and_heal(self):
        self._break(
            "UPDATE subledger_account SET sealed_balance = 1 WHERE partner_id = %s",
            self.vendor.id,
        )
        options = ("--partner", str(self.vendor.id), *self._company(), "--json")
        code, text = self._call("--verify", *options)
        self.assertEqual(code, 1)
        [finding] = json.loads(text)["findings"]
        self.assertEqual(finding["cause"], "stale_cache")
        self.assertEqual(finding["difference"], -25001.0)
        code, text = self._call("--heal", "--dry-run", *options)
        self.assertEqual(
            (code, json.loads(text)["healing"][0]["state"]), (1, "planned")
        )
        code, text = self._call("--heal", *options)
        self.assertEqual((code, json.loads(text)["healing"][0]["state"]), (0, "done"))

    def test_whole_company_in_parts(self):
        code, text = self._call("--verify", *self._company(), "--json")
        result = json.loads(text)
        self.assertEqual((code, result["open"]), (0, 0), text)
        self.assertIn("trial_balance", result["checks"])
        self.assertIn("control_account", result["checks"])

    def test_unknown_names(self):
        for option in ("--partner", "--company"):
            with self.subTest(option=option), self.assertRaises(CannotCheck):
                self._call("--verify", option, "Nobody at all")

    def test_amounts(self):
        self.assertEqual(amount(-46000), "-46 000.00")
        self.assertEqual(amount(-0.001), "0.00")
        self.assertEqual(amount(-46000, whole=True), "-46 000")
        self.assertEqual(amount(-0.0, whole=True), "0")
