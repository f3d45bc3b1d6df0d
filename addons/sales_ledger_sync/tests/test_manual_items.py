from odoo import Command
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from .common import SubledgerCommon


@tagged("post_install", "-at_install")
class TestManualItems(SubledgerCommon):
    """Items without a source document are in sight, left out or recorded."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.subledger_start_date = "2026-01-01"
        cls._invoice(100)
        cls.moves = cls._entry_move(50) + cls._entry_move(-20)
        cls.items = cls._trade_items(cls.moves)
        cls.accountant = new_test_user(
            cls.env,
            login="subledger_accountant",
            groups="account.group_account_readonly",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _settings(self, company=None):
        settings = self.env["res.config.settings"].with_company(company or self.company)
        return settings.create({})

    def _summary(self, company=None):
        return (self._settings(company).subledger_manual_summary or "").replace(
            "\N{NO-BREAK SPACE}", " "
        )

    def _search(self, *states, company=None):
        return self.env["account.move.line"].search(
            [
                ("subledger_manual", "in", states),
                ("company_id", "=", (company or self.company).id),
            ]
        )

    def test_left_out(self):
        self.assertEqual(self._summary(), "2 manual items, total $ 30.00, left out")
        self.assertEqual(self._search("left_out"), self.items)
        self.assertFalse(self._search("recorded"))
        self.assertEqual(set(self.items.mapped("subledger_manual")), {"left_out"})

    def test_recorded(self):
        self.company.subledger_manual_policy = "record"
        self.assertEqual(
            self._summary(),
            "2 manual items, total $ 30.00, recorded as adjustments",
        )
        self.assertEqual(self._search("recorded"), self.items)
        self.assertEqual(set(self.items.mapped("subledger_manual")), {"recorded"})

    def test_recorded_once_and_left_out_since(self):
        """A policy decides from then on: each is counted for itself."""
        self.company.subledger_manual_policy = "record"
        self.company.subledger_manual_policy = "skip"
        later = self._entry_move(7)
        self.assertEqual(
            self._summary().splitlines(),
            [
                "1 manual item, total $ 7.00, left out",
                "2 manual items, total $ 30.00, recorded as adjustments",
            ],
        )
        self.assertEqual(self._search("left_out"), self._trade_items(later))
        self.assertEqual(
            self._search("left_out", "recorded"), self.items + self._trade_items(later)
        )

    def test_what_is_no_manual_item(self):
        """Drafts, what came before the start, and what has a source."""
        self._entry_move(1, post=False)
        self._payment(60)
        self.moves.button_draft()
        self.assertFalse(self._search("left_out", "recorded"))
        self.assertFalse(self._summary())
        self.moves.action_post()
        self.company.subledger_start_date = "2999-01-01"
        self.assertFalse(self._search("left_out", "recorded"))
        self.assertFalse(self._summary())

    def test_all_other_items(self):
        """The other way round: items that are not manual."""
        domain = [("company_id", "=", self.company.id)]
        lines = self.env["account.move.line"]
        others = lines.search([*domain, ("subledger_manual", "=", False)])
        self.assertEqual(others, lines.search(domain) - self.items)
        manual = lines.search([*domain, ("subledger_manual", "!=", False)])
        self.assertEqual(manual, self.items)
        self.assertEqual(set(others.mapped("subledger_manual")), {False})

    def test_another_company(self):
        other = self.setup_other_company()["company"]
        self.assertFalse(self._summary(other))
        self.assertEqual(self._search("left_out", company=other).ids, [])

    def test_one_query_for_all_companies(self):
        other = self.setup_other_company()["company"]
        sync = self.env["subledger.sync"]
        sync._count_manual_items(self.company + other)
        with self.assertQueryCount(1):
            figures = sync._count_manual_items(self.company + other)
        self.assertEqual(dict(figures), {self.company.id: {"left_out": (2, 30)}})

    def test_one_click_from_the_settings(self):
        other = self.setup_other_company()["company"]
        for company, items in ((self.company, self.items), (other, self.items[:0])):
            action = self._settings(company).action_open_manual_items()
            self.assertEqual(action["res_model"], "account.move.line")
            found = self.env["account.move.line"].search(action["domain"])
            self.assertEqual(found, items)

    def test_readers_find_them_in_the_menu(self):
        menu = self.env.ref("sales_ledger_sync.menu_manual_items")
        visible = self.env["ir.ui.menu"].with_user(self.accountant)._visible_menu_ids()
        self.assertIn(menu.id, visible)
        lines = self.env["account.move.line"].with_user(self.accountant)
        found = lines.web_search_read(
            safe_eval(menu.action.domain), {"subledger_manual": {}, "balance": {}}
        )
        self.assertEqual(
            sorted(
                (row["subledger_manual"], row["balance"]) for row in found["records"]
            ),
            [("left_out", -20), ("left_out", 50)],
        )


@tagged("post_install", "-at_install")
class TestManualItemsScreen(HttpCase, SubledgerCommon):
    def test_from_the_settings_to_the_items(self):
        self.company.subledger_start_date = "2026-01-01"
        self._entry_move(50)
        admin = self.env.ref("base.user_admin")
        admin.company_ids |= self.company
        admin.company_id = self.company
        # Else Odoo's settings open with warnings about the tests' taxes and pricelists.
        self.company.tax_exigibility = True
        self.env["product.pricelist"].search([]).action_archive()
        self.start_tour(
            "/odoo/action-sales_ledger_sync.action_settings",
            "subledger_manual_items",
            login="admin",
        )
