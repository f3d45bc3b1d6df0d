from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_amount, formatLang


class GuardFinding(models.Model):
    """What a finding shows: its story in words, and its document."""

    _inherit = "guard.finding"

    @api.depends_context("lang")
    @api.depends("causes", "state", "check_id")
    def _compute_story(self):
        for finding in self:
            finding.story = self.env["ir.qweb"]._render(
                "balance_guard.finding_story", {"finding": finding}
            )

    def _get_cause_lines(self):
        """The causes with their labels, amounts and numbers, largest first.

        :rtype: list[dict]
        """
        self.ensure_one()
        labels = dict(self._fields["cause_code"]._description_selection(self.env))
        lines = [
            {"label": labels.get(code, code), "code": code, **cause}
            for code, cause in (self.causes or {}).items()
        ]
        return sorted(lines, key=lambda line: -abs(line["amount"]))

    def _format(self, amount):
        """An amount as this finding's story shows it."""
        self.ensure_one()
        if self.cause_code == "reservation":
            return formatLang(self.env, amount, digits=2)
        return format_amount(self.env, amount, self.currency_id)

    def action_open_document(self):
        """Open the document that the finding is about.

        :raise UserError: the finding names no document, or it has been deleted
        """
        self.ensure_one()
        self.check_access("read")
        document = self._get_document()
        if not document:
            raise UserError(self.env._("This finding has no document to open."))
        document.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": document._name,
            "res_id": document.id,
            "views": [(False, "form")],
        }

    def _get_document(self):
        """The document (for a journal item, its entry), empty if it has gone."""
        self.ensure_one()
        model, res_id = self.res_model, self.res_id
        if self.entry_id and not model:
            model, res_id = "subledger.entry", self.entry_id.id
        if not model or model not in self.env:
            return None
        document = self.env[model].browse(res_id).exists()
        if model == "account.move.line":
            # Which entry an item belongs to; the entry's own rights are checked.
            document = self.env["account.move"].browse(document.sudo().move_id.id)
        return document
