from odoo import models

# Says to `write` that `_post` is on its way and will settle at its end. An object, not
# a boolean: no context that arrives by RPC can hold this very object.
_POSTING = object()


class AccountMove(models.Model):
    """What happens to an invoice at the moment it is posted.

    Order, on every path that posts: Odoo's own reconciliations (reversals, online
    payments of the order), then the payment taken at creation, which is meant for this
    very document, then open credit of the customer for what is still due.
    """

    _inherit = "account.move"

    def _post(self, soft=True):
        # EXTENDS 'account'
        self._check_upfront_payments()
        posting = self.with_context(subledger_posting=_POSTING)
        posted = super(AccountMove, posting)._post(soft=soft)
        posted = posted.with_context(subledger_posting=None)
        # What really was posted: documents dated in the future stay drafts for now.
        posted._settle_on_posting()
        return posted

    def write(self, vals):
        # EXTENDS 'account'
        self._check_upfront_payment_editable(vals)
        if vals.get("state") != "posted" or self._is_posting():
            return super().write(vals)
        # Posted without `_post`, for instance by an RPC client: settled all the same.
        drafts = self.filtered(lambda move: move.state != "posted")
        drafts._check_upfront_payments()
        result = super().write(vals)
        drafts._settle_on_posting()
        return result

    def _is_posting(self):
        return self.env.context.get("subledger_posting") is _POSTING

    def _settle_on_posting(self):
        """Settle the documents that have just been posted; see the class docstring."""
        self._register_upfront_payments()
        self._apply_open_credit_on_posting()
