"""Steps of the walks of ``walks.py``: documents and entries, from draft to deletion."""

from odoo import Command
from odoo.exceptions import UserError

from .walk_world import DATES

INVOICE_TYPES = ["out_invoice", "in_invoice", "out_refund", "in_refund", "out_receipt"]
FUTURE = "2999-01-15"


class DocumentSteps:
    """Steps by which documents and entries come, change and go."""

    def make_document(self, which, variant, amount, **values):
        kind = INVOICE_TYPES[which % len(INVOICE_TYPES)]
        side = "sale" if kind.startswith("out") else "purchase"
        book = self.book(variant)
        day = DATES[which % 3]
        tax_ids = book["cash_basis_tax"].ids if which % 8 == 7 else []
        line = {"name": "x", "price_unit": amount, "tax_ids": [Command.set(tax_ids)]}
        values = {
            "move_type": kind,
            "company_id": book["company"].id,
            "journal_id": book[f"default_journal_{side}"].id,
            "partner_id": self.partner(which + variant).id,
            "currency_id": self.world.currencies[variant % 3].id,
            "invoice_date": day,
            "date": day,
            "invoice_line_ids": [Command.create(line)],
            **values,
        }
        if variant > 4:
            values["invoice_payment_term_id"] = self.world.payment_term.id
        move = self.env["account.move"].create(values)
        self.moves += move
        return move

    def draft_document(self, which, variant, amount):
        self.make_document(which, variant, amount)

    def post_document(self, which, variant, amount):
        self.make_document(which, variant, amount).action_post()

    def post_draft(self, which, variant, amount):
        self.pick_move(which, "draft").action_post()

    def post_batch(self, which, variant, amount):
        drafts = self.moves.filtered(
            lambda move: move.state == "draft" and move.auto_post == "no"
        )
        batch = drafts[which % 5 :][:3]
        if len(batch) < 2:
            raise UserError("No batch.")
        batch.action_post()

    def post_by_state(self, which, variant, amount):
        self.pick_move(which, "draft").write({"state": "posted"})

    def schedule(self, which, variant, amount):
        move = self.make_document(
            which, variant, amount, date=FUTURE, invoice_date=FUTURE
        )
        move._post(soft=True)

    def post_scheduled(self, which, variant, amount):
        """The day has come: the scheduled action posts what waits for it."""
        waiting = self.moves.filtered(
            lambda move: move.state == "draft" and move.auto_post == "at_date"
        )
        day = DATES[variant % 3]
        with self.other_transaction() as env:
            due = waiting.with_env(env)
            due.write({"date": day, "invoice_date": day})
            due._autopost_draft_entries()
        if "posted" not in waiting.mapped("state"):
            raise UserError("Nothing was posted.")

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
        account = (
            self.second_account(book)
            if variant % 3
            else book["default_account_receivable"]
        )
        item = {"account_id": account.id, "partner_id": partner, "debit": amount}
        other = {"account_id": book["default_account_revenue"].id, "credit": amount}
        self.make_entry(book, which, item, other)

    def currency_only_entry(self, which, variant, amount):
        """Amounts of a foreign currency that are worth nothing in the company's."""
        book = self.book(variant)
        item = {
            "account_id": book["default_account_receivable"].id,
            "currency_id": self.world.currencies[1 + variant % 2].id,
            "debit": 0,
            "credit": 0,
        }
        self.make_entry(
            book,
            which,
            dict(item, amount_currency=amount, partner_id=self.partner(which).id),
            dict(item, amount_currency=-amount, partner_id=self.partner(variant).id),
        )

    def make_entry(self, book, which, *items):
        self.moves += self.env["account.move"].create(
            {
                "company_id": book["company"].id,
                "journal_id": book["default_journal_misc"].id,
                "date": DATES[which % 3],
                "line_ids": [Command.create(item) for item in items],
            }
        )
        self.moves[-1].action_post()

    def delete_move(self, which, variant, amount):
        self.pick(self.moves, which).with_context(force_delete=True).unlink()
