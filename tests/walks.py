"""Walks over all that changes posted receivables and payables.

Shared by the random walks in one transaction and by those that are killed. What a walk
may do is in ``walk_documents.py``, ``walk_payments.py`` and ``walk_items.py``.
"""

from contextlib import contextmanager, suppress
from copy import copy

from psycopg2 import IntegrityError

from odoo import api
from odoo.exceptions import UserError
from odoo.tools import mute_logger

from .walk_documents import DocumentSteps
from .walk_items import ItemSteps
from .walk_payments import PaymentSteps
from .walk_world import SECOND_CODE

# Actions that cost most; the others are taken four times as often.
SELDOM = {
    "account_merge",
    "account_split",
    "credit_note",
    "pay_at_creation",
    "pay_cash_basis",
    "pay_draft",
    "record_payment",
    "register_payment",
}


class Walk(DocumentSteps, PaymentSteps, ItemSteps):
    """The state of one walk, and the actions it may take.

    :param env: environment whose companies are those of the world
    :param World world: what is there to walk in
    """

    ACTIONS = (
        # Documents
        "post_document",
        "draft_document",
        "post_draft",
        "post_batch",
        "post_by_state",
        "schedule",
        "post_scheduled",
        "reset",
        "reset_by_state",
        "cancel",
        "change_and_post",
        "credit_note",
        "manual_entry",
        "currency_only_entry",
        "delete_move",
        # Payments and statements
        "pay",
        "pay_at_creation",
        "register_payment",
        "record_payment",
        "pay_draft",
        "pay_cash_basis",
        "cancel_payment",
        "reset_payment",
        "reconcile",
        "unreconcile",
        "apply_credit",
        "statement_line",
        "match_statement_line",
        "change_statement_line",
        "undo_statement_line",
        "delete_statement_line",
        # Posted items, contacts, accounts
        "item_partner",
        "item_account",
        "item_due_date",
        "item_amount",
        "add_items",
        "delete_item",
        "edit_posted_move",
        "reparent",
        "merge",
        "account_type",
        "account_merge",
        "account_split",
        "seal",
    )

    def __init__(self, env, world):
        self.env, self.world = env, world
        self.choices = [
            name for name in self.ACTIONS for _time in range(1 if name in SELDOM else 4)
        ]
        self.moves = self.env["account.move"]
        self.payments = self.env["account.payment"]
        self.statement_lines = self.env["account.bank.statement.line"]
        partners = self.env["res.partner"]
        self.partners = partners.create(
            [{"name": f"Walker {number}", "is_company": True} for number in range(4)]
        )
        self.partners += partners.create(
            [
                {"name": f"Contact of {parent.name}", "parent_id": parent.id}
                for parent in self.partners[:2]
            ]
        )
        self.done = set()

    def another(self):
        """Return another walk that starts from where this one is."""
        walk = copy(self)
        walk.done = set()
        return walk

    def get_action(self, kind):
        return self.choices[kind % len(self.choices)]

    def step(self, kind, which, variant, cents):
        """Take one action on one of the documents there are."""
        self.take(self.get_action(kind), which, variant, cents)

    def take(self, name, which, variant, cents):
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

    def book_of(self, company):
        [book] = [book for book in self.world.books if book["company"] == company]
        return book

    def second_account(self, book):
        """The second receivable account; merged and split, it may be another one."""
        accounts = self.env["account.account"].with_company(book["company"])
        here = ("company_ids", "in", book["company"].ids)
        return self.pick(accounts.search([here, ("code", "=", SECOND_CODE)]), 0)

    # Apart from the transaction of the walk -----------------------------------

    @contextmanager
    def other_transaction(self):
        """Environment of a transaction of its own, which is committed."""
        self.env.flush_all()
        with (
            self.world.other_transactions(self.env),
            self.env.registry.cursor() as cr,
        ):
            yield api.Environment(cr, self.env.uid, self.env.context)
        self.env.invalidate_all()

    def seal(self, which, variant, amount):
        with self.world.other_transactions(self.env):
            self.env["subledger.account"]._seal()
        self.env.invalidate_all()
