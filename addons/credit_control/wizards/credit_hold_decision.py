from odoo import fields, models


class CreditHoldDecision(models.TransientModel):
    """Asks for the reason; the decision and its rights are those of the documents."""

    _name = "credit.hold.decision"
    _description = "Decide on Credit Holds"

    decision = fields.Selection(
        [
            ("hold", "Put on hold"),
            ("release", "Release"),
            ("reject", "Reject"),
            ("ask", "Ask for more information"),
        ],
        required=True,
        default="release",
    )
    hold_ids = fields.Many2many("credit.hold", string="Holds")
    order_id = fields.Many2one("sale.order")
    explanation = fields.Text(compute="_compute_explanation")
    reason = fields.Char(required=True)

    def _compute_explanation(self):
        for wizard in self:
            wizard.explanation = "\n".join(
                f"{hold.document_name}: {hold.reasons}" for hold in wizard.hold_ids
            )

    def action_apply(self):
        """Carry the decision out with the user's own rights."""
        self.ensure_one()
        # Not under sudo, whoever calls: the methods below check the user
        if self.decision == "hold":
            self.order_id.apply_credit_hold(self.reason)
        elif self.decision == "release":
            self.hold_ids.action_release(self.reason)
        elif self.decision == "reject":
            self.hold_ids.action_reject(self.reason)
        else:
            self.hold_ids.action_ask(self.reason)
        return {"type": "ir.actions.act_window_close"}
