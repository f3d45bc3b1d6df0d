"""Walks over all that changes posted receivables and payables.

Shared by the random walks in one transaction and by those that are killed.
"""

from contextlib import suppress
from copy import copy

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import UserError
from odoo.tools import mute_logger

from .walk_world import DATES

INVOICE_TYPES = ["out_invoice", "in_invoice", "out_refund", "in_refund", "out_receipt"]


class Walk:
    """The state of one walk, and the actions it may take.

    :param env: environment whose companies are those of the world
    :param World world: what is there to walk in
    """

    ACTIONS = (
        "post_document",
        "draft_document",
        "post_draft",
        "post_by_state",
        "reset",
        "reset_by_state",
        "cancel",
        "change_and_post",
        "credit_note",
        "pay",
        "register_payment",
        "cancel_payment",
        "reset_payment",
        "reconcile",
        "unreconcile",
        "statement_line",
        "undo_statement_line",
        "delete_statement_line",
        "manual_entry",
        "item_partner",
        "item_account",
        "item_due_date",
        "item_amount",
        "delete_move",
        "reparent",
        "merge",
        "account_type",
        "seal",
    )

    def __init__(self, env, world):
        self.env, self.world = env, world
        self.moves = self.env["account.move"]
        self.payments = self.env["account.payment"]
        self.statement_lines = self.env["account.bank.statement.line"]
        self.partners = self.env["res.partner"].create(
            [{"name": f"Walker {number}", "is_company": True} for number in range(4)]
        )
        self.done = set()

    def another(self):
        """Return another walk that starts from where this one is."""
        walk = copy(self)
        walk.done = set()
        return walk

    def step(self, kind, which, variant, cents):
        """Take one action on one of the documents there are."""
        name = self.ACTIONS[kind % len(self.ACTIONS)]
        # What Odoo refuses changes nothing, and is a step all the same.
        with (
            suppress(UserError, IntegrityError),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            getattr(self, name)(which, variant, cents / 100)
            self.env.flush_all()
            self.done.add(name)
        self.env.invalidate_all()
        self.moves = self.moves.exists()
        self.payments = self.payments.exists()
        self.statement_lines = self.statement_lines.exists()

    # What there is to act on ------------------------------------------------

    def pick(self, records, which):
        if not records:
            raise UserError("Nothing to act on.")
        return records[which % len(records)]

    def pick_move(self, which, state):
        return self.pick(self.moves.filtered(lambda move: move.state == state), which)

    def pick_item(self, which):
        moves = self.moves | self.payments.move_id | self.statement_lines.move_id
        items = moves.line_ids.filtered(
            lambda item: item.parent_state == "posted"
            and item.account_type in ("asset_receivable", "liability_payable")
            and not item.account_id.non_trade
        )
        return self.pick(items.sorted("id"), which)

    def partner(self, number):
        return self.pick(self.partners.exists(), number)

    def book(self, variant):
        return self.world.books[variant % 2]

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
            "currency_id": self.world.currencies[variant % 3].id,
            "invoice_date": day,
            "date": day,
            "invoice_line_ids": [Command.create(line)],
        }
        if variant > 4:
            values["invoice_payment_term_id"] = self.world.payment_term.id
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
                "currency_id": self.world.currencies[variant % 3].id,
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
        [book] = [b for b in self.world.books if b["company"] == item.company_id]
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
        with self.world.sealing(self.env):
            self.env["subledger.account"]._seal()
        self.env.invalidate_all()
