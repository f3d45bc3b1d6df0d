import json
import os
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import HttpCase, mute_logger, tagged

from .common_api import CreditApiCommon

UNKNOWN_ID = 2**31 - 1
# What a broken client may send in the place of any argument.
NONSENSE = (
    *(None, "", "x", "1; DROP TABLE", True, [], [None], ["x"], {"a": 1}),
    *(-1, 0, 1.5, 1e300, 10**30, UNKNOWN_ID, float("nan"), float("inf")),
)


class Json2Common(CreditApiCommon, HttpCase):
    """Calls over HTTP with the API key of a user, as another program makes them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_prevent_overpayment = True
        cls.bolt = cls._create_goods(price=100.0, quantity=20)
        cls.tax = cls.company_data["default_tax_sale"]
        cls.warehouse.out_type_id.reservation_method = "manual"
        cls.clerk = cls._create_user(
            "api_clerk",
            "sales_team.group_sale_salesman,account.group_account_invoice",
        )
        seller = "sales_team.group_sale_salesman_all_leads"
        cls.controller, cls.approver = (
            cls._create_user(f"api_credit_{group}", f"{seller},credit_control.{group}")
            for group in ("group_credit_user", "group_credit_approver")
        )
        cls.env["credit.authority"].create(
            {
                "user_id": cls.approver.id,
                "amount": 1_000,
                "company_id": cls.company.id,
            }
        )
        cls.order = cls._create_order((cls.bolt, 10), user=cls.clerk, confirm=True)
        cls.invoice = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": cls.customer.id,
                "invoice_date": "2020-01-10",
                "invoice_line_ids": [
                    Command.create(
                        {"name": "x", "price_unit": 100, "tax_ids": [Command.clear()]}
                    )
                ],
            }
        )
        cls.invoice.action_post()

    @classmethod
    def _create_key(cls, user):
        keys = cls.env(user=user)["res.users.apikeys"]
        tomorrow = datetime.now() + timedelta(days=0.5)
        return keys._generate(scope="rpc", name="test", expiration_date=tomorrow)


@tagged("post_install", "-at_install")
class TestApiJson2(Json2Common):
    def setUp(self):
        super().setUp()
        self.keys = {}

    def _post(self, user, model, method, **body):
        if user not in self.keys:
            self.keys[user] = self._create_key(user)
        headers = {
            "Authorization": f"bearer {self.keys[user]}",
            "Content-Type": "application/json",
        }
        url = f"/json/2/{model}/{method}"
        response = self.url_open(url, data=json.dumps(body), headers=headers)
        return response.status_code, response.json()

    def _get_calls(self):
        """Every (model, method) of the API with a body that succeeds."""
        product, order = {"ids": self.bolt.ids}, {"ids": self.order.ids}
        return {
            ("product.product", "check_availability"): {
                **product,
                "location_id": self.stock.id,
                "required_qty": 1,
            },
            ("product.product", "get_item_price"): {
                **product,
                "partner_id": self.customer.id,
                "quantity": 1,
            },
            ("product.product", "calculate_line_total"): {
                **product,
                "unit_price": 1,
                "quantity": 1,
                "discount_percent": 0,
                "tax_ids": self.tax.ids,
            },
            ("product.product", "validate_discount"): {"discount_percent": 1},
            ("sale.order", "check_credit_limit"): order,
            ("sale.order", "allocate_inventory"): order,
            ("sale.order", "release_allocation"): order,
            ("res.partner", "check_account_sale"): {
                "ids": self.customer.ids,
                "amount": 1,
                "currency_id": self.company.currency_id.id,
                "settles": [{"order_id": self.order.id, "amount": 1}],
            },
            ("sale.order", "apply_credit_hold"): {**order, "reason": "Dispute"},
            ("sale.order", "release_credit_hold"): {**order, "reason": "Settled"},
        }

    def _get_caller(self, method):
        """Who has the right to call it: a salesperson, but for the holds."""
        callers = {
            "apply_credit_hold": self.controller,
            "release_credit_hold": self.approver,
        }
        return callers.get(method, self.clerk)

    def _assert_refused(self, user, expected, forged=()):
        """Every method on records the user has no right to."""
        for (model, method), body in self._get_calls().items():
            if "ids" not in body and expected == "record":
                continue
            with self.subTest(method=method, user=user.login):
                body = {**body, **dict(forged)}
                status, answer = self._post(user, model, method, **body)
                self.assertEqual(status, 403, answer)

    def test_every_method_answers_who_may_call_it(self):
        for (model, method), body in self._get_calls().items():
            with self.subTest(method=method):
                caller = self._get_caller(method)
                status, answer = self._post(caller, model, method, **body)
                self.assertEqual(status, 200, answer)
                self.assertTrue({"message", "currency"} & answer.keys())

    @mute_logger("odoo.http")
    def test_portal_users_are_refused(self):
        portal = self._create_user("api_portal", "base.group_portal")
        self._assert_refused(portal, "method")

    @mute_logger("odoo.http")
    def test_employees_of_another_company_are_refused(self):
        other = self._create_company(name="Elsewhere Ltd")
        groups = "sales_team.group_sale_manager"
        stranger = self._create_user("api_stranger", groups, other)
        self.bolt.company_id = self.customer.company_id = self.company
        self._assert_refused(stranger, "record")
        context = {"allowed_company_ids": self.company.ids}
        self._assert_refused(stranger, "record", {"context": context})

    @mute_logger("odoo.http")
    def test_holds_are_for_the_credit_team(self):
        calls = {key[1]: (key[0], body) for key, body in self._get_calls().items()}
        model, body = calls["apply_credit_hold"]
        status, _answer = self._post(self.clerk, model, "apply_credit_hold", **body)
        self.assertEqual(status, 403)
        self._post(self.controller, model, "apply_credit_hold", **body)
        for user in self.clerk | self.controller:
            status, answer = self._post(user, model, "release_credit_hold", **body)
            self.assertEqual(status, 403, answer)
        self.env.invalidate_all()
        self.assertEqual(self.order.credit_state, "hold")

    def test_nonsense_in_any_argument_is_never_a_server_error(self):
        """Without HTTP, which adds nothing but time: only UserErrors are no 500."""
        for (model, method), body in self._get_calls().items():
            for name in body:
                for value in NONSENSE:
                    with self.subTest(method=method, name=name, value=value):
                        # What is no list in `ids` fails in Odoo before our methods.
                        changed = {**body, name: [value] if name == "ids" else value}
                        self._call(model, method, **changed)

    def _call(self, model, method, ids=(), **kwargs):
        records = self.env[model].with_user(self._get_caller(method)).browse(ids)
        try:
            with self.env.cr.savepoint():
                return getattr(records, method)(**kwargs)
        except UserError as error:
            self.assertTrue(error.args[0])
            return None

    @mute_logger("odoo.http")
    def test_bad_arguments_have_their_status(self):
        models = {method: model for model, method in self._get_calls()}
        cases = [
            ("check_availability", {"required_qty": 0}, 422),
            ("check_availability", {"required_qty": -3}, 422),
            ("check_availability", {"required_qty": "5"}, 422),
            ("check_availability", {"location_id": UNKNOWN_ID}, 404),
            ("check_availability", {"ids": [UNKNOWN_ID]}, 404),
            ("check_availability", {"ids": []}, 422),
            ("get_item_price", {"quantity": -1}, 422),
            ("get_item_price", {"partner_id": UNKNOWN_ID}, 404),
            ("get_item_price", {"pricelist_id": UNKNOWN_ID}, 404),
            ("calculate_line_total", {"discount_percent": 101}, 422),
            ("calculate_line_total", {"tax_ids": [UNKNOWN_ID]}, 404),
            ("validate_discount", {"discount_percent": "all"}, 422),
            ("check_credit_limit", {"ids": [UNKNOWN_ID]}, 404),
            ("check_credit_limit", {"ids": []}, 422),
            ("allocate_inventory", {"ids": [UNKNOWN_ID]}, 404),
            ("allocate_inventory", {"ids": ["x"]}, 422),
            ("allocate_inventory", {"bogus": 1}, 422),
            ("release_allocation", {"ids": [UNKNOWN_ID]}, 404),
            ("check_account_sale", {"ids": [UNKNOWN_ID]}, 404),
            ("check_account_sale", {"amount": 0}, 422),
            ("check_account_sale", {"currency_id": UNKNOWN_ID}, 404),
            ("check_account_sale", {"settles": "all"}, 422),
            ("apply_credit_hold", {"ids": [UNKNOWN_ID]}, 404),
            ("apply_credit_hold", {"ids": []}, 422),
            ("apply_credit_hold", {"reason": " "}, 422),
            ("release_credit_hold", {"ids": [UNKNOWN_ID]}, 404),
            ("release_credit_hold", {"reason": 7}, 422),
        ]
        for method, change, expected in cases:
            model = models[method]
            body = {**self._get_calls()[model, method], **change}
            with self.subTest(method=method, change=change):
                caller = self._get_caller(method)
                status, answer = self._post(caller, model, method, **body)
                self.assertEqual(status, expected, answer)

    @mute_logger("odoo.http")
    def test_wrong_key(self):
        url = "/json/2/sale.order/allocate_inventory"
        headers = {"Authorization": "bearer x", "Content-Type": "application/json"}
        response = self.url_open(url, data="{}", headers=headers)
        self.assertEqual(response.status_code, 401)

    @mute_logger("odoo.http")
    def test_refusal_of_an_allocation_carries_the_figures(self):
        self._limit_credit(100)
        status, answer = self._post(
            self.clerk, "sale.order", "allocate_inventory", ids=self.order.ids
        )
        self.assertEqual(status, 422)
        self.assertEqual(answer["name"], "odoo.exceptions.UserError")
        message, check = answer["arguments"]
        self.assertEqual(message, check["message"])
        self.assertEqual(check["credit_limit"], 100)
        self.assertEqual(check["outstanding_balance"], 100)
        self.assertEqual(check["available_credit"], 0)
        self.assertEqual(check["order_amount"], 1000)

    @mute_logger("odoo.http")
    def test_private_methods_stay_private(self):
        for model, method in (
            ("sale.order", "_get_discount_excess"),
            ("account.payment", "_check_open_amount"),
            ("product.product", "_get_line_amounts"),
        ):
            status, answer = self._post(self.clerk, model, method)
            self.assertEqual(status, 403, answer)


@tagged("post_install", "-at_install")
class TestApiDocumentation(Json2Common):
    """The examples of the documentation are run as they stand there."""

    DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._limit_credit(10_000)
        cls.quotation = cls._create_order((cls.bolt, 95), user=cls.clerk)

    def _get_environment(self):
        return {
            **os.environ,
            "ODOO_URL": self.base_url(),
            "API_KEY": self._create_key(self.clerk),
            "CREDIT_KEY": self._create_key(self.controller),
            "APPROVER_KEY": self._create_key(self.approver),
            "QUOTATION_ID": str(self.quotation.id),
            "PRODUCT_ID": str(self.bolt.id),
            "LOCATION_ID": str(self.stock.id),
            "ORDER_ID": str(self.order.id),
            "PARTNER_ID": str(self.customer.id),
            "TAX_ID": str(self.tax.id),
            "JOURNAL_ID": str(self.company_data["default_journal_bank"].id),
            "INVOICE_ID": str(self.invoice.id),
        }

    def _run(self, command, environment):
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            done = subprocess.run(
                ["sh", "-c", command],
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
        self.env.invalidate_all()
        return json.loads(done.stdout)

    @mute_logger("odoo.http")
    def test_examples_answer_as_documented(self):
        text = self.DOCUMENT.read_text(encoding="utf-8")
        examples = re.findall(r"```bash\n(.*?)```\n+```json\n(.*?)```", text, re.S)
        self.assertEqual(len(examples), text.count("curl -sS"))
        environment = self._get_environment()
        for command, documented in examples:
            with self.subTest(command=command.split('"')[1]):
                answer = self._run(command, environment)
                self._assert_alike(answer, json.loads(documented))

    def _assert_alike(self, answer, documented):
        """Same keys in the same order, same kinds of values, same figures."""
        if isinstance(documented, dict):
            self.assertEqual(list(answer), list(documented), answer)
            for key, value in documented.items():
                self._assert_alike(answer[key], value)
        elif isinstance(documented, list):
            self.assertEqual(len(answer), len(documented), answer)
            for item, value in zip(answer, documented, strict=True):
                self._assert_alike(item, value)
        else:
            self.assertIs(type(answer), type(documented), answer)
            if isinstance(documented, (float, bool)):
                self.assertEqual(answer, documented)
