"""Point-of-sale sessions in the customer ledger.

Runs in a database of its own, with ``point_of_sale`` installed: see
``tests/test_point_of_sale.py``.
"""

from odoo.tests import tagged

from odoo.addons.point_of_sale.tests.common import TestPoSCommon


@tagged("post_install", "-at_install")
class TestPosLedger(TestPoSCommon):
    def setUp(self):
        super().setUp()
        self.config = self.basic_config
        self.product = self.create_product("Lamp", self.categ_basic, 100, 50)
        self.env.company.subledger_start_date = False

    def _close_session(self, orders):
        methods = (
            self.cash_pm1 | self.bank_pm1 | self.bank_split_pm1 | self.pay_later_pm
        )
        session = self._start_pos_session(methods, 0)
        self._create_orders(orders)
        cash = sum(
            payment.amount
            for payment in session.order_ids.payment_ids
            if payment.payment_method_id == self.cash_pm1
        )
        session.post_closing_cash_details(cash)
        session.close_session_from_ui()
        return session

    def _order(self, method, uuid, **kwargs):
        return {
            "pos_order_lines_ui_args": [(self.product, 1)],
            "payments": [(method, 100)],
            "uuid": uuid,
            **kwargs,
        }

    def _close_invoiced_session(self):
        """Sell once by card, with an invoice, and close the session."""
        order = self._order(
            self.bank_pm1, "00100-010-0001", customer=self.customer, is_invoiced=True
        )
        return self._close_session([order])

    def _items(self):
        """Posted trade items of the company: what the ledger must contain."""
        return self.env["account.move.line"].search(
            [
                ("company_id", "=", self.env.company.id),
                ("parent_state", "=", "posted"),
                (
                    "account_id.account_type",
                    "in",
                    ("asset_receivable", "liability_payable"),
                ),
                ("account_id.non_trade", "=", False),
            ]
        )

    def _live_entries(self):
        entries = self.env["subledger.entry"].search(
            [("company_id", "=", self.env.company.id)]
        )
        reversals = entries.filtered("reversal_of_id")
        return entries - reversals - reversals.reversal_of_id

    def _assert_ledger_is_general_ledger(self):
        items, live = self._items(), self._live_entries()
        self.assertTrue(items)
        self.assertEqual(sorted(live.move_line_id.ids), sorted(items.ids))
        self.assertEqual(len(live), len(items), "one live entry for each item")
        for entry in live:
            self.assertEqual(entry.debit - entry.credit, entry.move_line_id.balance)

    def test_closing_a_session_books_every_receivable_once(self):
        session = self._close_session(
            [
                self._order(self.cash_pm1, "00100-010-0001"),
                self._order(self.bank_pm1, "00100-010-0002"),
                self._order(
                    self.bank_split_pm1, "00100-010-0003", customer=self.customer
                ),
            ]
        )
        self._assert_ledger_is_general_ledger()
        entries = self.env["subledger.entry"].search(
            [("move_id", "=", session.move_id.id)]
        )
        self.assertEqual(set(entries.mapped("transaction_type")), {"pos"})
        self.assertEqual(sum(entries.mapped("debit")), 300.0)
        nobody = entries.filtered(lambda entry: not entry.partner_id)
        self.assertTrue(nobody, "What nobody in particular owes has no partner")
        self.assertEqual(entries.partner_id, self.customer)

    def test_sale_on_customer_account_is_owed_by_the_customer(self):
        self._close_session(
            [self._order(self.pay_later_pm, "00100-010-0001", customer=self.customer)]
        )
        self._assert_ledger_is_general_ledger()
        balances = self.env["subledger.account"]._get_balances(
            self.env.company, self.customer, ledger="customer"
        )
        self.assertEqual(balances[self.customer.id], 100.0)

    def test_invoiced_order_is_a_sale_and_its_payment_a_pos_entry(self):
        session = self._close_invoiced_session()
        self._assert_ledger_is_general_ledger()
        invoice = session.order_ids.account_move
        entry = self.env["subledger.entry"].search([("move_id", "=", invoice.id)])
        self.assertEqual(entry.transaction_type, "sale")
        self.assertEqual(entry.status, "paid")
        balances = self.env["subledger.account"]._get_balances(
            self.env.company, self.customer, ledger="customer"
        )
        self.assertEqual(balances.get(self.customer.id, 0.0), 0.0)

    def test_invoice_paid_at_the_till_leaves_open_credit_alone(self):
        self.env.company.subledger_apply_credit = True
        credit = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_id": self.customer.id,
                "amount": 30,
                "journal_id": self.company_data["default_journal_bank"].id,
            }
        )
        credit.action_post()
        session = self._close_invoiced_session()
        self.assertEqual(session.order_ids.account_move.amount_residual, 0)
        self.assertFalse(credit.is_reconciled)
        self._assert_ledger_is_general_ledger()
