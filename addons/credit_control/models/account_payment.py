from odoo import api, models

from .. import arguments


class AccountPayment(models.Model):
    _inherit = "account.payment"

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'account'
        payments = super().create(vals_list)
        payments._check_overpayment()
        return payments

    def write(self, vals):
        # EXTENDS 'account'
        drafts = self.filtered(lambda payment: payment.state == "draft")
        res = super().write(vals)
        if self._get_overpayment_fields() & vals.keys():
            drafts._check_overpayment()
        return res

    # ------------------------------------------------------------
    # OVERPAYMENT
    # ------------------------------------------------------------

    @api.model
    def _get_overpayment_fields(self):
        """Fields whose change can make a draft payment exceed its invoices."""
        return {"amount", "currency_id", "date", "invoice_ids", "payment_type", "state"}

    def _check_overpayment(self):
        """Refuse payments for more than the open amount of the invoices they name.

        Only where the company's ``credit_prevent_overpayment`` is set. Payments without
        invoices are advances and pass, as does money that a payment provider has
        already collected: refusing to book it would not give it back.

        :raises UserError: with the figures in its arguments
        """
        for payment in self:
            if (
                payment.company_id.credit_prevent_overpayment
                and payment.invoice_ids
                and payment.state not in ("canceled", "rejected")
                and not payment._is_collected_online()
            ):
                payment._check_open_amount(
                    payment._get_amount_on_invoices(), payment.invoice_ids.line_ids
                )

    def _is_collected_online(self):
        self.ensure_one()
        # Transactions are closed to billing users; only their state is used.
        transaction_sudo = self.payment_transaction_id.sudo()
        return (
            transaction_sudo.state in ("authorized", "done")
            and transaction_sudo.currency_id == self.currency_id
            and self.currency_id.compare_amounts(self.amount, transaction_sudo.amount)
            <= 0
        )

    def _get_amount_on_invoices(self):
        """Amount that reaches the customer's or supplier's account, in its currency.

        A write-off written together with the payment is booked elsewhere.
        """
        self.ensure_one()
        if not self.move_id:
            return self.amount
        counterpart_lines = self._seek_for_lines()[1]
        return abs(sum(counterpart_lines.mapped("amount_currency")))

    def _check_open_amount(self, amount, lines):
        """Raise if ``amount`` exceeds what is open on the documents of ``lines``.

        :param float amount: in the payment's currency
        :param lines: receivable or payable journal items that are to be paid; of
            invoices the whole open amount counts, whichever instalment is chosen
        :raises UserError: with the figures in its arguments
        """
        self.ensure_one()
        lines.move_id._claim_for_payment()
        open_amount, tolerance = lines._get_open_amount(self)
        open_amount -= self._get_pending_amount(lines.move_id)
        if self.currency_id.compare_amounts(amount, open_amount + tolerance) <= 0:
            return
        open_amount = self.currency_id.round(max(open_amount, 0.0))
        names = ", ".join(lines.move_id.mapped(lambda move: move.name or "/"))
        message = self.env._(
            "A payment of %(amount)s is more than the %(open)s open on %(documents)s. "
            "Pay at most the open amount and record the rest as an advance payment.",
            amount=self.currency_id.format(amount),
            open=self.currency_id.format(open_amount),
            documents=names,
        )
        details = {
            "payment_amount": amount,
            "open_amount": open_amount,
            "currency": self.currency_id.name,
            "documents": lines.move_id.mapped("name"),
        }
        arguments.refuse(message, details)

    def _get_pending_amount(self, moves):
        """What other payments named for these documents will still pay.

        They are not reconciled yet, so the documents do not know. In the payment's
        currency.
        """
        others = moves.matched_payment_ids.filtered(
            lambda payment: payment.state in ("draft", "in_process", "paid")
        )
        return sum(
            other.currency_id._convert(
                other._get_unreconciled_amount(),
                self.currency_id,
                self.company_id,
                self.date,
                round=False,
            )
            for other in others - self
        )

    def _get_unreconciled_amount(self):
        """Part of the payment that is not matched with anything, in its currency."""
        self.ensure_one()
        if self.move_id.state != "posted":
            return self.amount if self.state != "paid" else 0.0
        counterpart_lines = self._seek_for_lines()[1]
        return abs(sum(counterpart_lines.mapped("amount_residual_currency")))
