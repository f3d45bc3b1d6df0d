from odoo import fields, models

from .credit_exposure import FIGURE_GROUPS


class CreditCheckpoint(models.AbstractModel):
    """How much of the payer's limit is used, shown on every document."""

    _inherit = "credit.checkpoint"

    credit_gauge = fields.Float(
        string="Limit Used",
        compute="_compute_credit_gauge",
        groups=FIGURE_GROUPS,
        help="Exposure of the customer in percent of the limit.",
    )
    credit_gauge_text = fields.Char(
        compute="_compute_credit_gauge", groups=FIGURE_GROUPS
    )

    def _compute_credit_gauge(self):
        """Limit and exposure of the payer; empty where the company has no rules."""
        self.credit_gauge = 0.0
        self.credit_gauge_text = False
        rules, exposure = self.env["credit.rule"], self.env["credit.exposure"]
        # sudo: a salesperson sees the customer's figures, not others' documents
        for document in self._origin.sudo():
            company = document.company_id
            payer = document._get_credit_document()._get_credit_payer()
            if not (company and payer and rules._is_used(company)):
                continue
            figures = exposure.sudo()._get_figures(company, payer)[payer.id]
            document.credit_gauge = payer._get_utilization(figures)
            document.credit_gauge_text = document._get_credit_gauge_text(figures)

    def _get_credit_gauge_text(self, figures):
        format_ = self.company_id.root_id.currency_id.format
        if figures.limit is None:
            return self.env._(
                "Credit: %(used)s used, no limit", used=format_(figures.exposure)
            )
        return self.env._(
            "Credit: %(used)s of %(limit)s used, %(available)s available",
            used=format_(figures.account_exposure),
            limit=format_(figures.limit),
            available=format_(figures.available),
        )
