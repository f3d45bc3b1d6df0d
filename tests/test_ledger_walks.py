"""Random walks: whatever people do, in any order, the ledger is the general ledger.

Hypothesis draws sequences of actions on documents, items, contacts and accounts of
two companies in three currencies. After every step the ledger is compared with the
posted items by SQL that knows nothing of the engine. ``LEDGER_WALKS`` sets the number
of walks.
"""

import os
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import mute_logger, tagged

from odoo.addons.sales_ledger_sync.tests.common import SubledgerCommon

WALKS = int(os.environ.get("LEDGER_WALKS", "100"))
STEPS = 12
# Which action, on which of the documents there are, with which variant and amount.
steps = st.lists(
    st.tuples(
        st.integers(0, 1000),
        st.integers(0, 50),
        st.integers(0, 7),
        st.integers(0, 9999),
    ),
    min_size=STEPS // 2,
    max_size=STEPS,
)
INVOICE_TYPES = ["out_invoice", "in_invoice", "out_refund", "in_refund", "out_receipt"]
DATES = ["2026-01-15", "2026-02-15", "2026-03-15"]


@tagged("post_install", "-at_install")
class TestLedgerWalks(SubledgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.books = [cls.company_data, cls.setup_other_company()]
        cls.companies = cls.env["res.company"].union(
            *(book["company"] for book in cls.books)
        )
        cls.books[1]["company"].subledger_manual_policy = "record"
        rates = list(zip(DATES, (2.0, 3.0, 1.7), strict=True))
        euro = cls.setup_other_currency("EUR", rates=rates)
        yen = cls.setup_other_currency(
            "JPY", rates=[(day, rate * 70) for day, rate in rates]
        )
        cls.currencies = [cls.company.currency_id, euro, yen]
        for book in cls.books:
            book["second"] = book["default_account_receivable"].copy(
                {"code": "121777", "company_ids": [Command.set(book["company"].ids)]}
            )

    def setUp(self):
        super().setUp()
        self.env = self.env(
            context=dict(
                self.env.context,
                allowed_company_ids=self.companies.ids,
                tracking_disable=True,
            )
        )

    # max_examples and the fixed seed make it a test, not a lottery.
    @settings(
        max_examples=WALKS,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(steps)
    def test_any_walk(self, walk):
        savepoint = self.env.cr.savepoint()
        try:
            Walk(self).go(walk)
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()

    def test_walk_reaches_every_action(self):
        """The walks would prove little if most actions were refused."""
        walk = Walk(self)
        for variant in range(4):
            for number in range(len(walk.actions)):
                for kind in (0, 0, number):
                    walk.step(kind, variant + number, variant, 1000 + variant)
        self.assertEqual(set(walk.done), {action.__name__ for action in walk.actions})


class Walk:
    """The state of one walk, and the actions it may take."""

    def __init__(self, case):
        self.case, self.env = case, case.env
        self.moves = self.env["account.move"]
        self.payments = self.env["account.payment"]
        self.statement_lines = self.env["account.bank.statement.line"]
        self.partners = self.env["res.partner"].create(
            [{"name": f"Walker {number}", "is_company": True} for number in range(4)]
        )
        self.done = {}
        self.actions = [
            self.post_document,
            self.draft_document,
            self.post_draft,
            self.post_by_state,
            self.reset,
            self.reset_by_state,
            self.cancel,
            self.change_and_post,
            self.credit_note,
            self.pay,
            self.register_payment,
            self.cancel_payment,
            self.reset_payment,
            self.reconcile,
            self.unreconcile,
            self.statement_line,
            self.undo_statement_line,
            self.delete_statement_line,
            self.manual_entry,
            self.item_partner,
            self.item_account,
            self.item_due_date,
            self.item_amount,
            self.delete_move,
            self.reparent,
            self.merge,
            self.account_type,
            self.seal,
        ]

    def go(self, walk):
        for step in walk:
            self.step(*step)

    def step(self, kind, which, variant, cents):
        action = self.actions[kind % len(self.actions)]
        # What Odoo refuses changes nothing, and is a step all the same.
        with (
            suppress(UserError, IntegrityError),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            action(which, variant, cents / 100)
            self.env.flush_all()
            self.done[action.__name__] = self.done.get(action.__name__, 0) + 1
        self.env.invalidate_all()
        self.moves = self.moves.exists()
        self.payments = self.payments.exists()
        self.statement_lines = self.statement_lines.exists()
        self.case.assertLedgerMatches(self.case.companies)
        self.case.assertSealedRight(self.case.companies)

    # What there is to act on ------------------------------------------------

    def pick(self, records, which):
        if not records:
            raise UserError("Nothing to act on.")
        return records[which % len(records)]

    def pick_move(self, which, state):
        return self.pick(self.moves.filtered(lambda move: move.state == state), which)

    def pick_item(self, which):
        moves = self.moves | self.payments.move_id | self.statement_lines.move_id
        items = self.case._trade_items(
            moves.filtered(lambda move: move.state == "posted")
        )
        return self.pick(items.sorted("id"), which)

    def partner(self, number):
        return self.pick(self.partners.exists(), number)

    def book(self, variant):
        return self.case.books[variant % 2]

    # Documents ----------------------------------------------------------------

    def draft_document(self, which, variant, amount):
        kind = INVOICE_TYPES[which % len(INVOICE_TYPES)]
        side = "sale" if kind.startswith("out") else "purchase"
        book = self.book(variant)
        day = DATES[which % 3]
        line = {"name": "x", "price_unit": amount, "tax_ids": [Command.clear()]}
        values = {
            "move_type": kind,
            "company_id": book["company"].id,
            "journal_id": book[f"default_journal_{side}"].id,
            "partner_id": self.partner(which + variant).id,
            "currency_id": self.case.currencies[variant % 3].id,
            "invoice_date": day,
            "date": day,
            "invoice_line_ids": [Command.create(line)],
        }
        if variant > 4:
            values["invoice_payment_term_id"] = self.case.pay_terms_b.id
        self.moves += self.env["account.move"].create(values)

    def post_document(self, which, variant, amount):
        self.draft_document(which, variant, amount)
        self.moves[-1].action_post()

    def post_draft(self, which, variant, amount):
        self.pick_move(which, "draft").action_post()

    def post_by_state(self, which, variant, amount):
        self.pick_move(which, "draft").write({"state": "posted"})

    def reset(self, which, variant, amount):
        self.pick_move(which, "posted").button_draft()

    def reset_by_state(self, which, variant, amount):
        self.pick_move(which, "posted").write({"state": "draft"})

    def cancel(self, which, variant, amount):
        self.pick_move(which, "posted").button_cancel()

    def change_and_post(self, which, variant, amount):
        move = self.pick_move(which, "draft")
        values = {"partner_id": self.partner(variant).id}
        if move.invoice_line_ids:
            change = {"price_unit": amount}
            line = move.invoice_line_ids[:1]
            values["invoice_line_ids"] = [Command.update(line.id, change)]
        move.write(values)
        move.action_post()

    def credit_note(self, which, variant, amount):
        move = self.pick_move(which, "posted")
        reversal = move._reverse_moves([{"date": DATES[2]}], cancel=variant % 2)
        self.moves += reversal
        if reversal.state == "draft":
            reversal.action_post()

    def manual_entry(self, which, variant, amount):
        book = self.book(variant)
        partner = self.partner(which).id if variant < 6 else False
        account = book["second" if variant % 3 else "default_account_receivable"]
        item = {"account_id": account.id, "partner_id": partner, "debit": amount}
        other = {"account_id": book["default_account_revenue"].id, "credit": amount}
        self.moves += self.env["account.move"].create(
            {
                "company_id": book["company"].id,
                "journal_id": book["default_journal_misc"].id,
                "date": DATES[which % 3],
                "line_ids": [Command.create(item), Command.create(other)],
            }
        )
        self.moves[-1].action_post()

    def delete_move(self, which, variant, amount):
        self.pick(self.moves, which).with_context(force_delete=True).unlink()

    # Payments and statements ----------------------------------------------------

    def pay(self, which, variant, amount):
        book = self.book(variant)
        inbound = which % 2
        self.payments += self.env["account.payment"].create(
            {
                "company_id": book["company"].id,
                "journal_id": book["default_journal_bank"].id,
                "payment_type": "inbound" if inbound else "outbound",
                "partner_type": "customer" if inbound else "supplier",
                "partner_id": self.partner(which).id,
                "currency_id": self.case.currencies[variant % 3].id,
                "amount": amount,
                "date": DATES[variant % 3],
            }
        )
        self.payments[-1].action_post()

    def register_payment(self, which, variant, amount):
        move = self.pick_move(which, "posted")
        values = {"payment_date": DATES[variant % 3]}
        if variant % 2:
            values["amount"] = amount
        wizards = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        self.payments += wizards.create(values)._create_payments()

    def cancel_payment(self, which, variant, amount):
        payment = self.pick(self.payments, which)
        payment.action_reject() if variant % 2 else payment.action_cancel()

    def reset_payment(self, which, variant, amount):
        self.pick(self.payments, which).action_draft()

    def reconcile(self, which, variant, amount):
        item = self.pick_item(which)
        self.env["account.move.line"].search(
            [
                ("company_id", "=", item.company_id.id),
                ("partner_id", "=", item.partner_id.id),
                ("account_id", "=", item.account_id.id),
                ("parent_state", "=", "posted"),
                ("reconciled", "=", False),
            ]
        ).reconcile()

    def unreconcile(self, which, variant, amount):
        self.pick_item(which).remove_move_reconcile()

    def statement_line(self, which, variant, amount):
        book = self.book(variant)
        self.statement_lines += self.env["account.bank.statement.line"].create(
            {
                "journal_id": book["default_journal_bank"].id,
                "date": DATES[which % 3],
                "payment_ref": "x",
                "partner_id": self.partner(which).id,
                "amount": amount if variant < 5 else -amount,
                "counterpart_account_id": book["default_account_receivable"].id,
            }
        )

    def delete_statement_line(self, which, variant, amount):
        self.pick(self.statement_lines, which).unlink()

    def undo_statement_line(self, which, variant, amount):
        self.pick(self.statement_lines, which).action_undo_reconciliation()

    # Posted items, contacts, accounts ---------------------------------------------

    def item_partner(self, which, variant, amount):
        self.pick_item(which).partner_id = self.partner(variant)

    def item_account(self, which, variant, amount):
        item = self.pick_item(which)
        [book] = [b for b in self.case.books if b["company"] == item.company_id]
        names = ["second", "default_account_receivable", "default_account_payable"]
        item.account_id = book[names[variant % 3]]

    def item_due_date(self, which, variant, amount):
        self.pick_item(which).date_maturity = DATES[variant % 3]

    def item_amount(self, which, variant, amount):
        item = self.pick_item(which).with_context(check_move_validity=False)
        item.write({"debit": amount, "credit": 0})

    def reparent(self, which, variant, amount):
        partner, parent = self.partner(which), self.partner(variant)
        partner.write(
            {"parent_id": parent.id, "is_company": False}
            if partner != parent
            else {"parent_id": False, "is_company": True}
        )

    def merge(self, which, variant, amount):
        pair = self.partner(which) | self.partner(variant)
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()
        wizard._merge(pair.ids, pair[0], extra_checks=False)
        self.partners = self.partners.exists()
        if len(self.partners) < 2:
            self.partners += self.partners.create({"name": "Newcomer"})

    def account_type(self, which, variant, amount):
        account = self.book(variant)["second"]
        if which % 2:
            account.non_trade = not account.non_trade
        else:
            account.account_type = (
                "asset_current" if variant % 3 else "asset_receivable"
            )

    def seal(self, which, variant, amount):
        with self.case._sealing() as accounts:
            accounts._seal()
