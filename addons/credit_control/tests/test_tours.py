from odoo.tests import HttpCase, tagged

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestCreditTours(CreditControlCommon, HttpCase):
    """An order on hold, as each of the people who deal with it sees it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_rule()
        cls.customer.credit_limit = 1000.0
        cls.biller = cls._new_user(
            "credit_biller",
            "account.group_account_invoice,sales_ledger_sync.group_ledger_reader",
        )

    def _create_order_of(self, amount):
        return self._create_order(amount, user_id=self.salesperson.id)

    def test_order_over_limit_is_released_by_another_user_and_delivered(self):
        """The salesperson is stopped, the approver releases, the warehouse delivers."""
        self.env["stock.quant"]._update_available_quantity(
            self.product, self.warehouse.lot_stock_id, 5
        )
        order = self._create_order_of(1234.0)
        page = f"/odoo/sale.order/{order.id}"
        self.start_tour(page, "credit_order_is_held", login=self.salesperson.login)
        hold = order.credit_hold_ids
        self.assertEqual((order.state, hold.state), ("draft", "open"))
        self.start_tour(
            "/odoo/credit-holds", "credit_hold_is_released", login=self.approver.login
        )
        self.assertEqual(hold.released_by, self.approver)
        self.start_tour(page, "credit_order_goes_on", login=self.salesperson.login)
        self.assertEqual(order.state, "sale")
        self.start_tour(
            f"/odoo/stock.picking/{order.picking_ids.id}",
            "credit_order_is_delivered",
            login=self.warehouse_user.login,
        )
        self.assertEqual(order.picking_ids.state, "done")

    def test_payment_releases_a_hold(self):
        """Somebody registers a payment, and the order is no longer held."""
        invoice = self._create_credit_invoice(900.0)
        order = self._create_order_of(300.0)
        order.with_user(self.salesperson).action_confirm()
        hold = order.credit_hold_ids
        self.assertEqual(hold.state, "open")
        self.start_tour(
            f"/odoo/customer-invoices/{invoice.id}",
            "credit_invoice_is_paid",
            login=self.biller.login,
        )
        with self.enter_registry_test_mode():
            self.env.ref("credit_control.cron_recheck").method_direct_trigger()
        self.env.invalidate_all()
        self.start_tour(
            f"/odoo/sale.order/{order.id}",
            "credit_order_goes_on",
            login=self.salesperson.login,
        )
        self.assertEqual((hold.state, order.state), ("released", "sale"))
