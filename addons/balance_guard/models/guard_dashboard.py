from datetime import datetime, time, timezone

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import format_date

# Weeks of the table of causes; runs listed on the card.
WEEKS = 5
LAST_RUNS = 4
COLORS = {
    "clean": "text-bg-success",
    "findings": "text-bg-danger",
    "failed": "text-bg-danger",
    "running": "text-bg-info",
}


class GuardDashboard(models.Model):
    """Health of each company, computed when it is looked at."""

    _name = "guard.dashboard"
    _description = "Balance Health"
    _auto = False
    _order = "company_id"
    _rec_name = "company_id"
    _allow_sudo_commands = False

    company_id = fields.Many2one("res.company", readonly=True)
    open_count = fields.Integer(string="Open Findings", readonly=True)
    explained_count = fields.Integer(string="Explained", readonly=True)
    accepted_count = fields.Integer(string="Accepted", readonly=True)
    healed_week_count = fields.Integer(string="Healed this Week", readonly=True)
    unexplained_count = fields.Integer(string="With an Unexplained Rest", readonly=True)
    oldest_open = fields.Datetime(string="Oldest Open Finding", readonly=True)
    last_run_id = fields.Many2one("guard.run", string="Last Run", readonly=True)
    last_sweep_id = fields.Many2one("guard.run", string="Last Sweep", readonly=True)
    last_run_date = fields.Datetime(
        related="last_run_id.date_start", string="Last Run At"
    )
    last_sweep_date = fields.Datetime(
        related="last_sweep_id.date_start", string="Last Sweep At"
    )
    health = fields.Selection(
        [
            ("unchecked", "Not checked yet"),
            ("healthy", "Healthy"),
            ("findings", "Differences"),
        ],
        readonly=True,
    )

    causes_table = fields.Html(compute="_compute_tables", sanitize=False)
    runs_table = fields.Html(compute="_compute_tables", sanitize=False)

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT company.id, company.id AS company_id,
                   found.open_count, found.explained_count, found.accepted_count,
                   found.healed_week_count, found.unexplained_count,
                   found.oldest_open, last.run_id AS last_run_id,
                   sweep.run_id AS last_sweep_id,
                   CASE WHEN found.open_count > 0 THEN 'findings'
                        WHEN last.run_id IS NULL THEN 'unchecked'
                        ELSE 'healthy' END AS health
              FROM res_company company
        CROSS JOIN LATERAL (
                SELECT COUNT(*) FILTER (WHERE %(open)s) AS open_count,
                       COUNT(*) FILTER (WHERE state = 'explained')
                           AS explained_count,
                       COUNT(*) FILTER (WHERE state = 'accepted') AS accepted_count,
                       COUNT(*) FILTER (WHERE state = 'healed'
                           AND closed_at > %(week)s) AS healed_week_count,
                       COUNT(*) FILTER (WHERE %(open)s AND unexplained <> 0)
                           AS unexplained_count,
                       MIN(first_seen) FILTER (WHERE %(open)s) AS oldest_open
                  FROM guard_finding WHERE company_id = company.id) AS found
        CROSS JOIN LATERAL (%(last)s) AS last
        CROSS JOIN LATERAL (%(sweep)s) AS sweep
             WHERE company.active
            """,
            open=SQL("state IN ('open', 'reopened')"),
            week=fields.Datetime.subtract(fields.Datetime.now(), days=7),
            last=self._last_run_sql(SQL("TRUE")),
            sweep=self._last_run_sql(
                SQL("run.kind IN ('nightly', 'startup') AND run.state = 'done'")
            ),
        )

    def _last_run_sql(self, condition):
        return SQL(
            """
            SELECT MAX(run.id) AS run_id
              FROM guard_run run
              JOIN guard_run_res_company_rel rel ON rel.guard_run_id = run.id
             WHERE rel.res_company_id = company.id AND %s
            """,
            condition,
        )

    # What the card shows besides its figures

    @api.depends_context("lang", "tz", "uid")
    def _compute_tables(self):
        qweb = self.env["ir.qweb"]
        results = self.env["guard.run"]._fields["result"]
        for health in self:
            health.causes_table = qweb._render(
                "balance_guard.dashboard_causes", health._get_causes_by_week()
            )
            health.runs_table = qweb._render(
                "balance_guard.dashboard_runs",
                {
                    "runs": health._get_last_runs(),
                    "results": dict(results._description_selection(self.env)),
                    "colors": COLORS,
                },
            )

    def _get_causes_by_week(self):
        """How many findings of each cause were first seen in each of the last weeks.

        :return: ``weeks`` (their first days, the newest last) and ``lines`` with
            ``label`` and ``counts``, the most frequent cause first
        """
        self.ensure_one()
        today = fields.Date.context_today(self)
        monday = fields.Date.start_of(today, "week")
        weeks = [fields.Date.subtract(monday, weeks=n) for n in range(WEEKS)][::-1]
        # Days and weeks are those of the user, what is stored is UTC.
        zone = self.env.tz
        first = zone.localize(datetime.combine(weeks[0], time.min))
        first = first.astimezone(timezone.utc).replace(tzinfo=None)
        finding_model = self.env["guard.finding"].with_context(tz=str(zone))
        groups = finding_model._read_group(
            [("company_id", "=", self.company_id.id), ("first_seen", ">=", first)],
            ["cause_code", "first_seen:day"],
            ["__count"],
        )
        labels = self.env["guard.finding"]._fields["cause_code"]
        labels = dict(labels._description_selection(self.env))
        lines = {}
        for code, day, count in groups:
            counts = lines.setdefault(code, [0] * WEEKS)
            week = (fields.Date.to_date(day) - weeks[0]).days // 7
            counts[min(week, WEEKS - 1)] += count
        return {
            "weeks": [
                format_date(self.env, week, date_format="d MMM") for week in weeks
            ],
            "lines": [
                {"label": labels.get(code, code), "counts": counts}
                for code, counts in sorted(
                    lines.items(), key=lambda item: -sum(item[1])
                )
            ],
        }

    def _get_last_runs(self):
        self.ensure_one()
        return self.env["guard.run"].search(
            [("company_ids", "in", self.company_id.ids)], limit=LAST_RUNS
        )

    def action_open_findings(self):
        """The open findings of this company."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "balance_guard.action_guard_finding"
        )
        action["domain"] = [("company_id", "=", self.company_id.id)]
        return action

    def action_open_curve(self):
        """Findings of this company by cause over time."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "balance_guard.action_guard_finding_curve"
        )
        action["domain"] = [("company_id", "=", self.company_id.id)]
        return action

    def action_run_now(self):
        """Run all checks of this company now.

        :raise AccessError: the user is no guard auditor
        """
        self.ensure_one()
        run = self.env["guard.check"].run_all(company_ids=self.company_id.ids)
        return {
            "type": "ir.actions.act_window",
            "res_model": "guard.run",
            "res_id": run.id,
            "views": [(False, "form")],
        }

    # Digest

    @api.model
    def _send_digest(self, company):
        """Mail the week of ``company`` to its responsible; nothing to say, no mail."""
        responsible = company._get_guard_responsible()
        health = self.search([("company_id", "=", company.id)])
        if not responsible or not health.last_run_id:
            return
        body = self.env["ir.qweb"]._render(
            "balance_guard.mail_digest", {"health": health, "company": company}
        )
        company.partner_id.message_notify(
            partner_ids=responsible.partner_id.ids,
            subject=self.env._("Balances of %s: the week", company.name),
            body=body,
        )
