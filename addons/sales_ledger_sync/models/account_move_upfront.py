from odoo import Command, api, fields, models
from odoo.exceptions import UserError

UPFRONT_MOVE_TYPES = ("out_invoice", "out_receipt", "in_invoice", "in_receipt")
PAYMENT_JOURNAL_TYPES = ("bank", "cash", "credit")


class AccountMove(models.Model):
    """A payment taken while the invoice is written.

    The amount waits on the draft; posting creates, posts and reconciles the payment in
    the same transaction, so that both stand in the ledger or neither does.
    """

    _inherit = "account.move"

    upfront_payment_amount = fields.Monetary(
        string="Paid at Creation",
        currency_field="currency_id",
        copy=False,
        help="Amount paid when this document was made out, in its own currency. The "
        "payment is created, posted and reconciled together with the document.",
    )
    upfront_payment_journal_id = fields.Many2one(
        comodel_name="account.journal",
        string="Paid To",
        domain="[('type', 'in', ('bank', 'cash', 'credit'))]",
        check_company=True,
        copy=False,
        help="Bank, cash or card journal that takes the payment made at creation.",
    )
    # Memo and payment are not read with every invoice.
    upfront_payment_memo = fields.Char(
        string="Payment Memo",
        prefetch="upfront_payment",
        copy=False,
        help="Memo of the payment made at creation; the number of the document if left "
        "empty.",
    )
    upfront_payment_id = fields.Many2one(
        comodel_name="account.payment",
        prefetch="upfront_payment",
        string="Payment at Creation",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The payment that posting made. It stays when the document is reset to "
        "draft, and is used again, not repeated, when that is posted again.",
    )

    # Not tracked as the payment's own state is: before each write of an invoice Odoo
    # reads all that is.
    upfront_payment_state = fields.Selection(
        related="upfront_payment_id.state",
        string="State of Payment at Creation",
        tracking=False,
    )

    # === ONCHANGE ===

    @api.onchange("upfront_payment_amount")
    def _onchange_upfront_payment_amount(self):
        """Propose the journal that fits, and take it away with the amount."""
        for move in self:
            if not move.upfront_payment_amount:
                move.upfront_payment_journal_id = False
            elif not move.upfront_payment_journal_id:
                move.upfront_payment_journal_id = move._get_default_upfront_journal()

    def _get_default_upfront_journal(self):
        """Journal of the preferred payment method, else the first that may pay."""
        preferred = self.preferred_payment_method_line_id.journal_id
        if preferred.type in PAYMENT_JOURNAL_TYPES:
            return preferred
        journal_model = self.env["account.journal"]
        return journal_model.search(
            [
                *journal_model._check_company_domain(self.company_id),
                ("type", "in", PAYMENT_JOURNAL_TYPES),
            ],
            limit=1,
        )

    # === CHECKS ===

    def _check_upfront_payment_editable(self, vals):
        """Refuse an upfront payment that would come too late to be made."""
        changed = {
            "upfront_payment_amount",
            "upfront_payment_journal_id",
            "upfront_payment_memo",
        } & vals.keys()
        if not changed:
            return
        if "posted" in self.mapped("state"):
            raise UserError(
                self.env._(
                    "The payment at creation belongs to the draft; this document is "
                    "posted already. Use Pay instead."
                )
            )
        if payments := self._get_live_upfront_payment():
            raise UserError(
                self.env._(
                    "The payment at creation was made already (%(payments)s). Cancel "
                    "it before you enter another.",
                    payments=", ".join(payments.mapped("display_name")),
                )
            )

    def _filter_upfront(self):
        return self.filtered(
            lambda move: move.upfront_payment_amount or move.upfront_payment_journal_id
        )

    def _check_upfront_payments(self):
        """Refuse upfront payments that cannot be made as entered.

        :raise UserError: one message naming each document and its problem
        """
        problems = [
            self.env._(
                "%(document)s: %(problem)s",
                document=move.display_name,
                problem=problem,
            )
            for move in self._filter_upfront()
            if (problem := move._get_upfront_problem())
        ]
        if problems:
            raise UserError("\n".join(problems))

    def _get_upfront_problem(self):
        """Say what is wrong with the upfront payment, or return None."""
        self.ensure_one()
        if self.move_type not in UPFRONT_MOVE_TYPES:
            return self.env._(
                "only customer invoices, vendor bills and receipts can take a payment "
                "at creation. Remove the amount and its journal."
            )
        if self._get_live_upfront_payment():
            return self._get_upfront_repost_problem()
        return self._get_upfront_amount_problem() or self._get_upfront_journal_problem()

    def _get_upfront_repost_problem(self):
        """The document comes back from draft and was paid the first time."""
        payment = self.upfront_payment_id
        if payment.state == "draft":
            return self.env._(
                "its payment at creation (%(payment)s) is in draft. Post or cancel "
                "that payment first.",
                payment=payment.display_name,
            )
        payer = payment.partner_id.commercial_partner_id
        if payer != self.commercial_partner_id or payment.company_id != self.company_id:
            return self.env._(
                "its payment at creation (%(payment)s) came from %(payer)s. Cancel "
                "that payment, or set the former partner and company.",
                payment=payment.display_name,
                payer=payer.display_name,
            )
        return None

    def _get_upfront_amount_problem(self):
        amount, currency = self.upfront_payment_amount, self.currency_id
        if currency.compare_amounts(amount, 0.0) <= 0:
            return self.env._(
                "the payment at creation must be more than zero. Enter an amount, or "
                "remove the journal."
            )
        if currency.compare_amounts(amount, self.amount_residual) > 0:
            return self.env._(
                "the payment at creation (%(amount)s) is more than what is due "
                "(%(due)s). Lower it to that.",
                amount=currency.format(amount),
                due=currency.format(self.amount_residual),
            )
        return None

    def _get_upfront_journal_problem(self):
        journal = self.upfront_payment_journal_id
        if not journal:
            return self.env._("choose the journal that takes the payment at creation.")
        allowed = journal._check_company_domain(self.company_id)
        if journal.type not in PAYMENT_JOURNAL_TYPES or not journal.filtered_domain(
            allowed
        ):
            return self.env._(
                "the journal %(journal)s cannot take its payment. Choose a bank, cash "
                "or card journal of %(company)s.",
                journal=journal.display_name,
                company=self.company_id.display_name,
            )
        if not self._get_upfront_method_line():
            return self.env._(
                "the journal %(journal)s has no payment method for this direction. "
                "Add one to the journal, or choose another.",
                journal=journal.display_name,
            )
        return None

    # === PAYMENT ===

    def _get_live_upfront_payment(self):
        """The payment made by an earlier posting, unless somebody cancelled it."""
        return self.upfront_payment_id.filtered(
            lambda payment: payment.state not in ("canceled", "rejected")
        )

    def _get_upfront_method_line(self):
        direction = "inbound" if self.is_inbound() else "outbound"
        journal = self.upfront_payment_journal_id
        available = journal._get_available_payment_method_lines(direction)
        return (available & self.preferred_payment_method_line_id) or available[:1]

    def _register_upfront_payments(self):
        """Make the upfront payments of posted documents, in one batch.

        A document that has its payment from an earlier posting is not paid again; that
        payment is reconciled with what is due now, the rest of it stays open credit.

        :raise UserError: an upfront payment cannot be made as entered
        """
        moves = self._filter_upfront()
        if not moves:
            return
        moves._check_upfront_payments()
        unpaid = moves.filtered(lambda move: not move._get_live_upfront_payment())
        payments = self.env["account.payment"].create(
            [move._prepare_upfront_payment_vals() for move in unpaid]
        )
        for move, payment in zip(unpaid, payments, strict=True):
            move.with_context(skip_is_manually_modified=True).write(
                {
                    "upfront_payment_id": payment.id,
                    "matched_payment_ids": [Command.link(payment.id)],
                }
            )
        payments.action_post()
        moves._reconcile_upfront_payments()

    def _prepare_upfront_payment_vals(self):
        """Values of the payment. To be extended by modules that add facts to it."""
        self.ensure_one()
        lines = self._get_open_trade_lines()
        return {
            "date": self._get_upfront_payment_date(),
            "amount": self.upfront_payment_amount,
            "currency_id": self.currency_id.id,
            "payment_type": "inbound" if self.is_inbound() else "outbound",
            "partner_type": ("customer" if self.is_sale_document(True) else "supplier"),
            "partner_id": self.commercial_partner_id.id,
            "company_id": self.company_id.id,
            "journal_id": self.upfront_payment_journal_id.id,
            "payment_method_line_id": self._get_upfront_method_line().id,
            "destination_account_id": lines.account_id[:1].id,
            "memo": self._get_upfront_memo(),
        }

    def _get_upfront_memo(self):
        return (
            self.upfront_payment_memo or self.payment_reference or self.ref or self.name
        )

    def _get_upfront_payment_date(self):
        """The day of the document, on which the money was taken.

        Today instead, if that day is still to come or lies in a locked period.
        """
        today = fields.Date.context_today(self)
        date = self.invoice_date or self.date
        locked = self.company_id._get_lock_date_violations(
            date, sale=False, purchase=False, tax=False
        )
        return today if locked or date > today else date

    def _reconcile_upfront_payments(self):
        plan = []
        for move in self:
            due = move._get_open_trade_lines()
            paid = move.upfront_payment_id.move_id._get_open_trade_lines()
            plan += [
                due.filtered(lambda line, a=account: line.account_id == a)
                + paid.filtered(lambda line, a=account: line.account_id == a)
                for account in due.account_id & paid.account_id
            ]
        if plan:
            self.env["account.move.line"]._reconcile_plan(plan)

    def _get_open_trade_lines(self):
        """Posted receivable and payable items that are not settled yet."""
        return self.line_ids.filtered(
            lambda line: line.account_type in ("asset_receivable", "liability_payable")
            and line.parent_state == "posted"
            and not line.reconciled
        )
