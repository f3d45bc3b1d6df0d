from odoo import fields, models

from .sale_order import ClearedOrders

CUSTOMER_DOCUMENTS = ("out_invoice", "out_receipt")


class ClearedMoves(ClearedOrders):
    """Invoices that passed the checkpoint earlier in the same call."""

    KEY = "credit_cleared_moves"


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "credit.checkpoint"]

    credit_hold_ids = fields.One2many(
        "credit.hold", "move_id", string="Credit Holds", copy=False
    )

    # Draft customer documents of one customer for the exposure
    _credit_draft_idx = models.Index(
        "(commercial_partner_id, company_id) WHERE state = 'draft'"
        " AND move_type IN ('out_invoice', 'out_refund', 'out_receipt')"
    )

    # ------------------------------------------------------------------
    # Checkpoint
    # ------------------------------------------------------------------

    def _get_credit_partner(self):
        return self.partner_id

    def _get_credit_amounts(self):
        # Drafts are part of the exposure already
        return {move.id: (move.amount_total_signed, True) for move in self}

    def _get_credit_total(self):
        return self.amount_total

    def _get_credit_currency(self):
        return self.currency_id

    def _get_credit_salesperson(self):
        return self.invoice_user_id

    def _filter_unanswered(self, rules):
        """A release of the orders that are billed here answers for the invoice."""
        unanswered = super()._filter_unanswered(rules)
        if unanswered and self._is_billing_released():
            return rules.browse()
        return unanswered

    def _is_billing_released(self):
        """Whether the invoice bills released orders and nothing else."""
        lines = self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product"
        )
        if any(line.price_total > 0 and not line.sale_line_ids for line in lines):
            return False
        orders = lines.sale_line_ids.order_id
        return bool(orders) and all(
            self._bills_released_part(order, lines) for order in orders
        )

    def _bills_released_part(self, order, lines):
        """Whether all that is billed of the order, ``lines`` included, was released."""
        releases = order._get_valid_releases()
        if not releases or order.company_id != self.company_id:
            return False
        lines = lines.filtered(lambda line: order in line.sale_line_ids.order_id)
        billed = order.amount_invoiced + self.currency_id._convert(
            sum(lines.mapped("price_total")),
            order.currency_id,
            self.company_id,
            self.invoice_date or fields.Date.context_today(self),
        )
        # Each invoice rounds its taxes by itself
        rounding = order.currency_id.rounding * len(lines)
        approved = max(releases.mapped("approved_total")) + rounding
        return (
            order._get_credit_payer() == self._get_credit_payer()
            and order.currency_id.compare_amounts(billed, approved) <= 0
        )

    def _is_credit_watched(self, checkpoint):
        if self.move_type not in CUSTOMER_DOCUMENTS or self.state != "draft":
            return False
        # Sales over the counter are never blocked afterwards
        if "pos_order_ids" in self._fields and self.sudo().pos_order_ids:
            return False
        return bool(self.partner_id) and super()._is_credit_watched(checkpoint)

    # ------------------------------------------------------------------
    # Posting, by whatever path
    # ------------------------------------------------------------------

    def action_post(self):
        """Post; an invoice on credit hold stays a draft and the user is told why."""
        # EXTENDS 'account'
        result = super().action_post()
        held = self.filtered(
            lambda move: move.state == "draft" and move.credit_state == "hold"
        )
        return held._get_credit_notification() if held else result

    def _post(self, soft=True):
        """Post what passes. Nothing is raised: a batch or the scheduled posting goes on
        with the others."""
        # EXTENDS 'account'
        if self.env["credit.rule"]._is_idle():
            return super()._post(soft=soft)
        cleared = self._pass_credit("invoice")
        if cleared == self and not any(
            move._is_credit_watched("invoice") for move in self
        ):
            return super()._post(soft=soft)
        token = {ClearedMoves.KEY: ClearedMoves(cleared.ids)}
        posted = super(AccountMove, cleared.with_context(**token))._post(soft=soft)
        return posted.with_env(self.env)

    def write(self, vals):
        # EXTENDS 'account'
        if "state" not in vals or self.env["credit.rule"]._is_idle():
            return super().write(vals)
        moves = self
        if vals["state"] == "posted":
            moves -= self._get_credit_unposted()
        watched = moves._get_credit_affected() if moves._is_any_credit_used() else {}
        if vals["state"] == "cancel":
            moves._end_credit_holds(self.env._("The invoice was cancelled."))
        result = super(AccountMove, moves).write(vals)
        for company, partners in watched.items():
            self.env["credit.recheck"]._request(company, partners)
        return result

    def unlink(self):
        # EXTENDS 'account': a deleted draft frees credit
        drafts = self.browse()
        if not self.env["credit.rule"]._is_idle():
            drafts = self.filtered(
                lambda move: move.state == "draft" and move.partner_id
            )
        freed = [(move.company_id, move.partner_id) for move in drafts]
        result = super().unlink()
        for company, partner in freed:
            self.env["credit.recheck"]._request(company, partner)
        return result

    def _get_credit_unposted(self):
        """Held ones of those that somebody posts by writing the state."""
        cleared_ids = ClearedMoves.get(self.env)
        unchecked = self.filtered(lambda move: move.id not in cleared_ids)
        return unchecked - unchecked._pass_credit("invoice")

    def _is_any_credit_used(self):
        rules = self.env["credit.rule"]
        return any(rules._is_used(company) for company in self.company_id)

    def _get_credit_affected(self):
        """Customers whose exposure a change of state changes, per company."""
        affected = {}
        for company, moves in self.grouped("company_id").items():
            lines = moves.line_ids.filtered(
                lambda line: line.account_id.account_type == "asset_receivable"
            )
            affected[company] = lines.partner_id
        return affected
