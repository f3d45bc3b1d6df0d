import psycopg2

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError

from .credit_rule import RULE_TYPES

HOLD_STATES = [
    ("open", "Open"),
    ("released", "Released"),
    ("rejected", "Rejected"),
    ("expired", "Expired"),
    ("cancelled", "Cancelled"),
]
APPROVER_GROUP = "credit_control.group_credit_approver"
# What people may note on a hold; everything else changes through its methods.
EDITABLE_FIELDS = {
    "review_date",
    "user_id",
    "message_follower_ids",
    "activity_ids",
    "message_main_attachment_id",
}


class CreditHold(models.Model):
    """A document that may not go on until somebody decides, and that decision.

    Created by a rule at a checkpoint or by hand; nobody else creates, edits or deletes
    one. A release is bound to the document, to its total at that moment and to an
    expiry: it answers for every later checkpoint until the document grows beyond it.
    """

    _name = "credit.hold"
    _description = "Credit Hold"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _rec_name = "document_name"
    _allow_sudo_commands = False
    _mail_post_access = "read"
    _check_company_auto = True

    state = fields.Selection(
        HOLD_STATES, default="open", required=True, readonly=True, index=True
    )
    source = fields.Selection(
        [("rule", "Rule"), ("manual", "By hand")], default="rule", readonly=True
    )
    checkpoint = fields.Selection(
        [
            ("order", "Order confirmation"),
            ("reservation", "Reservation"),
            ("delivery", "Delivery"),
            ("invoice", "Invoice posting"),
        ],
        readonly=True,
    )
    document_name = fields.Char(readonly=True, required=True)
    order_id = fields.Many2one(
        "sale.order", string="Sales Order", readonly=True, index="btree_not_null"
    )
    picking_id = fields.Many2one(
        "stock.picking", string="Transfer", readonly=True, index="btree_not_null"
    )
    move_id = fields.Many2one(
        "account.move", string="Invoice", readonly=True, index="btree_not_null"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, readonly=True, index=True
    )
    group_id = fields.Many2one("credit.group", string="Credit Group", readonly=True)
    salesperson_id = fields.Many2one("res.users", readonly=True)
    reason_type = fields.Selection(
        [*RULE_TYPES, ("manual", "By hand"), ("multiple", "Several reasons")],
        string="Reason",
        readonly=True,
    )
    reasons = fields.Text(string="Explanation", readonly=True)
    is_unlimited = fields.Boolean(readonly=True)
    credit_limit = fields.Monetary(string="Limit", readonly=True, aggregator=None)
    exposure = fields.Monetary(
        readonly=True,
        aggregator=None,
        help="What the customer owed without this document when it was held.",
    )
    document_amount = fields.Monetary(string="Document Adds", readonly=True)
    amount_over = fields.Monetary(
        string="Excess",
        readonly=True,
        help="What has to be covered by the authority of whoever releases it.",
    )
    utilization = fields.Float(compute="_compute_utilization", aggregator=None)
    requested_by = fields.Many2one("res.users", readonly=True)
    user_id = fields.Many2one("res.users", string="Responsible")
    review_date = fields.Date()
    age_days = fields.Integer(compute="_compute_age_days", string="Age (Days)")
    is_ready = fields.Boolean(
        string="Ready to Release",
        readonly=True,
        help="The customer paid or the limit was raised: no rule objects any more.",
    )
    approved_total = fields.Monetary(
        string="Approved up to",
        currency_field="approved_currency_id",
        readonly=True,
        aggregator=None,
        help="Total of the document, in its own currency, that the release covers.",
    )
    approved_currency_id = fields.Many2one("res.currency", readonly=True)
    approved_discount = fields.Float(
        readonly=True,
        aggregator=None,
        help="Percent below the price list that the release covers.",
    )
    approved_reduction = fields.Monetary(
        currency_field="approved_currency_id",
        readonly=True,
        aggregator=None,
        help="Amount below the price list that the release covers.",
    )
    released_by = fields.Many2one("res.users", readonly=True)
    released_at = fields.Datetime(readonly=True)
    release_reason = fields.Char(readonly=True)
    expires_at = fields.Datetime(
        string="Release Expires",
        readonly=True,
        help="From then on the document is examined again.",
    )
    can_release = fields.Boolean(compute="_compute_can_release")
    release_obstacle = fields.Char(
        compute="_compute_can_release",
        help="Why the user who looks at the hold cannot decide on it.",
    )

    # One open hold per document, with all its reasons; serves the work list as well
    _order_open_unique = models.UniqueIndex(
        "(order_id) WHERE state = 'open' AND order_id IS NOT NULL",
        "The order already has an open credit hold.",
    )
    _picking_open_unique = models.UniqueIndex(
        "(picking_id) WHERE state = 'open' AND picking_id IS NOT NULL",
        "The transfer already has an open credit hold.",
    )
    _move_open_unique = models.UniqueIndex(
        "(move_id) WHERE state = 'open' AND move_id IS NOT NULL",
        "The invoice already has an open credit hold.",
    )
    # Asked by every payment: are there holds to look at again?
    _partner_open_idx = models.Index("(partner_id, company_id) WHERE state = 'open'")

    @api.depends("exposure", "document_amount", "credit_limit")
    def _compute_utilization(self):
        for hold in self:
            total = hold.exposure + hold.document_amount
            limit = hold.credit_limit
            hold.utilization = 100.0 * total / limit if limit else 0.0

    def _compute_age_days(self):
        now = fields.Datetime.now()
        for hold in self:
            created = hold.create_date or now
            hold.age_days = max((now - created).days, 0)

    @api.depends_context("uid")
    @api.depends("state", "amount_over", "requested_by")
    def _compute_can_release(self):
        for hold in self:
            is_open = hold.state == "open"
            hold.release_obstacle = is_open and hold._get_release_obstacle()
            hold.can_release = is_open and not hold.release_obstacle

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if not self.env.su and set(vals) - EDITABLE_FIELDS:
            raise UserError(
                self.env._(
                    "A credit hold is not edited: release it, reject it or ask for"
                    " more information."
                )
            )
        return super().write(vals)

    # Nothing is left of a copy that is refused: there is no super to call.
    def copy(self, default=None):  # pylint: disable=method-required-super
        raise UserError(self.env._("A credit hold cannot be copied."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_never(self):
        raise UserError(self.env._("Credit holds are kept as a record of decisions."))

    # ------------------------------------------------------------------
    # Holding
    # ------------------------------------------------------------------

    @api.model
    def _hold(self, case):
        """Put the document of ``case`` on hold, or refresh the hold it has."""
        document = case.document._get_credit_document()
        hold_sudo = document.sudo().credit_hold_ids.filtered(
            lambda hold: hold.state == "open"
        )[:1]
        if hold_sudo:
            hold_sudo._refresh(case)
            return hold_sudo
        return self._open(document, self._prepare_hold_vals(case, document))

    def _refresh(self, case, notify=True):
        """Bring the figures up to date; words stay that somebody typed, or as long as
        nothing else is found.

        :param notify: tell those whose authority covers an excess that grew
        """
        self.ensure_one()
        before = self.amount_over
        vals = self._prepare_hold_vals(case, case.document._get_credit_document())
        # Who sold it when it was held does not become a stranger to it
        del vals["salesperson_id"]
        if self.source == "manual" or not case.failures:
            for name in ("checkpoint", "reason_type", "reasons"):
                del vals[name]
        self.write(vals)
        grown = self.currency_id.compare_amounts(self.amount_over, before) > 0
        if notify and grown:
            self._notify_approvers()

    @api.model
    def _open(self, document, vals):
        # sudo: nobody may create holds directly, whoever runs into one does it here
        hold_sudo = self.sudo().with_context(
            mail_create_nolog=True, tracking_disable=True
        )
        try:
            hold_sudo = hold_sudo.create({**vals, "requested_by": self.env.uid})
        except psycopg2.errors.UniqueViolation as error:
            # Held by somebody else at the same instant, who is not visible here: the
            # server starts the request again, which then finds that hold
            raise ConcurrencyError(error.diag.message_primary) from error
        if self.env["credit.rule"]._is_idle():
            self.env.registry.clear_cache()
        if hold_sudo.source == "rule":
            self.env["credit.recheck"]._request_new_hold(hold_sudo)
        document.sudo()._message_log(
            body=self.env._(
                "On credit hold: %(reason)s. %(hold)s",
                reason=hold_sudo._get_reason_kind(),
                hold=hold_sudo._get_chatter_link(),
            )
        )
        hold_sudo._notify_approvers()
        return hold_sudo

    def _get_chatter_link(self):
        """Where a note on the document leads: the hold, for those who may open it."""
        return self._get_html_link(title=self.env._("Show the hold"))

    def _get_reason_label(self):
        """Why, without the customer's figures: for those who work with the document.

        What somebody typed for a hold by hand is meant for them and shown as typed.
        """
        return self.reasons if self.source == "manual" else self._get_reason_kind()

    def _get_reason_kind(self):
        """What kind of reason: all that stays in the chatter of the document."""
        labels = dict(self._fields["reason_type"]._description_selection(self.env))
        return labels[self.reason_type]

    @api.model
    def _prepare_hold_vals(self, case, document):
        kinds = {finding.rule_type for finding in case.failures}
        return {
            **self._prepare_document_vals(document),
            "checkpoint": case.checkpoint,
            "company_id": case.company.id,
            "partner_id": case.partner.id,
            "group_id": case.group.id,
            "reason_type": kinds.pop() if len(kinds) == 1 else "multiple",
            "reasons": "\n".join(finding.text for finding in case.failures),
            "is_unlimited": case.limit is None,
            "credit_limit": case.limit or 0.0,
            "exposure": case.exposure,
            "document_amount": case.amount,
            "amount_over": case.over,
            "is_ready": False,
        }

    @api.model
    def _prepare_document_vals(self, document):
        vals = {
            "document_name": document.display_name,
            "company_id": document.company_id.id,
            "partner_id": document._get_credit_payer().id,
            "salesperson_id": document._get_credit_salesperson().id,
        }
        for name, field in self._fields.items():
            if name in ("order_id", "picking_id", "move_id"):
                matches = field.comodel_name == document._name
                vals[name] = document.id if matches else False
        return vals

    def _get_involved_users(self):
        """Whose document it is, whoever the hold says asked for it.

        With a customer who signs in the portal, or a colleague who holds it by hand,
        the seller would otherwise be a stranger to the own order.
        """
        self.ensure_one()
        # sudo: approvers need no rights on the document
        hold_sudo = self.sudo()
        users = hold_sudo.requested_by | hold_sudo.salesperson_id
        if document_sudo := hold_sudo._get_document():
            users |= document_sudo._get_credit_salesperson() | document_sudo.create_uid
        return users

    def _notify_approvers(self):
        """Give the hold to those who may decide on it and do not have it yet.

        These are the approvers whose authority is just enough. Where nobody's is, a
        credit manager, who can give it.
        """
        authorities = self.env["credit.authority"]
        for hold in self:
            involved = hold._get_involved_users()
            note = hold.reasons
            users = authorities._get_approvers(
                hold.company_id, hold.amount_over, involved
            )[:3]
            if not users:
                users = authorities._get_managers(hold.company_id, involved)[:1]
                note = self.env._(
                    "Nobody's credit authority covers this hold: give it to somebody."
                )
            for user in users - hold._get_notified_users():
                hold.with_context(mail_activity_quick_update=True).activity_schedule(
                    "credit_control.mail_activity_release", user_id=user.id, note=note
                )

    def _get_notified_users(self):
        release = self.env.ref("credit_control.mail_activity_release")
        return self.activity_ids.filtered(
            lambda activity: activity.activity_type_id == release
        ).user_id

    def _get_document(self):
        self.ensure_one()
        return (self.order_id or self.move_id or self.picking_id).exists()

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def action_open_document(self):
        """Open the held document."""
        self.ensure_one()
        self.check_access("read")
        document = self._get_document()
        if not document:
            raise UserError(self.env._("The document was deleted."))
        return {
            "type": "ir.actions.act_window",
            "res_model": document._name,
            "res_id": document.id,
            "view_mode": "form",
        }
