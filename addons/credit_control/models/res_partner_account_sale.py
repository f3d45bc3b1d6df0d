from odoo import api, fields, models
from odoo.exceptions import AccessError

from .. import arguments
from .account_sale_settlement import Settlement
from .credit_rule import CreditCase


class ResPartner(models.Model):
    """Sales on customer account at the point of sale ("pay later")."""

    _inherit = "res.partner"

    def check_account_sale(self, amount, currency_id=None, settles=None):
        """Tell whether the customer may buy for ``amount`` on account now.

        Asked by the payment screen of the point of sale. Looks at the rules of the
        order checkpoint and at what the customer owes at this moment, open sessions
        included; changes nothing. In the active company. What the sale settles of the
        customer's confirmed orders is owed already and not counted again; a sale that
        adds nothing to it was decided on when the order was confirmed or released.

        :param float amount: greater than zero, taxes included
        :param int currency_id: currency of ``amount``; the company's when omitted
        :param list settles: what is sold of sales orders, ``{"line_id", "quantity"}``
            in the unit of the product, and paid in advance on them, ``{"order_id",
            "amount"}`` in the currency of the order
        :return: ``approved``, ``credit_limit``, ``outstanding_balance``,
            ``available_credit``, ``order_amount``, ``message``; see
            ``sale.order.check_credit_limit``
        :rtype: dict
            At the till itself, cashiers without right on the figures get the decision
        :raise AccessError: users who neither sell, bill, belong to the credit team nor
            work at a till; users who may not read the customer
        :raise MissingError: the customer or the currency does not exist
        :raise UserError: not exactly one customer, an amount that is none, or
            ``settles`` that is no such list
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
        settlement = Settlement(self.env, settles)
        # sudo: the figures may be read, the documents behind them not
        case = customer.sudo()._examine_account_sale(company, amount, settlement)
        return self.env["sale.order"]._prepare_credit_answer(case)

    @api.model
    def _check_account_sale_rights(self):
        arguments.check_internal(self.env)
        allowed = self.env["credit.exposure"]._may_read_figures()
        if not allowed and not self.env.user.has_group("point_of_sale.group_pos_user"):
            raise AccessError(
                self.env._("Only those who sell may ask for a customer's credit.")
            )

    def _examine_account_sale(self, company, amount, settlement):
        """Examine a sale that is no document yet, by the rules for orders."""
        payer = self.commercial_partner_id
        [case] = self._prepare_account_sale_cases(company, {payer: amount})
        orders = settlement.orders.filtered(
            lambda order: (
                order.company_id.root_id == company.root_id
                and order.state in ("draft", "sent", "sale")
                and order._get_credit_payer() in case.members
            )
        )
        decided = self._take_settled(case, orders, settlement)
        for order in orders:
            order._add_manual_holds(order, case)
        adds = case.currency.compare_amounts(amount, decided) > 0
        if not case.failures and (adds or "hold" in orders.mapped("credit_state")):
            self.env["credit.rule"]._get_rules(company, "order")._examine(case)
        return case

    @api.model
    def _take_settled(self, case, orders, settlement):
        """Take what is owed by the orders already off the exposure of ``case``.

        :return: the part of the sale that was decided on with the orders: what it
            settles of confirmed ones and of quotations with a valid release
        """
        if not orders:
            return 0.0
        exposure = self.env["credit.exposure"]
        before = exposure._get_order_amounts(orders)
        after = exposure._get_order_amounts(orders, settlement)
        decided = 0.0
        for order in orders:
            settled = before.get(order.id, 0.0) - after.get(order.id, 0.0)
            if order.state == "sale" and order.invoice_status != "invoiced":
                case.exposure -= settled
                decided += settled
            elif order.state != "sale" and order._has_valid_release():
                decided += settled
        return decided

    @api.model
    def _prepare_account_sale_cases(self, company, amounts):
        """Cases of sales on account that nobody owes yet.

        :param dict amounts: amount in the company's currency of each commercial entity
        """
        # Orders that are never saved stand for the sales
        orders = self.env["sale.order"].union(
            *(
                self.env["sale.order"].new(
                    {
                        "company_id": company.id,
                        "partner_id": payer.id,
                        "partner_invoice_id": payer.id,
                        "order_line": [],
                    }
                )
                for payer in amounts
            )
        )
        accounts = orders._get_credit_accounts(company)
        cases = []
        for order, (payer, amount) in zip(orders, amounts.items(), strict=True):
            group, members, figures = accounts[payer]
            cases.append(
                CreditCase(
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
            )
        return cases

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
        """Customers whose sales on account the till would have refused, for the guard.

        Judged by the rules on the limit that the till applies, as if what is still owed
        of these sales were sold now, and without what somebody has released.
        """
        # sudo: whoever may run the checks sees what they find, not the documents
        self_sudo = self.sudo()
        owed = self_sudo.env["credit.exposure"]._get_owed_account_sales(
            company_ids, partner_ids
        )
        rows = []
        for company_id, amounts in owed.items():
            company = self_sudo.env["res.company"].browse(company_id)
            rules = self_sudo.env["credit.rule"]._get_rules(company, "order")
            limits = rules.filtered(
                lambda rule: rule.rule_type == "limit_used" and rule.action == "hold"
            )
            if not limits:
                continue
            amounts = {self_sudo.browse(id_): sold for id_, sold in amounts.items()}
            for case in self_sudo._prepare_account_sale_cases(company, amounts):
                case.exposure -= case.amount
                limits._examine(case)
                if not case.failures:
                    continue
                owed_in_all = case.total
                case.failures.clear()
                case.partner._take_released(case)
                limits._examine(case)
                if case.failures and case.currency.compare_amounts(case.amount, 0) > 0:
                    row = case.partner._prepare_over_limit_row(case, owed_in_all)
                    rows.append(row)
        return rows

    @api.model
    def _take_released(self, case):
        """Take what is still owed of orders that somebody released off ``case``."""
        holds = self.env["credit.hold"].search(
            [
                ("order_id.state", "!=", "cancel"),
                ("partner_id", "in", case.members.ids),
                ("company_id", "child_of", case.company.root_id.id),
                ("released_by", "!=", False),
            ]
        )
        orders = holds.order_id
        amounts = self.env["credit.exposure"]._get_order_amounts(
            orders.filtered(
                lambda order: (
                    order.state == "sale" and order.invoice_status != "invoiced"
                )
            )
        )
        invoices = orders.order_line.invoice_lines.move_id
        drafts = invoices.filtered(lambda invoice: invoice.state == "draft")
        posted = invoices.filtered(lambda invoice: invoice.state == "posted")
        case.exposure -= sum(
            [
                *amounts.values(),
                *drafts.mapped("amount_total_signed"),
                *posted.mapped("amount_residual_signed"),
            ]
        )
        case.amount -= self._get_settled_at_till(orders)

    @api.model
    def _get_settled_at_till(self, orders):
        """What the till sold of these orders, in the company's currency."""
        if not self.env["credit.exposure"]._has_orders_at_till():
            return 0.0
        sold = self.env["pos.order.line"].search(
            [
                ("sale_order_line_id", "in", orders.order_line.ids),
                ("order_id.state", "in", ("paid", "done")),
            ]
        )
        return sum(
            line.price_subtotal_incl / (line.order_id.currency_rate or 1.0)
            for line in sold
        )

    def _prepare_over_limit_row(self, case, owed_in_all):
        return {
            "company_id": case.company.id,
            "partner_id": self.id,
            "res_model": "res.partner",
            "res_id": self.id,
            "field_name": "credit_exposure",
            "expected": float(case.currency.round(owed_in_all - case.over)),
            "actual": float(owed_in_all),
            "cause_code": "over_limit",
        }
