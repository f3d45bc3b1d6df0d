"""Steps of the walks of ``walks.py``: payments, bank statements, reconciliation."""

from odoo.exceptions import UserError

from .walk_world import DATES


class PaymentSteps:
    """Steps by which money comes, goes and is matched."""

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

    def pay_at_creation(self, which, variant, amount):
        currency = self.world.currencies[variant % 3]
        move = self.make_document(
            which,
            variant,
            amount,
            upfront_payment_amount=currency.round(amount / (1 + which % 2)),
            upfront_payment_journal_id=self.book(variant)["default_journal_bank"].id,
        )
        move.action_post()
        self.payments += move.upfront_payment_id

    def register_payment(self, which, variant, amount):
        self.register(self.pick_move(which, "posted"), variant, amount)

    def pay_draft(self, which, variant, amount):
        self.register(self.pick_move(which, "draft"), variant, amount)

    def pay_cash_basis(self, which, variant, amount):
        """Tax falls due with the payment, in an entry of its own."""
        move = self.pick(
            self.moves.filtered(
                lambda move: move.state == "posted"
                and move.amount_residual
                and "on_payment" in move.line_ids.tax_ids.mapped("tax_exigibility")
            ),
            which,
        )
        before = move.tax_cash_basis_created_move_ids
        self.register(move, variant, amount)
        due = move.tax_cash_basis_created_move_ids - before
        if not due:
            raise UserError("No tax fell due.")
        self.moves += due

    def register(self, move, variant, amount):
        values = {"payment_date": DATES[variant % 3]}
        if variant % 2:
            values["amount"] = amount
        wizards = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        self.payments += wizards.create(values)._create_payments()

    def record_payment(self, which, variant, amount):
        move = self.pick_move(which, "posted")
        part = move.currency_id.round(move.amount_residual / (1 + variant % 2))
        result = move.record_payment(part, payment_date=DATES[variant % 3])
        self.payments += self.payments.browse(result["payment_id"])

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

    def apply_credit(self, which, variant, amount):
        self.moves.filtered(lambda move: move.state == "posted")[
            which % 5 :
        ].action_apply_open_credit()

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

    def match_statement_line(self, which, variant, amount):
        """As reconciliation screens do: the item of a posted entry gets its account."""
        line = self.pick(self.statement_lines, which)
        _liquidity, suspense, _other = line._seek_for_lines()
        if not suspense:
            line.action_undo_reconciliation()
            _liquidity, suspense, _other = line._seek_for_lines()
        account = self.book_of(line.company_id)["default_account_receivable"]
        suspense.with_context(skip_readonly_check=True).account_id = account

    def change_statement_line(self, which, variant, amount):
        line = self.pick(self.statement_lines, which)
        if variant % 2:
            line.action_undo_reconciliation()
        line.write({"amount": amount, "partner_id": self.partner(variant).id})

    def delete_statement_line(self, which, variant, amount):
        self.pick(self.statement_lines, which).unlink()

    def undo_statement_line(self, which, variant, amount):
        self.pick(self.statement_lines, which).action_undo_reconciliation()
