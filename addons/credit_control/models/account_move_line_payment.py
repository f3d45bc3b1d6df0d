from odoo import models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _get_open_amount(self, payment):
        """Return (open amount, tolerance) of the documents, in the payment's currency.

        Documents in the payment's direction count positive, credit notes among
        invoices negative. In another currency the amount is converted at the payment's
        date and a difference below the smallest unit of either currency is rounding.

        :rtype: tuple[float, float]
        """
        sign = 1 if payment.payment_type == "inbound" else -1
        total, tolerance = 0.0, 0.0
        for line in self._get_lines_to_pay():
            currency, target = line.currency_id, payment.currency_id
            total += sign * line._convert_to_payment(
                line.amount_residual_currency, payment
            )
            if currency != target:
                unit = line._convert_to_payment(currency.rounding, payment)
                tolerance = max(tolerance, unit, target.rounding)
        return total, tolerance

    def _get_lines_to_pay(self):
        """The items themselves, and of invoices all items that can be paid."""
        invoices = self.move_id.filtered(lambda move: move.is_invoice(True))
        terms = invoices.line_ids.filtered(
            lambda line: line.display_type == "payment_term"
        )
        return terms | self.filtered(lambda line: line.move_id not in invoices)

    def _convert_to_payment(self, amount, payment):
        return self.currency_id._convert(
            amount, payment.currency_id, payment.company_id, payment.date, round=False
        )
