from lxml import etree

from odoo.tests import tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestScreens(CreditControlCommon):
    def _get_arch(self, model, view_type, user, view=None):
        view = view and self.env.ref(f"credit_control.{view}").id
        views = self.env[model].with_user(user)
        return etree.fromstring(views.get_view(view, view_type)["arch"])

    def _get_shown(self, user):
        """What the customer form shows of credit: names of page and banners."""
        arch = self._get_arch("res.partner", "form", user)
        names = ("credit_control", "credit_control_hold", "credit_control_over")
        return [name for name in names if arch.xpath(f"//*[@name='{name}']")]

    def test_customer_form_by_who_looks_at_it(self):
        biller = self._new_user("biller", "account.group_account_invoice")
        for user in (biller, self.salesperson, self.approver):
            shown = ["credit_control", "credit_control_hold", "credit_control_over"]
            self.assertEqual(self._get_shown(user), shown, user.login)
        self.assertFalse(self._get_shown(self.warehouse_user))

    def test_banner_of_the_customer_counts_what_waits(self):
        self._create_rule()
        self.customer.credit_limit = 100.0
        order = self._create_order(300.0)
        order.action_confirm()
        customer = self.customer.with_user(self.salesperson)
        arch = self._get_arch("res.partner", "form", self.salesperson)
        fields = arch.xpath("//div[contains(@class, 'alert')]//field/@name")
        values = customer.read(sorted({*fields}))[0]
        self.assertEqual(values["credit_hold_count"], 1)
        self.assertTrue(values["credit_is_limited"])
        self.assertEqual(values["credit_available"], 100.0)
        self._create_credit_invoice(150.0)
        self.env.invalidate_all()
        self.assertEqual(customer.credit_available, -50.0)

    def test_work_list_begins_with_the_oldest(self):
        self._create_rule("order_amount", 1.0)
        orders = self._create_order() | self._create_order()
        orders.action_confirm()
        holds = self.env["credit.hold"].with_user(self.approver)
        for view_type in ("list", "kanban"):
            arch = self._get_arch("credit.hold", view_type, self.approver)
            found = holds.search([], order=arch.get("default_order"))
            self.assertEqual(found.order_id.ids, orders.ids, view_type)
