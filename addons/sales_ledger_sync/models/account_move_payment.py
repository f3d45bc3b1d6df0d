import math
from decimal import Decimal, InvalidOperation

from odoo import fields, models
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tools import SQL

from .account_move_upfront import PAYMENT_JOURNAL_TYPES


class AccountMove(models.Model):
    """Recording a payment in one call, for the web client and for the external API."""

    _inherit = "account.move"

    def record_payment(
        self,
        payment_amount,
        payment_method=None,
        payment_reference=None,
        payment_date=None,
    ):
        """Record a payment of one posted invoice, bill, receipt or credit note.

        The payment is posted and reconciled at once. Of two calls at the same moment
        the second waits for the first and sees what it left due.

        :param float payment_amount: amount in the currency of the document, more than
            zero and at most what is due; a numeric string is taken as well
        :param str payment_method: where the money went: code or name of a bank, cash
            or card journal, one of ``bank``, ``cash`` and ``credit`` for the first
            journal of that type, or code or name of a payment method (``manual``).
            Upper and lower case are the same. By default the journal Odoo proposes.
        :param str payment_reference: memo and reference of the payment, for instance
            the bank's transaction number; by default the number of the document
        :param str payment_date: ISO date, not in the future nor in a locked period; by
            default today
        :return: ``message``, ``invoice_number``, ``payment_id`` (id of the
            ``account.payment``), ``amount_paid`` and ``amount_due`` (of the document
            after this payment, in its currency), ``status`` (its ``payment_state``)
        :rtype: dict
        :raise UserError: wrong document or argument, or more than what is due
        :raise AccessError: the user may not register payments
        """
        self._check_record_payment_rights()
        self._lock_for_payment()
        self._check_can_be_paid()
        amount = self._parse_payment_amount(payment_amount)
        date = self._parse_payment_date(payment_date)
        method_values = self._find_payment_method(payment_method)
        reference = self._parse_payment_reference(payment_reference)
        payment = self._create_recorded_payment(amount, date, method_values, reference)
        return self._prepare_record_payment_result(payment)

    # === CHECKS ===

    def _check_record_payment_rights(self):
        if len(self) != 1:
            raise UserError(self.env._("Record a payment for one document at a time."))
        if not self.exists():
            raise MissingError(self.env._("This document does not exist."))
        if not self.env.user.has_group("account.group_account_invoice"):
            raise AccessError(
                self.env._("Only users with invoicing rights may record payments.")
            )
        self.check_access("write")

    def _lock_for_payment(self):
        """Let one payment of a document happen at a time.

        A lock alone would leave the waiting transaction with its old view of what is
        due. An update makes it fail instead, and Odoo repeats it from the start.
        """
        self.env.cr.execute(
            SQL("UPDATE account_move SET state = state WHERE id = %s", self.id)
        )

    def _check_can_be_paid(self):
        if not self.is_invoice(include_receipts=True):
            raise UserError(
                self.env._(
                    "%(document)s is not an invoice, bill, receipt or credit note.",
                    document=self.display_name,
                )
            )
        if self.state != "posted":
            raise UserError(
                self.env._(
                    "%(document)s is not posted. Post it first, then record its "
                    "payment.",
                    document=self.display_name,
                )
            )
        if self.currency_id.compare_amounts(self.amount_residual, 0.0) <= 0:
            raise UserError(
                self.env._(
                    "%(document)s is settled, nothing is due.",
                    document=self.display_name,
                )
            )

    # === ARGUMENTS ===

    def _parse_payment_amount(self, payment_amount):
        """Return the amount as a float of the document's currency, or refuse it."""
        amount = self._parse_number(payment_amount)
        currency = self.currency_id
        if currency.compare_amounts(amount, 0.0) <= 0:
            raise UserError(
                self.env._(
                    "The payment amount must be more than zero, it is %(amount)s.",
                    amount=payment_amount,
                )
            )
        if not math.isclose(amount, currency.round(amount), rel_tol=1e-12):
            raise UserError(
                self.env._(
                    "The payment amount %(amount)s has more decimals than %(currency)s "
                    "allows.",
                    amount=payment_amount,
                    currency=currency.name,
                )
            )
        if currency.compare_amounts(amount, self.amount_residual) > 0:
            raise UserError(
                self.env._(
                    "The payment of %(amount)s is more than the %(due)s due on "
                    "%(document)s.",
                    amount=currency.format(amount),
                    due=currency.format(self.amount_residual),
                    document=self.display_name,
                )
            )
        return currency.round(amount)

    def _parse_number(self, value):
        try:
            number = None if isinstance(value, bool) else Decimal(str(value))
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite():
            raise UserError(
                self.env._(
                    "The payment amount must be a number, it is %(amount)s.",
                    amount=repr(value),
                )
            )
        return float(number)

    def _parse_payment_date(self, payment_date):
        today = fields.Date.context_today(self)
        try:
            date = fields.Date.to_date(payment_date) or today
        except (TypeError, ValueError, AttributeError) as error:
            raise UserError(
                self.env._(
                    "The payment date must look like %(today)s, it is %(date)s.",
                    today=today,
                    date=repr(payment_date),
                )
            ) from error
        if date > today:
            raise UserError(
                self.env._("The payment date %(date)s is in the future.", date=date)
            )
        locks = self.company_id._get_lock_date_violations(
            date, sale=False, purchase=False, tax=False
        )
        if locks:
            raise UserError(
                self.env._(
                    "The payment date %(date)s lies in a period locked until "
                    "%(lock)s. Choose a later date.",
                    date=date,
                    lock=max(lock for lock, _field in locks),
                )
            )
        return date

    def _parse_payment_reference(self, payment_reference):
        if payment_reference and not isinstance(payment_reference, str):
            raise UserError(self.env._("The payment reference must be a text."))
        return (payment_reference or "").strip()

    def _find_payment_method(self, payment_method):
        """Values of the payment wizard for the caller's word of a method."""
        if not payment_method:
            return {}
        wanted = str(payment_method).strip().casefold()
        method_lines = self._get_payable_method_lines()
        for get_words in (_words_of_journal, _words_of_type, _words_of_method):
            for line in method_lines:
                if wanted in {word.casefold() for word in get_words(line) if word}:
                    return {
                        "journal_id": line.journal_id.id,
                        "payment_method_line_id": line.id,
                    }
        raise UserError(
            self.env._(
                "No payment method %(method)s. Choose one of: %(choices)s.",
                method=payment_method,
                choices=", ".join(
                    dict.fromkeys(method_lines.journal_id.mapped("name"))
                ),
            )
        )

    def _get_payable_method_lines(self):
        """Payment methods by which this document can be paid, in journal order."""
        journal_model = self.env["account.journal"]
        journals = journal_model.search(
            [
                *journal_model._check_company_domain(self.company_id),
                ("type", "in", PAYMENT_JOURNAL_TYPES),
            ]
        )
        # A credit note is paid the other way round; `is_inbound` knows.
        direction = "inbound" if self.is_inbound() else "outbound"
        lines = self.env["account.payment.method.line"]
        return lines.union(
            *(
                journal._get_available_payment_method_lines(direction)
                for journal in journals
            )
        )

    # === PAYMENT ===

    def _create_recorded_payment(self, amount, date, method_values, reference):
        """Pay through Odoo's own wizard, which knows instalments and discounts."""
        values = {
            "amount": amount,
            "currency_id": self.currency_id.id,
            "payment_date": date,
            **method_values,
        }
        if reference:
            values["communication"] = reference
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=self.ids)
            .create(values)
        )
        payment = wizard._create_payments()
        if reference:
            payment.payment_reference = reference
        return payment

    def _prepare_record_payment_result(self, payment):
        currency = self.currency_id
        return {
            "message": self.env._(
                "Payment of %(amount)s recorded on %(document)s.",
                amount=currency.format(payment.amount),
                document=self.name,
            ),
            "invoice_number": self.name,
            "payment_id": payment.id,
            "amount_paid": currency.round(self.amount_total - self.amount_residual),
            "amount_due": self.amount_residual,
            "status": self.payment_state,
        }


def _words_of_journal(method_line):
    return method_line.journal_id.code, method_line.journal_id.name


def _words_of_type(method_line):
    return (method_line.journal_id.type,)


def _words_of_method(method_line):
    return method_line.code, method_line.name
