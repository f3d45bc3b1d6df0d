from odoo import api, fields, models
from odoo.tools import SQL

from .credit_exposure import FIGURE_GROUPS

LIMIT_GROUPS = (
    "account.group_account_invoice,account.group_account_readonly,"
    "credit_control.group_credit_user"
)
# Figures read from the one exposure query, and their column there
FIGURE_COLUMNS = {
    "credit_exposure": "exposure",
    "exposure_open_items": "open_items",
    "exposure_orders": "orders",
    "exposure_draft_invoices": "draft_invoices",
    "credit_available": "available",
    "credit_utilization": "utilization",
}
# Those that need the limits as well
LIMIT_FIGURES = ("credit_available", "credit_utilization")


class ResPartner(models.Model):
    _inherit = "res.partner"

    credit_limit = fields.Float(groups=LIMIT_GROUPS, tracking=True)
    use_partner_credit_limit = fields.Boolean(groups=LIMIT_GROUPS)
    credit_limit_policy = fields.Selection(
        [("limit", "Limited to the amount"), ("unlimited", "Unlimited")],
        string="Credit Policy",
        company_dependent=True,
        tracking=True,
        copy=False,
        groups=LIMIT_GROUPS,
        help="Limited to the amount: it counts also when it is zero (no credit)."
        " Empty: an amount of zero means that there is no limit.",
    )
    credit_limit_expiry = fields.Date(
        string="Limit Valid Until",
        company_dependent=True,
        tracking=True,
        copy=False,
        groups=LIMIT_GROUPS,
        help="After this day the limit counts as zero until it is renewed.",
    )
    credit_group_id = fields.Many2one(
        "credit.group",
        string="Credit Group",
        compute="_compute_credit_group_id",
        groups=LIMIT_GROUPS,
        help="Whose limit the customer shares in the active company.",
    )
    credit_hold_count = fields.Integer(
        compute="_compute_credit_hold_count", groups=FIGURE_GROUPS
    )
    credit_is_limited = fields.Boolean(
        compute="_compute_credit_figures", groups=FIGURE_GROUPS
    )
    credit_limit_in_force = fields.Monetary(
        compute="_compute_credit_figures",
        groups=FIGURE_GROUPS,
        help="Limit that counts today, of the customer or of its credit group.",
    )
    credit_exposure = fields.Monetary(
        compute="_compute_credit_exposure",
        search="_search_credit_exposure",
        groups=FIGURE_GROUPS,
        help="What the customer owes or will owe: open items, confirmed orders and"
        " draft invoices; of the whole legal entity, in its currency.",
    )
    exposure_open_items = fields.Monetary(
        compute="_compute_credit_figures",
        search="_search_exposure_open_items",
        groups=FIGURE_GROUPS,
        help="Posted invoices minus credit notes and payments.",
    )
    exposure_orders = fields.Monetary(
        compute="_compute_credit_figures",
        search="_search_exposure_orders",
        groups=FIGURE_GROUPS,
        help="Confirmed orders not invoiced yet, taxes included; and sales on account"
        " in open point-of-sale sessions.",
    )
    exposure_draft_invoices = fields.Monetary(
        compute="_compute_credit_figures",
        search="_search_exposure_draft_invoices",
        groups=FIGURE_GROUPS,
        help="Draft customer invoices minus draft credit notes.",
    )
    exposure_overdue = fields.Monetary(
        compute="_compute_exposure_overdue",
        search="_search_exposure_overdue",
        groups=FIGURE_GROUPS,
        help="Open items past their due date; credits that are not allocated yet count"
        " against the oldest.",
    )
    credit_available = fields.Monetary(
        compute="_compute_credit_figures",
        search="_search_credit_available",
        groups=FIGURE_GROUPS,
        help="Limit minus exposure, negative when over the limit; zero for unlimited"
        " credit. Members of a credit group share it.",
    )
    credit_utilization = fields.Float(
        string="Credit Used (%)",
        compute="_compute_credit_figures",
        search="_search_credit_utilization",
        groups=FIGURE_GROUPS,
        help="Exposure in percent of the limit; zero for unlimited credit.",
    )

    # ------------------------------------------------------------------
    # Figures
    # ------------------------------------------------------------------

    @api.depends_context("company")
    @api.depends("commercial_partner_id")
    def _compute_credit_exposure(self):
        """On its own: lists of customers show it without the other figures."""
        # sudo: as for the other figures
        exposure_model = self.env["credit.exposure"].sudo()
        exposures = exposure_model._get_exposures(self.env.company, self._origin)
        for partner in self:
            commercial = partner.commercial_partner_id._origin
            partner.credit_exposure = exposures.get(commercial.id, 0.0)

    @api.depends_context("company")
    @api.depends("commercial_partner_id")
    def _compute_credit_figures(self):
        # sudo: a salesperson sees what the customer owes in total, computed from
        # documents of colleagues that remain closed to them
        figures = (
            self.env["credit.exposure"]
            .sudo()
            ._get_figures(self.env.company, self._origin)
        )
        for partner in self:
            figure = figures.get(partner.commercial_partner_id._origin.id)
            partner._set_credit_figures(figure)

    def _set_credit_figures(self, figure):
        available = figure.available if figure else None
        self.credit_is_limited = available is not None
        self.credit_limit_in_force = (figure and figure.limit) or 0.0
        self.exposure_open_items = figure.open_items if figure else 0.0
        self.exposure_orders = figure.orders if figure else 0.0
        self.exposure_draft_invoices = figure.draft_invoices if figure else 0.0
        self.credit_available = available or 0.0
        self.credit_utilization = self._get_utilization(figure)

    @api.model
    def _get_utilization(self, figure):
        """Percent of the limit in use; a limit of zero is used up by any exposure."""
        if not figure or figure.limit is None:
            return 0.0
        if not figure.limit:
            return 100.0 if figure.account_exposure > 0 else 0.0
        return 100.0 * figure.account_exposure / figure.limit

    @api.depends_context("company")
    def _compute_exposure_overdue(self):
        # sudo: as for the other figures
        exposure = self.env["credit.exposure"].sudo()
        exposure._flush_overdue()
        commercial_ids = self.commercial_partner_id._origin.ids
        rows = self.env.execute_query(
            SQL(
                "SELECT partner_id, amount FROM %s AS overdue",
                exposure._overdue_table(self.env.company.root_id, commercial_ids),
            )
        )
        amounts = dict(rows)
        for partner in self:
            commercial = partner.commercial_partner_id._origin
            partner.exposure_overdue = amounts.get(commercial.id, 0.0)

    @api.depends_context("company")
    def _compute_credit_group_id(self):
        commercial = self.commercial_partner_id._origin
        groups = self.env["credit.group"]._get_group_of(
            self.env.company.root_id, commercial
        )
        for partner in self:
            partner.credit_group_id = groups.get(partner.commercial_partner_id._origin)

    def _compute_credit_hold_count(self):
        # sudo: the number is shown, the holds follow their own rules
        counts = dict(
            self.env["credit.hold"]
            .sudo()
            ._read_group(
                [
                    ("state", "=", "open"),
                    ("partner_id", "in", self.commercial_partner_id.ids),
                    ("company_id", "in", self.env.companies.ids),
                ],
                ["partner_id"],
                ["__count"],
            )
        )
        for partner in self:
            partner.credit_hold_count = counts.get(partner.commercial_partner_id, 0)

    # ------------------------------------------------------------------
    # Searching and sorting, by the database
    # ------------------------------------------------------------------

    def _search_credit_exposure(self, operator, value):
        return self._search_amount("credit_exposure", operator, value)

    def _search_exposure_open_items(self, operator, value):
        return self._search_amount("exposure_open_items", operator, value)

    def _search_exposure_orders(self, operator, value):
        return self._search_amount("exposure_orders", operator, value)

    def _search_exposure_draft_invoices(self, operator, value):
        return self._search_amount("exposure_draft_invoices", operator, value)

    def _search_credit_available(self, operator, value):
        return self._search_amount("credit_available", operator, value)

    def _search_credit_utilization(self, operator, value):
        return self._search_amount("credit_utilization", operator, value)

    def _search_exposure_overdue(self, operator, value):
        return self._search_amount("exposure_overdue", operator, value)

    @api.model
    def _get_amount_query(self, field_name):
        # EXTENDS 'sales_ledger_sync'
        if field_name == "exposure_overdue":
            table, column = self._get_overdue_table(), SQL("amount")
        elif field_name in FIGURE_COLUMNS:
            table = self._get_figures_table(field_name in LIMIT_FIGURES)
            column = SQL.identifier(FIGURE_COLUMNS[field_name])
        else:
            return super()._get_amount_query(field_name)
        return SQL("SELECT partner_id, %s AS amount FROM %s AS figures", column, table)

    @api.model
    def _get_overdue_table(self):
        # sudo: as for the other figures
        exposure = self.env["credit.exposure"].sudo()
        exposure._flush_overdue()
        return exposure._overdue_table(self.env.company.root_id)

    @api.model
    def _get_figures_table(self, with_limits):
        # sudo: as for reading the figures one by one
        exposure = self.env["credit.exposure"].sudo()
        exposure._flush_sources()
        if not with_limits:
            return exposure._exposure_table(self.env.company.root_id)
        return SQL(
            """(
            SELECT figures.*,
                   COALESCE(credit_limit - account_exposure, 0) AS available,
                   CASE WHEN credit_limit > 0
                        THEN 100.0 * account_exposure / credit_limit
                        WHEN credit_limit = 0 AND account_exposure > 0 THEN 100.0
                        ELSE 0 END AS utilization
              FROM %s AS figures)""",
            exposure._figures_table(self.env.company),
        )
