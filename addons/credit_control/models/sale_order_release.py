from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, float_compare
from odoo.tools.sql import column_exists


class SaleOrder(models.Model):
    """Which discounts somebody has decided on, and what the customer asked for."""

    _inherit = "sale.order"

    credit_discount = fields.Float(
        string="Decided Discount",
        compute="_compute_credit_discount",
        store=True,
        # Discards what a client's context or a personal default says about new orders
        precompute=True,
        copy=False,
        help="Percent that somebody who may give it has confirmed, above the maximum"
        " of those who sell the order.",
    )

    def _auto_init(self):
        # The column appears at once on tables of any size: nothing was decided yet
        if not column_exists(self.env.cr, self._table, "credit_discount"):
            self.env.cr.execute(
                SQL("ALTER TABLE sale_order ADD credit_discount double precision")
            )
        return super()._auto_init()

    def _compute_credit_discount(self):
        self.credit_discount = 0.0

    @api.model
    def _refuse_typed_holds(self, vals_list):
        typed = any("credit_discount" in vals for vals in vals_list)
        if typed and not self.env.su:
            raise UserError(
                self.env._("The decided discount follows from the confirmation.")
            )
        return super()._refuse_typed_holds(vals_list)

    def _note_credit_decision(self, case):
        """Keep the discount that somebody gives by confirming, for later checkpoints.

        Only where the sellers alone might not have given it.
        """
        if case.checkpoint != "order" or not case.discount:
            return
        if case.discount <= self.credit_discount:
            return
        sellers = self._get_discount_sellers()
        if sellers == self.env.user:
            return
        if case.discount > self._get_sellers_maximum():
            self.credit_discount = case.discount

    def _is_asked_for(self):
        """Whether the customer, or somebody for them, wanted the order confirmed."""
        self.ensure_one()
        # sudo: asked for the customer, who sees no holds
        order_sudo = self.sudo()
        return bool(
            self.state == "sale"
            or self.signed_on
            or order_sudo.transaction_ids.filtered(
                lambda payment: payment.state in ("pending", "authorized", "done")
            )
            or "rule" in order_sudo.credit_hold_ids.mapped("source")
        )

    def _prepare_release_scope(self):
        scope = super()._prepare_release_scope()
        scope["approved_discount"] = self._get_effective_discount()
        scope["approved_reduction"] = self._get_discount_amount()
        return scope

    def _is_discount_covered_by(self, release):
        """Neither a higher percentage, nor the same one on more or dearer goods."""
        percent = self._get_effective_discount()
        return (
            float_compare(percent, release.approved_discount, precision_digits=2) <= 0
            and self.currency_id.compare_amounts(
                self._get_discount_amount(), release.approved_reduction
            )
            <= 0
        )
