import json

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, format_amount, formatLang

from odoo.addons.sales_ledger_sync.fields import KeylessMany2one

from .guard_cause import CAUSES

OPEN_STATES = ("open", "reopened")
# Activities per company and run: more of them would be read by nobody.
MAX_ACTIVITIES = 5


class GuardFinding(models.Model):
    """One difference: what was expected, what is there, and what explains it.

    Amounts are in company currency, debit minus credit (quantities for reservations).
    ``difference`` is ``expected`` minus ``actual`` and equals ``explained`` (the sum
    of the named causes) plus ``unexplained``.
    """

    _name = "guard.finding"
    _description = "Balance Finding"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "last_seen desc, id desc"
    _allow_sudo_commands = False

    check_id = fields.Many2one(
        "guard.check", required=True, readonly=True, ondelete="cascade"
    )
    check_code = fields.Char(related="check_id.code")
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one("res.partner", readonly=True, index="btree_not_null")
    partner_key = fields.Integer(
        readonly=True, help="The partner's id, also after it was deleted; 0: none."
    )
    partner_name = fields.Char(readonly=True)
    account_id = fields.Many2one("account.account", readonly=True)
    entry_id = KeylessMany2one("subledger.entry", string="Ledger Entry", readonly=True)
    res_model = fields.Char(string="Document Model", readonly=True)
    res_id = fields.Many2oneReference(
        string="Document", model_field="res_model", readonly=True
    )
    field_name = fields.Char(string="Changed Field", readonly=True)
    value_expected = fields.Char(readonly=True)
    value_found = fields.Char(readonly=True)

    expected = fields.Float(digits=(20, 4), readonly=True)
    actual = fields.Float(digits=(20, 4), readonly=True)
    difference = fields.Float(
        digits=(20, 4), readonly=True, help="Expected minus actual."
    )
    explained = fields.Float(
        digits=(20, 4), readonly=True, help="Sum of the named causes."
    )
    unexplained = fields.Float(
        digits=(20, 4), readonly=True, help="Difference minus explained."
    )
    causes = fields.Json(readonly=True, help="Amount and number of items by cause.")
    cause_code = fields.Selection(
        CAUSES, string="Main Cause", required=True, readonly=True
    )
    is_expected = fields.Boolean(
        readonly=True, help="Follows from the settings: there is nothing to repair."
    )
    state = fields.Selection(
        [
            ("open", "Open"),
            ("explained", "Explained"),
            ("healed", "Healed"),
            ("accepted", "Accepted"),
            ("reopened", "Reopened"),
        ],
        required=True,
        readonly=True,
        tracking=True,
    )
    fingerprint = fields.Char(required=True, readonly=True)
    first_seen = fields.Datetime(required=True, readonly=True)
    last_seen = fields.Datetime(required=True, readonly=True)
    last_run_id = fields.Many2one("guard.run", readonly=True, ondelete="set null")
    seen_count = fields.Integer(string="Times Seen", readonly=True)
    closed_at = fields.Datetime(readonly=True)
    run_ids = fields.Many2many("guard.run", string="Runs", readonly=True)
    notified_at = fields.Datetime(readonly=True)
    accept_reason = fields.Char(readonly=True)
    heal_ids = fields.One2many("guard.heal", "finding_id", string="Healing")
    story = fields.Html(compute="_compute_story", sanitize=False)

    # The same fault found again updates its finding: two workers that meet one fault
    # at once collide here and the later one repeats its work.
    _fingerprint_unique = models.UniqueIndex("(fingerprint)")
    # _close_vanished, dashboard: what is open in a company.
    _open_idx = models.Index(
        "(company_id, check_id, partner_key) WHERE state != 'healed'"
    )

    @api.depends("check_id", "partner_name", "cause_code")
    def _compute_display_name(self):
        labels = dict(self._fields["cause_code"]._description_selection(self.env))
        for finding in self:
            parts = [labels.get(finding.cause_code), finding.partner_name]
            finding.display_name = " - ".join(part for part in parts if part)

    # Writing what a run found

    @api.model
    def _upsert(self, run, check, unit, rows):
        """Write the rows that ``check`` found in ``run``, one finding per fault.

        :return: the findings of these rows
        """
        if not rows:
            return self.browse()
        now = fields.Datetime.now()
        ids = [
            finding_id
            for (finding_id,) in self.env.execute_query(
                self._upsert_query(run, check, self._prepare_rows(unit, rows), now)
            )
        ]
        self.env.execute_query(
            SQL(
                """
                INSERT INTO guard_finding_guard_run_rel
                            (guard_run_id, guard_finding_id)
                     SELECT %s, UNNEST(%s::int[]) ON CONFLICT DO NOTHING
                  RETURNING 1
                """,
                run.id,
                ids,
            )
        )
        self.invalidate_model(flush=False)
        run.invalidate_recordset(["finding_ids"], flush=False)
        return self.browse(ids)

    def _prepare_rows(self, unit, rows):
        """One row per fingerprint: the last one wins."""
        by_fingerprint = {unit._fingerprint(row): row for row in rows}
        return [
            {**row, "fingerprint": fingerprint}
            for fingerprint, row in by_fingerprint.items()
        ]

    def _upsert_query(self, run, check, rows, now):
        return SQL(
            """
            INSERT INTO guard_finding AS finding (%(columns)s)
                 SELECT %(values)s
                   FROM jsonb_to_recordset(%(rows)s::jsonb) AS seen (
                            fingerprint text, company_id int, partner_id int,
                            account_id int, entry_id int, res_model text, res_id int,
                            field_name text, value_expected text, value_found text,
                            expected numeric, actual numeric, difference numeric,
                            explained numeric, unexplained numeric, causes jsonb,
                            cause_code text, is_expected boolean)
              LEFT JOIN res_partner partner ON partner.id = seen.partner_id
              LEFT JOIN account_account account ON account.id = seen.account_id
               ORDER BY seen.fingerprint
            ON CONFLICT (fingerprint) DO UPDATE SET %(updates)s
              RETURNING finding.id
            """,
            rows=json.dumps(rows, default=str),
            columns=SQL(", ").join(map(SQL.identifier, self._get_upsert_columns())),
            values=self._upsert_values(run, check, now),
            updates=self._upsert_updates(),
        )

    def _get_upsert_columns(self):
        seen = [
            *("fingerprint", "company_id", "res_model", "res_id", "field_name"),
            *("value_expected", "value_found", "expected", "actual", "difference"),
            *("explained", "unexplained", "causes", "cause_code", "is_expected"),
        ]
        return seen + [
            *("partner_id", "partner_key", "partner_name", "account_id", "entry_id"),
            *("state", "check_id", "last_run_id", "seen_count"),
            *("first_seen", "last_seen", "create_uid", "create_date"),
        ]

    def _upsert_values(self, run, check, now):
        return SQL(
            """
            seen.fingerprint, seen.company_id, seen.res_model, seen.res_id,
            seen.field_name, seen.value_expected, seen.value_found, seen.expected,
            seen.actual, seen.difference, seen.explained, seen.unexplained,
            seen.causes, seen.cause_code, seen.is_expected,
            partner.id, COALESCE(seen.partner_id, 0), partner.complete_name,
            account.id, seen.entry_id,
            CASE WHEN seen.is_expected THEN 'explained' ELSE 'open' END,
            %(check)s, %(run)s, 1, %(now)s, %(now)s, %(uid)s, %(now)s
            """,
            check=check.id,
            run=run.id,
            now=now,
            uid=self.env.uid,
        )

    def _upsert_updates(self):
        copied = [
            *("field_name", "value_expected", "value_found", "expected", "actual"),
            *("difference", "explained", "unexplained", "causes", "cause_code"),
            *("is_expected", "partner_id", "partner_name", "last_run_id", "last_seen"),
        ]
        updates = [
            SQL("%s = excluded.%s", SQL.identifier(name), SQL.identifier(name))
            for name in copied
        ]
        updates.append(SQL("seen_count = finding.seen_count + 1"))
        updates.append(SQL("state = %s", self._next_state()))
        updates.append(SQL("notified_at = %s", self._next_notified()))
        updates.append(SQL("closed_at = NULL"))
        return SQL(", ").join(updates)

    def _next_state(self):
        """State of a finding that is seen again; see also ``_close_vanished``."""
        return SQL(
            """
            CASE WHEN excluded.is_expected THEN
                    CASE finding.state WHEN 'accepted' THEN 'accepted'
                         ELSE 'explained' END
                 WHEN finding.state = 'accepted'
                      AND finding.difference = excluded.difference THEN 'accepted'
                 WHEN finding.state = 'open' THEN 'open'
                 WHEN finding.state = 'explained' THEN 'open'
                 ELSE 'reopened'
             END
            """
        )

    def _next_notified(self):
        """A finding that comes back is told again, one that stays is not."""
        return SQL(
            """
            CASE WHEN finding.state IN ('open', 'reopened') THEN finding.notified_at
                 WHEN finding.state = 'accepted'
                      AND finding.difference = excluded.difference
                      THEN finding.notified_at
             END
            """
        )

    def _close_vanished(self, check, scope):
        """Close the findings of ``check`` within ``scope`` that are not in ``self``."""
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE guard_finding
                   SET state = 'healed', closed_at = %(now)s
                 WHERE check_id = %(check)s
                   AND state != 'healed'
                   AND %(companies)s
                   AND %(partners)s
                   AND NOT EXISTS (SELECT FROM UNNEST(%(seen)s::int[]) AS seen
                                    WHERE seen = guard_finding.id)
             RETURNING id
                """,
                now=fields.Datetime.now(),
                check=check.id,
                companies=scope.companies(SQL("company_id")),
                partners=scope.partners(SQL("NULLIF(partner_key, 0)")),
                seen=self.ids,
            )
        )
        closed = self.browse(finding_id for (finding_id,) in rows)
        closed.invalidate_recordset(flush=False)
        # The to-do goes with its reason, whoever it was given to.
        closed.sudo().activity_unlink(["balance_guard.activity_finding"])
        return closed

    # Telling people

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

    # Healing

    def _get_scope_key(self):
        """Cause, partner and account: what the circuit breaker counts by."""
        self.ensure_one()
        keys = (self.company_id.id, self.partner_key, self.account_id.id or 0)
        return ":".join(map(str, (self.check_code, *keys, self.cause_code)))

    def _get_account_key(self):
        """Company, partner (0: none) and control account of the subledger account."""
        self.ensure_one()
        return (self.company_id.id, self.partner_key, self.account_id.id or 0)

    def _mark_healed(self):
        self.write({"state": "healed", "closed_at": fields.Datetime.now()})
        self.activity_unlink(["balance_guard.activity_finding"])

    # The story in words

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

    # Actions

    def _check_may_decide(self):
        if not self.env.su and not self.env.user.has_group(
            "balance_guard.group_guard_manager"
        ):
            raise AccessError(
                self.env._("Only guard managers may decide about findings.")
            )
        self.check_access("read")

    def action_accept(self, reason=None):
        """Accept the differences as they are; a change of the amount reopens them.

        :param str reason: why; shown on the finding
        :raise AccessError: the user is no guard manager
        :raise UserError: a finding is already closed
        """
        self._check_may_decide()
        if self.filtered(lambda finding: finding.state == "healed"):
            raise UserError(self.env._("A healed finding needs no acceptance."))
        # Findings are written by the system only; the right is checked above.
        findings_sudo = self.sudo()
        findings_sudo.write({"state": "accepted", "accept_reason": reason or False})
        findings_sudo.activity_unlink(["balance_guard.activity_finding"])
        return True

    def action_reopen(self):
        """Take back an acceptance.

        :raise AccessError: the user is no guard manager
        """
        self._check_may_decide()
        accepted = self.filtered(lambda finding: finding.state == "accepted")
        # Findings are written by the system only; the right is checked above.
        accepted.sudo().write({"state": "reopened", "accept_reason": False})
        return True

    def action_heal(self):
        """Repair what may be repaired; the rest says why it was refused.

        :raise AccessError: the user is no guard manager
        """
        return self._heal_by_hand(dry_run=False)

    def action_heal_dry_run(self):
        """Show what healing would do, and change nothing but the healing log.

        :raise AccessError: the user is no guard manager
        """
        return self._heal_by_hand(dry_run=True)

    def _heal_by_hand(self, dry_run):
        self._check_may_decide()
        # Healing writes caches and, by the engine, entries; the right is checked above.
        heals_sudo = self.env["guard.heal"].sudo()._heal(self.sudo(), dry_run)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Healing"),
            "res_model": "guard.heal",
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", heals_sudo.ids)],
        }

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
