from dataclasses import dataclass, field

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from .. import arguments

CHECKPOINTS = ("order", "reservation", "delivery", "invoice")

RULE_TYPES = [
    ("limit_used", "Credit limit used"),
    ("overdue_amount", "Overdue amount"),
    ("overdue_days", "Days overdue"),
    ("oldest_open_item", "Age of the oldest open item"),
    ("limit_expired", "Credit limit expired"),
    ("order_amount", "Order amount"),
    ("discount", "Discount above the maximum"),
]
# What every decision reads of a rule
DECISIVE_FIELDS = ("action", "partner_scope", "rule_type", "threshold")


@dataclass
class CreditCase:
    """One document under examination; amounts in the company's currency.

    ``exposure`` is what the credit account owes without the document, ``amount`` what
    the document adds; ``limit`` is None for unlimited credit.
    """

    document: models.BaseModel
    checkpoint: str
    partner: models.BaseModel
    members: models.BaseModel
    group: models.BaseModel
    limit: float | None
    exposure: float
    amount: float
    limit_expired: bool = False
    counted: bool = True  # the amount is already part of what the customer owes
    discount: float = 0.0  # percent below the price list, where a rule looked at it
    failures: list = field(default_factory=list)
    warnings: list = field(default_factory=list)

    @property
    def company(self):
        return self.document.company_id

    @property
    def currency(self):
        return self.company.root_id.currency_id

    @property
    def total(self):
        return self.exposure + self.amount

    @property
    def over(self):
        """The excess somebody has to have the authority for."""
        return max((failure.over for failure in self.failures), default=0.0)

    def format(self, amount):
        return self.currency.format(amount)


@dataclass
class CreditFinding:
    """A rule that a case does not meet, in words and with the excess."""

    rule: models.BaseModel
    rule_type: str
    text: str
    over: float


class CreditRule(models.Model):
    """A condition under which documents of a customer are held or warned about.

    A rule of a company also applies to its branches. Without an active rule nothing
    is checked.
    """

    _name = "credit.rule"
    _description = "Credit Rule"
    _order = "sequence, id"
    _allow_sudo_commands = False

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    rule_type = fields.Selection(RULE_TYPES, required=True, default="limit_used")
    threshold = fields.Float(
        default=100.0,
        help="Percent of the limit (limit used), an amount in the company's currency"
        " (overdue amount, order amount), days (days overdue, age of the oldest open"
        " item, days of grace after the limit's expiry) or percentage points above"
        " the allowed discount. Up to and including the threshold nothing happens.",
    )
    threshold_unit = fields.Char(compute="_compute_threshold_unit")
    check_order = fields.Boolean(
        string="Order Confirmation",
        default=True,
        help="Also when a confirmed order grows.",
    )
    check_reservation = fields.Boolean(string="Reservation")
    check_delivery = fields.Boolean(string="Delivery")
    check_invoice = fields.Boolean(
        string="Invoice Posting",
        help="Goods that were delivered have to be billed: use a warning here.",
    )
    action = fields.Selection(
        [("warn", "Warn"), ("hold", "Put on hold")], required=True, default="hold"
    )
    partner_scope = fields.Selection(
        [
            ("all", "All customers"),
            ("category", "Customers with a tag"),
            ("group", "Members of a credit group"),
        ],
        string="Applies to",
        required=True,
        default="all",
    )
    category_ids = fields.Many2many("res.partner.category", string="Tags")
    group_ids = fields.Many2many("credit.group", string="Credit Groups")

    _threshold_not_negative = models.Constraint(
        "CHECK (threshold >= 0)", "A threshold cannot be negative."
    )

    @api.depends("rule_type", "currency_id")
    def _compute_threshold_unit(self):
        units = {
            "limit_used": self.env._("% of the limit"),
            "overdue_days": self.env._("days"),
            "oldest_open_item": self.env._("days"),
            "limit_expired": self.env._("days of grace"),
            "discount": self.env._("% points"),
        }
        for rule in self:
            rule.threshold_unit = units.get(rule.rule_type, rule.currency_id.symbol)

    @api.onchange("rule_type")
    def _onchange_rule_type(self):
        self.threshold = 100.0 if self.rule_type == "limit_used" else 0.0

    @api.constrains("check_order", "check_reservation", "check_delivery")
    @api.constrains("check_invoice")
    def _check_checkpoints(self):
        for rule in self:
            if not any(rule[f"check_{name}"] for name in CHECKPOINTS):
                raise ValidationError(
                    self.env._(
                        "The rule %(rule)s never applies: choose at least one"
                        " checkpoint.",
                        rule=rule.name,
                    )
                )

    @api.constrains("partner_scope", "category_ids", "group_ids")
    def _check_scope(self):
        for rule in self:
            if rule.partner_scope == "category" and not rule.category_ids:
                raise ValidationError(self.env._("Choose the tags the rule is for."))
            if rule.partner_scope == "group" and not rule.group_ids:
                raise ValidationError(
                    self.env._("Choose the credit groups the rule is for.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        arguments.check_amounts(self.env, vals_list, "threshold")
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        arguments.check_amounts(self.env, [vals], "threshold")
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    # ------------------------------------------------------------------
    # Evaluation
    # ------------------------------------------------------------------

    @api.model
    @ormcache("company_id", "checkpoint")
    def _get_rule_ids(self, company_id, checkpoint):
        """Ids of the rules for documents of a company; cached, so no rule costs
        nothing."""
        company = self.env["res.company"].sudo().browse(company_id)
        domain = [
            (f"check_{checkpoint}", "=", True),
            ("company_id", "in", company.parent_ids.ids),
        ]
        # sudo: rules bind everybody, also those who may not read them
        return tuple(self.sudo().search(domain).ids)

    @api.model
    def _get_rules(self, company, checkpoint):
        # sudo: rules bind everybody, also those who may not read them
        rules = self.sudo().browse(self._get_rule_ids(company.id, checkpoint))
        columns = self._get_rule_values(rules._ids)
        for name, values in zip(DECISIVE_FIELDS, columns, strict=True):
            rules._fields[name]._insert_cache(rules, values)
        return rules

    @api.model
    @ormcache("rule_ids")
    def _get_rule_values(self, rule_ids):
        """What every decision reads of the rules: a column for each field."""
        # sudo: as above
        rules = self.sudo().browse(rule_ids)
        return tuple(tuple(rules.mapped(name)) for name in DECISIVE_FIELDS)

    @api.model
    @ormcache()
    def _is_idle(self):
        """Whether credit control has nothing to do: no active rule, and never a hold.

        Cached, so that an addon nobody has configured costs no query anywhere. A hold
        by hand is the only other thing that stops a document; the first one clears
        the cache.
        """
        # sudo: a plain fact about the database
        holds = self.env["credit.hold"].sudo()
        return not (
            self.sudo().search_count([], limit=1) or holds.search_count([], limit=1)
        )

    @api.model
    def _is_used(self, company):
        """Whether any rule is active for documents of ``company``."""
        return any(self._get_rule_ids(company.id, name) for name in CHECKPOINTS)

    def _examine(self, case):
        """Add what ``case`` does not meet to its failures and warnings."""
        for rule in self:
            if not rule._concerns(case):
                continue
            found = getattr(rule, f"_evaluate_{rule.rule_type}")(case)
            if not found:
                continue
            over, text = found
            finding = CreditFinding(rule, rule.rule_type, text, over)
            (case.failures if rule.action == "hold" else case.warnings).append(finding)

    def _concerns(self, case):
        self.ensure_one()
        if self.partner_scope == "category":
            return bool(self.category_ids & case.partner.category_id)
        if self.partner_scope == "group":
            return bool(case.group and case.group in self.group_ids)
        return True

    def _evaluate_limit_used(self, case):
        """Exposure with the document, against a percentage of the limit."""
        if case.limit is None:
            return None
        ceiling = case.currency.round(case.limit * self.threshold / 100.0)
        if case.currency.compare_amounts(case.total, ceiling) <= 0:
            return None
        # A document that adds nothing (already paid, a return) lifts nothing over
        adds = case.currency.compare_amounts(case.amount, 0) > 0
        if case.checkpoint == "order" and not adds:
            return None
        over = case.currency.round(case.total - ceiling)
        text = self.env._(
            "Limit %(limit)s, exposure %(exposure)s, this document %(amount)s:"
            " %(over)s over.",
            limit=case.format(ceiling),
            exposure=case.format(case.exposure),
            amount=case.format(case.amount),
            over=case.format(over),
        )
        return over, text

    def _evaluate_overdue_amount(self, case):
        overdue = self._get_overdue(case).amount
        if case.currency.compare_amounts(overdue, self.threshold) <= 0:
            return None
        over = case.currency.round(overdue - self.threshold)
        text = self.env._(
            "Overdue %(overdue)s, allowed %(allowed)s: %(over)s over.",
            overdue=case.format(overdue),
            allowed=case.format(self.threshold),
            over=case.format(over),
        )
        return over, text

    def _evaluate_overdue_days(self, case):
        days = self._get_overdue(case).days
        if days <= self.threshold:
            return None
        text = self.env._(
            "An open item is %(days)d days overdue, allowed are %(allowed)d.",
            days=days,
            allowed=self.threshold,
        )
        return max(case.amount, 0.0), text

    def _evaluate_oldest_open_item(self, case):
        days = self._get_overdue(case).oldest_days
        if days <= self.threshold:
            return None
        text = self.env._(
            "The oldest open item is %(days)d days old, allowed are %(allowed)d.",
            days=days,
            allowed=self.threshold,
        )
        return max(case.amount, 0.0), text

    def _evaluate_limit_expired(self, case):
        if not case.limit_expired:
            return None
        expiry = case.group.limit_expiry
        if not case.group:
            owner = case.partner.with_company(case.company)
            root_owner = case.partner.with_company(case.company.root_id)
            expiry = owner.credit_limit_expiry or root_owner.credit_limit_expiry
        if (fields.Date.context_today(self) - expiry).days <= self.threshold:
            return None
        text = self.env._("The credit limit expired on %(date)s.", date=expiry)
        return max(case.amount, 0.0), text

    def _evaluate_order_amount(self, case):
        if case.currency.compare_amounts(case.amount, self.threshold) <= 0:
            return None
        over = case.currency.round(case.amount - self.threshold)
        text = self.env._(
            "Order amount %(amount)s, allowed %(allowed)s: %(over)s over.",
            amount=case.format(case.amount),
            allowed=case.format(self.threshold),
            over=case.format(over),
        )
        return over, text

    def _evaluate_discount(self, case):
        """Discounts above the maximum of the user who gave them.

        The excess is what the goods would cost more at that maximum: a gift adds
        nothing to what the customer owes, and still has to be covered by an authority.
        """
        order = case.document._get_credit_order()
        if not order:
            return None
        case.discount = order._get_effective_discount()
        points = order._get_discount_excess(case.checkpoint, case.discount)
        if not points or points <= self.threshold:
            return None
        over = case.currency.round(
            order.currency_id._convert(
                order._get_discount_amount(
                    order._get_maximum_discount(case.checkpoint)
                ),
                case.currency,
                order.company_id,
                fields.Date.context_today(self),
            )
        )
        text = self.env._(
            "Discount %(points)s percentage points above the maximum.",
            points=f"{points:g}",
        )
        return over, text

    def _get_overdue(self, case):
        root = case.company.root_id
        return self.env["credit.exposure"]._get_overdue(root, case.members.ids)
