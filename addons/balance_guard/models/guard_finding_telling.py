from odoo import fields, models

from .guard_finding import OPEN_STATES

# Activities per company and run: more of them would be read by nobody.
MAX_ACTIVITIES = 5


class GuardFinding(models.Model):
    """Telling people: activities and mail, each thing once."""

    _inherit = "guard.finding"

    def _notify_responsible(self, company):
        """Activities and one message for what is new; nothing is told twice."""
        news = self.filtered(
            lambda finding: finding.state in OPEN_STATES and not finding.notified_at
        )
        responsible = company._get_guard_responsible()
        if not news or not responsible:
            return
        for finding in news.sorted(lambda f: -abs(f.difference))[:MAX_ACTIVITIES]:
            finding._schedule_activity(responsible)
        news._send_news(company, responsible)
        news.notified_at = fields.Datetime.now()

    def _schedule_activity(self, responsible):
        self.ensure_one()
        xmlid = "balance_guard.activity_finding"
        if responsible and not self.activity_search([xmlid]):
            self.activity_schedule(
                xmlid, user_id=responsible.id, summary=self.display_name
            )

    def _send_news(self, company, responsible):
        """One mail per company and run, whatever the number of findings."""
        template = self.env.ref("balance_guard.mail_news")
        findings = self.sorted(lambda finding: -abs(finding.difference))
        body = self.env["ir.qweb"]._render(
            template.id, {"findings": findings[:20], "count": len(self)}
        )
        findings[:1].message_notify(
            partner_ids=responsible.partner_id.ids,
            subject=self.env._(
                "%(count)s new balance differences in %(company)s",
                count=len(self),
                company=company.name,
            ),
            body=body,
        )

    def _alert(self, note):
        """Tell the responsible that healing has stopped."""
        self.ensure_one()
        responsible = self.company_id._get_guard_responsible()
        self._schedule_activity(responsible)
        self.message_notify(
            partner_ids=responsible.partner_id.ids,
            subject=self.env._("Healing stopped: %s", self.display_name),
            body=note,
        )
