from odoo import models


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

    def _init_payments(self, to_process, edit_mode=False):
        # EXTENDS 'account'
        payments = super()._init_payments(to_process, edit_mode=edit_mode)
        if self.company_id.credit_prevent_overpayment and not self._differs_by_rate():
            for values in to_process:
                payment = values["payment"]
                payment._check_open_amount(
                    payment._get_amount_on_invoices(), values["to_reconcile"]
                )
        return payments

    def _differs_by_rate(self):
        """Whether the user books the whole difference as an exchange difference.

        Then the payment settles its invoices exactly, at a rate of the user's choice.
        """
        return (
            self.payment_difference_handling == "reconcile"
            and self.writeoff_is_exchange_account
        )
