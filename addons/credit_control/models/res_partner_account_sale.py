from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError

from .. import arguments
from .credit_rule import CreditCase

# Sales on account older than this are no news to anybody.
FINDING_DAYS = 30


class ResPartner(models.Model):
    """Sales on customer account at the point of sale ("pay later")."""

    _inherit = "res.partner"

    def check_account_sale(self, amount, currency_id=None):
        """Tell whether the customer may buy for ``amount`` on account now.

        Asked by the payment screen of the point of sale. Looks at the rules of the
        order checkpoint and at what the customer owes at this moment, open sessions
        included; changes nothing. In the active company.

        :param float amount: greater than zero, taxes included
        :param int currency_id: currency of ``amount``; the company's when omitted
        :return: ``approved``, ``credit_limit``, ``outstanding_balance``,
            ``available_credit``, ``order_amount``, ``message``; see
            ``sale.order.check_credit_limit``
        :rtype: dict
            At the till itself, cashiers without right on the figures get the decision
        :raise AccessError: users who neither sell, bill, belong to the credit team nor
            work at a till; users who may not read the customer
        :raise MissingError: the customer or the currency does not exist
        :raise UserError: not exactly one customer, or an amount that is none
        """
        self._check_account_sale_rights()
        customer = arguments.single(self, self.env._("customer"))
        amount = arguments.positive(self.env, amount, self.env._("The amount"))
        company = self.env.company
        if currency_id is not None:
            label = self.env._("currency")
            currency = arguments.record(self.env, "res.currency", currency_id, label)
            base, today = company.currency_id, fields.Date.context_today(self)
            amount = currency._convert(amount, base, company, today)
        # sudo: the figures may be read, the documents behind them not
        case = customer.sudo()._examine_account_sale(company, amount)
        return self.env["sale.order"]._prepare_credit_answer(case)

    @api.model
    def _check_account_sale_rights(self):
        arguments.check_internal(self.env)
        allowed = self.env["credit.exposure"]._may_read_figures()
        if not allowed and not self.env.user.has_group("point_of_sale.group_pos_user"):
            raise AccessError(
                self.env._("Only those who sell may ask for a customer's credit.")
            )

    def _examine_account_sale(self, company, amount):
        """Examine a sale that is no document yet, by the rules for orders."""
        payer = self.commercial_partner_id
        # An order that is never saved stands for the sale
        order = self.env["sale.order"].new(
            {
                "company_id": company.id,
                "partner_id": payer.id,
                "partner_invoice_id": payer.id,
                "order_line": [],
            }
        )
        group, members, figures = order._get_credit_accounts(company)[payer]
        case = CreditCase(
            document=order,
            checkpoint="order",
            partner=payer,
            members=members,
            group=group,
            limit=figures.limit,
            exposure=figures.account_exposure,
            amount=amount,
            limit_expired=figures.limit_expired,
            counted=False,
        )
        self.env["credit.rule"]._get_rules(company, "order")._examine(case)
        return case

    @api.model
    def _balance_guard_checks(self):
        """See ``guard.check.external``; the guard finds it by the method's name."""
        if not self.env["credit.exposure"]._has_point_of_sale():
            return []
        return [
            {
                "code": "account_sale",
                "name": self.env._("Sales on account stay within the credit limit"),
                "explanation": self.env._(
                    "A till that is offline cannot ask before it sells on account,"
                    " and closing it is never blocked. Expected is the limit of the"
                    " customer, actual is what is owed."
                ),
                "find": self._find_account_sales_over_limit,
            }
        ]

    @api.model
    def _find_account_sales_over_limit(self, company_ids, partner_ids=None):
        """Customers over their limit who bought on account lately, for the guard."""
        since = fields.Datetime.now() - timedelta(days=FINDING_DAYS)
        # sudo: whoever may run the checks sees what they find, not the documents
        exposure = self.env["credit.exposure"].sudo()
        buyers = exposure._get_account_buyers(company_ids, partner_ids, since)
        rows = []
        for company in self.env["res.company"].browse({pair[0] for pair in buyers}):
            if not self.env["credit.rule"]._get_rule_ids(company.id, "order"):
                continue
            partners = self.browse(id_ for key, id_ in buyers if key == company.id)
            for partner_id, figures in exposure._get_figures(company, partners).items():
                if figures.limit is None or figures.available >= 0:
                    continue
                rows.append(
                    {
                        "company_id": company.id,
                        "partner_id": partner_id,
                        "res_model": "res.partner",
                        "res_id": partner_id,
                        "field_name": "credit_exposure",
                        "expected": float(figures.limit),
                        "actual": float(figures.account_exposure),
                        "cause_code": "over_limit",
                    }
                )
        return rows
