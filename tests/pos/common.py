"""What the tests of sales on customer account at the point of sale share."""

from odoo import Command
from odoo.tests import new_test_user

from odoo.addons.point_of_sale.tests.common import TestPoSCommon


def create_rule(env, company):
    env["credit.rule"].create(
        {"name": "Limit", "rule_type": "limit_used", "company_id": company.id}
    )


class PosCreditCommon(TestPoSCommon):
    """A till with cash and customer account, and a customer with a limit of 250."""

    def setUp(self):
        super().setUp()
        self.config = self.basic_config
        self.product = self.create_product("Lamp", self.categ_basic, 100, 50)
        self.customer.credit_limit = 250.0
        create_rule(self.env, self.env.company)

    def _open(self):
        return self._start_pos_session(self.cash_pm1 | self.pay_later_pm, 0)

    def _close(self, session, cash=0):
        session.post_closing_cash_details(cash)
        session.close_session_from_ui()
        self.assertEqual(session.state, "closed")

    def _figures(self):
        exposure = self.env["credit.exposure"]
        return exposure._get_figures(self.env.company, self.customer)[self.customer.id]

    def _guard(self):
        """What Balance Guard finds of sales on account beyond the limit."""
        run = self.env["guard.check"].run_all(self.customer.ids, self.env.company.ids)
        return run.finding_ids.filtered(lambda f: f.check_code == "account_sale")

    def _confirm_by_release(self, amount):
        """An order over the limit that an approver lets pass."""
        line = {"product_id": self.product.id, "price_unit": amount, "tax_ids": False}
        # The cashier may not sell by orders
        order = self.env["sale.order"].sudo()
        order = order.create(
            {"partner_id": self.customer.id, "order_line": [Command.create(line)]}
        )
        order.action_confirm()
        self.assertEqual(order.credit_state, "hold")
        approver = new_test_user(
            self.env, "approver", "credit_control.group_credit_approver"
        )
        company = self.env.company
        approver.write({"company_ids": company.ids, "company_id": company.id})
        self.env["credit.authority"].create(
            {"user_id": approver.id, "amount": 9e6, "company_id": company.id}
        )
        order.credit_hold_ids.with_user(approver).action_release("Known for years")
        order.action_confirm()
        self.assertEqual(order.state, "sale")
        return order

    def _decide(self):
        """What a decision under the lock reads."""
        root = self.env.company.root_id
        exposure = self.env["credit.exposure"]
        self.env.flush_all()
        decided = exposure._get_decision_exposure(root, self.customer.ids)
        cr = self.env.cr
        fresh = exposure._read_fresh_documents(cr, root, self.customer.ids)
        self.assertAlmostEqual(fresh.total, decided, 2)
        return decided
