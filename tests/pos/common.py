"""What the tests of sales on customer account at the point of sale share."""

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

    def _decide(self):
        """What a decision under the lock reads."""
        root = self.env.company.root_id
        exposure = self.env["credit.exposure"]
        decided = exposure._get_decision_exposure(root, self.customer.ids)
        cr = self.env.cr
        fresh = exposure._read_fresh_documents(cr, root, self.customer.ids)
        self.assertAlmostEqual(fresh.total, decided, 2)
        return decided
