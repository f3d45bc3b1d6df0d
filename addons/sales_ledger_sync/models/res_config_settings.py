from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import formatLang


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    subledger_apply_credit = fields.Boolean(
        related="company_id.subledger_apply_credit", readonly=False
    )
    subledger_start_date = fields.Date(
        related="company_id.subledger_start_date", readonly=False
    )
    subledger_manual_policy = fields.Selection(
        related="company_id.subledger_manual_policy", readonly=False, required=True
    )
    subledger_manual_summary = fields.Text(
        string="Manual Items",
        compute="_compute_subledger_manual_summary",
        groups="sales_ledger_sync.group_ledger_manager",
    )

    @api.depends("company_id")
    def _compute_subledger_manual_summary(self):
        figures = self.env["subledger.sync"]._count_manual_items(self.company_id)
        for settings in self:
            company = settings.company_id
            settings.subledger_manual_summary = "\n".join(
                settings._describe_manual_items(state, *figure)
                for state, figure in figures[company.id].items()
            )

    def _describe_manual_items(self, state, count, total):
        """One sentence on the manual items that are left out, or recorded."""
        values = {
            "count": count,
            "total": formatLang(
                self.env, total, currency_obj=self.company_id.currency_id
            ),
        }
        if state == "recorded":
            if count == 1:
                return self.env._(
                    "1 manual item, total %(total)s, recorded as adjustment", **values
                )
            return self.env._(
                "%(count)s manual items, total %(total)s, recorded as adjustments",
                **values,
            )
        if count == 1:
            return self.env._("1 manual item, total %(total)s, left out", **values)
        return self.env._("%(count)s manual items, total %(total)s, left out", **values)

    def action_open_manual_items(self):
        """Open the manual items of the company in the settings."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "sales_ledger_sync.action_manual_items"
        )
        action["domain"] = list(
            Domain("subledger_manual", "!=", False)
            & Domain("company_id", "=", self.company_id.id)
        )
        return action
