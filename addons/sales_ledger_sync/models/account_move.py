from odoo import fields, models
from odoo.exceptions import UserError

# Writing one of these on a posted document may change its receivable and payable
# items, directly or through a stored computed field of theirs.
TRACKED_FIELDS = {
    "commercial_partner_id",
    "company_id",
    "currency_id",
    "date",
    "fiscal_position_id",
    "invoice_cash_rounding_id",
    "invoice_currency_rate",
    "invoice_date",
    "invoice_date_due",
    "invoice_line_ids",
    "invoice_payment_term_id",
    "journal_id",
    "line_ids",
    "move_type",
    "partner_id",
    "state",
}


class AccountMove(models.Model):
    _inherit = "account.move"

    subledger_posted_at = fields.Datetime(
        string="Posted On",
        readonly=True,
        copy=False,
        prefetch=False,
        help="When the entry was last posted. Entries posted from the start date of "
        "the ledger on belong to it, whatever their accounting date.",
    )

    def write(self, vals):
        # EXTENDS 'account': every path that posts or unposts ends here.
        if "subledger_posted_at" in vals:
            raise UserError(self.env._("The posting time is set by the system."))
        if not TRACKED_FIELDS & vals.keys():
            return super().write(vals)
        posted = self.filtered(lambda move: move.state == "posted")
        if vals.get("state") != "posted":
            return self._write_and_sync(vals, posted)
        drafts = self - posted
        if drafts and posted:
            # Only what is really posted now is stamped.
            return drafts.write(dict(vals)) and posted.write(vals)
        if drafts:
            # In the same UPDATE that posts.
            vals = dict(vals, subledger_posted_at=fields.Datetime.now())
        return self._write_and_sync(vals, self)

    def _write_and_sync(self, vals, touched):
        """Write, and let the ledger follow for the moves that were or are posted."""
        sync = self.env["subledger.sync"]
        is_first = not any(
            move.posted_before or move.state == "posted" for move in touched
        )
        res = super().write(vals)
        if touched and is_first:
            sync._sync_first_posting(touched)
        elif touched:
            sync._sync_moves(touched.ids)
        return res
