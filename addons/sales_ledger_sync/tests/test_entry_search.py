import operator as op
from itertools import combinations

from freezegun import freeze_time

from odoo import Command, fields
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from .common import SubledgerCommon

STATUSES = ("open", "partially_paid", "paid")
OPERATORS = {"=": op.eq, "!=": op.ne, "<": op.lt, "<=": op.le, ">": op.gt, ">=": op.ge}


@tagged("post_install", "-at_install")
class TestEntrySearch(SubledgerCommon):
    """What the filters find is what the entries show."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.subledger_manual_policy = "record"
        cls.currency = cls.setup_other_currency("EUR", rates=[("2026-01-01", 2.0)])
        cls._invoice(100, invoice_date_due="2026-03-05")
        cls._invoice(70, partner_id=cls.other_partner.id)
        cls._invoice(40, "in_invoice")
        cls._register_payment_of(cls._invoice(50), amount=20)
        cls._register_payment_of(cls._invoice(60))
        cls._invoice(30, invoice_date=fields.Date.today(), date=fields.Date.today())
        cls._invoice(80).button_draft()

    def _search(self, *domain):
        return self.env["subledger.entry"].search(
            [("company_id", "=", self.company.id), *domain]
        )

    def assertFinds(self, condition, shown):
        everything = self._search()
        found, expected = self._search(condition), everything.filtered(shown)
        self.assertEqual(found, expected, condition)
        return found

    def assertSearchesAgree(self):
        for size in range(4):
            for wanted in combinations(STATUSES, size):
                for operator in ("in", "not in"):
                    negated = operator != "in"
                    self.assertFinds(
                        ("status", operator, wanted),
                        lambda e, w=wanted, n=negated: (e.status in w) != n,
                    )
        for wanted in (True, False):
            for name in ("is_overdue", "is_reversed", "is_sealed"):
                self.assertFinds(
                    (name, "=", wanted), lambda e, n=name, w=wanted: e[n] == w
                )
        self.assertFinds(("amount_residual", ">", 0), lambda e: e.amount_residual > 0)
        self.assertFinds(
            ("amount_residual", "=", 30), lambda e: e.amount_residual == 30
        )

    def test_searches_agree_with_what_is_shown(self):
        self.assertEqual(set(self._search().mapped("status")), set(STATUSES))
        with self._sealing() as accounts:
            accounts._seal()
        self._payment(5)
        self.assertSearchesAgree()

    def test_overdue_from_the_day_after(self):
        entry = self._search(("debit", "=", 100))
        for day, overdue in (("2026-03-05", False), ("2026-03-06", True)):
            with freeze_time(day):
                self.env.invalidate_all()
                found = self.assertFinds(("is_overdue", "=", True), "is_overdue")
                self.assertEqual(entry in found, overdue)

    def test_any_comparison_of_the_open_amount(self):
        for operator, compare in OPERATORS.items():
            for amount in (-40, 0, 30):
                self.assertFinds(
                    ("amount_residual", operator, amount),
                    lambda e, c=compare, a=amount: c(e.amount_residual, a),
                )

    def test_with_opening_entries(self):
        self.company.write(
            {"subledger_history": "opening", "subledger_start_date": "2026-03-04"}
        )
        self.env["subledger.sync"]._write_openings(self.company)
        self._entry_move(15, date="2026-03-02")
        self.env["subledger.sync"]._write_openings(self.company)
        self.assertSearchesAgree()

    def test_further_conditions_hold_beside_the_status(self):
        for wanted in (("open", "partially_paid"), ("open", "paid"), STATUSES):
            found = self._search(
                ("status", "in", wanted), ("partner_id", "=", self.other_partner.id)
            )
            self.assertEqual(found.partner_id, self.other_partner)

    def test_no_status_shows_another_company(self):
        other = self.setup_other_company()["company"]
        stranger = new_test_user(
            self.env,
            login="subledger_stranger",
            groups="account.group_account_invoice",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        entries = self.env["subledger.entry"].with_user(stranger)
        for wanted in (("open", "partially_paid"), ("paid", "partially_paid")):
            domain = [("status", "in", wanted), ("company_id", "=", self.company.id)]
            self.assertFalse(entries.search([("status", "in", wanted)]))
            self.assertFalse(entries.search(domain))

    def test_unsealed_entries_are_found_by_their_index(self):
        query = self.env["subledger.entry"]._search([("is_sealed", "=", False)])
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        plan = self.env.execute_query(SQL("EXPLAIN %s", query.select()))
        self.assertIn("subledger_entry_unsealed_tail", str(plan))

    def _post_euros(self, *amounts):
        """An entry of foreign amounts that are worth nothing in company currency."""
        item = {
            "account_id": self.receivable.id,
            "partner_id": self.partner.id,
            "currency_id": self.currency.id,
        }
        return self._entry_move(
            line_ids=[
                Command.create(dict(item, amount_currency=amount, debit=0, credit=0))
                for amount in amounts
            ]
        )

    def test_foreign_amount_without_worth_is_open_until_it_is_settled(self):
        """Nothing is due in company currency, and the item still is to be settled."""
        move = self._post_euros(10, -4, -6)
        items = self._trade_items(move)
        ten, four, six = items.sorted("amount_currency", reverse=True)
        entries = {entry.move_line_id.id: entry for entry in self._entries(move)}

        def assert_status(*expected):
            self.env.invalidate_all()
            shown = [entries[item.id].status for item in (ten, four, six)]
            self.assertEqual(shown, list(expected))
            self.assertSearchesAgree()

        assert_status("open", "open", "open")
        (ten + four).reconcile()
        assert_status("partially_paid", "paid", "open")
        (ten + six).reconcile()
        assert_status("paid", "paid", "paid")
