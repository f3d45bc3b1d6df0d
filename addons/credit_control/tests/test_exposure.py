from odoo import fields
from odoo.fields import Command
from odoo.tests import Form, tagged

from odoo.addons.sales_ledger_sync.models import subledger_backfill_job as backfill_job

from .common import CreditControlCommon


@tagged("post_install", "-at_install")
class TestExposure(CreditControlCommon):
    def _assert_exposure(self, expected, **buckets):
        figures = self._figures()
        self.assertAlmostEqual(figures.exposure, expected, 2, figures)
        self.assertAlmostEqual(self._fresh_exposure(), expected, 2)
        self.assertAlmostEqual(self._listed_exposure(), expected, 2)
        for name, amount in buckets.items():
            self.assertAlmostEqual(getattr(figures, name), amount, 2, figures)

    def _invoice_order(self, order, **kwargs):
        wizard = (
            self.env["sale.advance.payment.inv"]
            .with_context(active_model="sale.order", active_ids=order.ids)
            .create({"advance_payment_method": "delivered", **kwargs})
        )
        before = order.invoice_ids
        wizard.create_invoices()
        return order.invoice_ids - before

    def _credit(self, invoice):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "reason": "test"})
        )
        return self.env["account.move"].browse(wizard.reverse_moves()["res_id"])

    def test_order_counts_at_ordered_quantity_before_delivery(self):
        order = self._create_order(1000.0, quantity=10)
        self._assert_exposure(0.0)
        order.action_confirm()
        self._assert_exposure(1000.0, orders=1000.0)

    def test_stage_changes_move_nothing(self):
        order = self._create_order(1000.0, quantity=10)
        order.action_confirm()
        self._deliver(order)
        self._assert_exposure(1000.0, orders=1000.0)
        invoice = self._invoice_order(order)
        self._assert_exposure(1000.0, draft_invoices=1000.0)
        invoice.action_post()
        self._assert_exposure(1000.0, open_items=1000.0)
        invoice.button_draft()
        self._assert_exposure(1000.0, draft_invoices=1000.0)
        invoice.button_cancel()
        self._assert_exposure(1000.0, orders=1000.0)

    def test_taxes_are_included_whatever_the_policy(self):
        for policy in ("order", "delivery"):
            self.product.invoice_policy = policy
            partner = self.env["res.partner"].create({"name": policy})
            line = {
                "product_id": self.product.id,
                "product_uom_qty": 3,
                "price_unit": 33.33,
                "tax_ids": self.company_data["default_tax_sale"].ids,
            }
            order = self._create_order(
                partner=partner, order_line=[Command.create(line)]
            )
            order.action_confirm()
            self.assertEqual(self._exposure(partner), order.amount_total)
            self._deliver(order)
            self._invoice_order(order).action_post()
            self.assertEqual(self._exposure(partner), order.amount_total)

    def test_partial_delivery_invoice_and_closing(self):
        order = self._create_order(1000.0, quantity=10)
        order.action_confirm()
        self._deliver(order, 4)
        self._assert_exposure(1000.0, orders=1000.0)
        self._invoice_order(order).action_post()
        self._assert_exposure(1000.0, open_items=400.0, orders=600.0)
        order.picking_ids.filtered(lambda p: p.state != "done").action_cancel()
        self._assert_exposure(400.0, open_items=400.0, orders=0.0)

    def test_part_of_an_order_is_invoiced(self):
        self.product.invoice_policy = "order"
        order = self._create_order(1000.0, quantity=10)
        order.action_confirm()
        self._assert_exposure(1000.0, orders=1000.0)
        self._invoice_order(order).invoice_line_ids.quantity = 4
        self._assert_exposure(1000.0, draft_invoices=400.0, orders=600.0)

    def test_more_is_delivered_than_ordered(self):
        hours = self.env["product.product"].create(
            {"name": "Hours", "type": "service", "invoice_policy": "delivery"}
        )
        line = {"product_id": hours.id, "product_uom_qty": 10, "price_unit": 100}
        order = self._create_order(
            order_line=[Command.create({**line, "tax_ids": False})]
        )
        order.action_confirm()
        self._assert_exposure(1000.0, orders=1000.0)
        order.order_line.qty_delivered = 12
        self._assert_exposure(1200.0, orders=1200.0)

    def test_return_of_goods_not_invoiced(self):
        order = self._create_order(1000.0, quantity=10)
        order.action_confirm()
        self._deliver(order)
        self._return(order.picking_ids, 4)
        self._assert_exposure(600.0, orders=600.0)

    def test_return_and_credit_note(self):
        order = self._create_order(1000.0, quantity=10)
        order.action_confirm()
        self._deliver(order)
        invoice = self._invoice_order(order)
        invoice.action_post()
        self._return(order.picking_ids, 10)
        self._assert_exposure(1000.0, open_items=1000.0)
        credit_note = self._credit(invoice)
        self._assert_exposure(0.0, open_items=1000.0, draft_invoices=-1000.0)
        credit_note.action_post()
        self._assert_exposure(0.0, open_items=0.0, orders=0.0)

    def _return(self, picking, quantity):
        form = Form(
            self.env["stock.return.picking"].with_context(
                active_id=picking.id, active_ids=picking.ids, active_model=picking._name
            )
        )
        wizard = form.save()
        wizard.product_return_moves.quantity = quantity
        wizard.product_return_moves.to_refund = True
        returned = self.env["stock.picking"].browse(
            wizard.action_create_returns()["res_id"]
        )
        returned.move_ids.quantity = quantity
        returned.move_ids.picked = True
        returned.button_validate()
        self.assertEqual(returned.state, "done")

    def test_down_payment_is_counted_once(self):
        self.product.invoice_policy = "order"
        order = self._create_order(1000.0, quantity=10)
        order.action_confirm()
        down = self._invoice_order(
            order, advance_payment_method="percentage", amount=30
        )
        self._assert_exposure(1000.0, orders=700.0, draft_invoices=300.0)
        down.action_post()
        self._assert_exposure(1000.0, orders=700.0, open_items=300.0)
        self._pay(300.0)
        self._assert_exposure(700.0, orders=700.0, open_items=0.0)
        final = self._invoice_order(order)
        self._assert_exposure(700.0, orders=0.0, draft_invoices=700.0)
        final.action_post()
        self._assert_exposure(700.0, open_items=700.0)

    def test_unallocated_payment_and_credit_note_reduce(self):
        self._create_credit_invoice(500.0)
        self._assert_exposure(500.0, open_items=500.0)
        self._pay(200.0)
        self._assert_exposure(300.0, open_items=300.0)
        self._create_credit_invoice(100.0, move_type="out_refund")
        self._assert_exposure(200.0)
        self._pay(500.0)
        self._assert_exposure(-300.0)

    def test_draft_invoice_without_order(self):
        self._create_credit_invoice(500.0, post=False)
        self._assert_exposure(500.0, draft_invoices=500.0)

    def test_foreign_currency_is_neutral_on_the_same_day(self):
        currency = self.setup_other_currency("EUR", rates=[("2000-01-01", 2.0)])
        pricelist = self.env["product.pricelist"].create(
            {"name": "EUR", "currency_id": currency.id}
        )
        order = self._create_order(1000.0, pricelist_id=pricelist.id)
        order.action_confirm()
        self._assert_exposure(500.0, orders=500.0)
        self._deliver(order)
        invoice = self._invoice_order(order)
        self._assert_exposure(500.0, draft_invoices=500.0)
        invoice.action_post()
        self._assert_exposure(500.0, open_items=500.0)

    def test_payer_is_the_commercial_entity_of_the_invoice_address(self):
        payer = self.env["res.partner"].create({"name": "Payer"})
        contact = self.env["res.partner"].create(
            {"name": "Accounts", "parent_id": payer.id, "type": "invoice"}
        )
        order = self._create_order(1000.0, partner_invoice_id=contact.id)
        order.action_confirm()
        self._assert_exposure(0.0)
        self.assertEqual(self._exposure(payer), 1000.0)
        self.assertEqual(contact.credit_exposure, 1000.0)

    def test_branch_counts_for_its_root_company(self):
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        self.cr.precommit.run()
        self.env.user.company_ids |= branch
        order = self._create_order(1000.0, company_id=branch.id)
        order.action_confirm()
        self._assert_exposure(order.amount_total, orders=order.amount_total)
        self.customer.credit_limit = 700.0
        self.assertEqual(self._figures(company=branch).limit, 700.0)
        self.customer.with_company(branch).credit_limit = 300.0
        self.assertEqual(self._figures(company=branch).limit, 300.0)
        self.assertEqual(self._figures().limit, 700.0)

    def test_other_company_counts_nothing(self):
        other = self.setup_other_company()["company"]
        self._create_order(1000.0).action_confirm()
        self.assertEqual(self._figures(company=other).exposure, 0.0)

    def test_search_and_sort_agree_with_the_fields(self):
        rich, poor = self.env["res.partner"].create(
            [{"name": "Rich", "credit_limit": 9000.0}, {"name": "Poor"}]
        )
        self._create_order(1000.0, partner=rich).action_confirm()
        self._create_order(10.0, partner=poor).action_confirm()
        both = (rich | poor).ids
        Partner = self.env["res.partner"].with_user(self.salesperson)
        for name in (
            "credit_exposure",
            "exposure_open_items",
            "exposure_orders",
            "exposure_draft_invoices",
            "exposure_overdue",
            "credit_available",
            "credit_utilization",
        ):
            found = Partner.search([("id", "in", both)], order=f"{name} desc, id")
            values = found.mapped(name)
            self.assertEqual(values, sorted(values, reverse=True), name)
            for operator, value in ((">", 5.0), ("<=", 5.0), ("=", 0.0), ("!=", 0.0)):
                domain = [("id", "in", both), (name, operator, value)]
                matching = Partner.search(domain, order=f"{name} desc, id")
                expected = found.filtered_domain([(name, operator, value)])
                self.assertEqual(matching, expected, domain)
            self.assertTrue(Partner.fields_get([name])[name]["sortable"])

    def test_overdue_nets_unallocated_payments(self):
        for amount, due in ((500.0, "2020-01-01"), (300.0, "2021-01-01")):
            invoice = self._create_credit_invoice(amount, post=False)
            invoice.invoice_date_due = due
            invoice.action_post()
        self.assertEqual(self.customer.exposure_overdue, 800.0)
        self._pay(600.0)
        self.customer.invalidate_recordset(["exposure_overdue"])
        self.assertEqual(self.customer.exposure_overdue, 200.0)
        overdue = self.env["credit.exposure"]._get_overdue(
            self.company, self.customer.ids
        )
        today = fields.Date.context_today(self.customer)
        self.assertEqual(overdue.days, (today - fields.Date.to_date("2021-01-01")).days)

    def test_overdue_nets_payments_of_a_contact(self):
        """As the ledger does: whoever of the customer's people sent the money."""
        invoice = self._create_credit_invoice(500.0, post=False)
        invoice.invoice_date_due = "2020-01-01"
        invoice.action_post()
        contact = self.env["res.partner"].create(
            {"name": "Book-keeper", "parent_id": self.customer.id}
        )
        self._pay(200.0, contact)
        self.assertEqual(self.customer.exposure_overdue, 300.0)
        self.assertEqual(contact.exposure_overdue, 300.0)
        overdue = self.env["credit.exposure"]._get_overdue(
            self.company, self.customer.ids
        )
        self.assertEqual(overdue.amount, 300.0)
        found = self.env["res.partner"].search([("exposure_overdue", "=", 300.0)])
        self.assertEqual(found & (self.customer | contact), self.customer | contact)

    def test_history_that_the_ledger_left_out_is_owed(self):
        self.company.sudo().subledger_start_date = "2999-01-01"
        invoice = self._create_credit_invoice(500.0)
        self.assertFalse(
            self.env["subledger.entry"].search([("move_id", "=", invoice.id)])
        )
        # Posted while the ledger was not there yet
        self.env.cr.execute(
            "UPDATE account_move SET subledger_posted_at = NULL WHERE id = %s",
            [invoice.id],
        )
        self.company.sudo().subledger_start_date = "2020-01-01"
        self.company.sudo().subledger_start_date = "2999-01-01"
        self._assert_exposure(500.0, open_items=500.0)
        invoice.button_draft()
        self._assert_exposure(500.0, draft_invoices=500.0)

    def test_history_is_owed_once_while_a_backfill_writes_it(self):
        self.company.sudo().subledger_start_date = "2999-01-01"
        invoices = self._create_credit_invoice(500.0)
        invoices += self._create_credit_invoice(300.0)
        self.env.cr.execute(
            "UPDATE account_move SET subledger_posted_at = NULL WHERE id = ANY(%s)",
            [invoices.ids],
        )
        backfill = self.env["subledger.backfill"].sudo()
        backfill = backfill.create({"mode": "full", "start_date": False})
        self.patch(backfill_job, "BATCH_ITEMS", 1)
        backfill.action_start()
        self._assert_exposure(800.0, open_items=800.0)
        lane = backfill.lane_ids[self.customer.id % 2]
        with self.enter_registry_test_mode():
            self.assertEqual(backfill._run_items(lane), 1)
        entries = self.env["subledger.entry"].search([("move_id", "in", invoices.ids)])
        self.assertEqual(len(entries), 1)
        self._assert_exposure(800.0, open_items=800.0)
        backfill.action_cancel()
        self._assert_exposure(800.0, open_items=800.0)

    def test_decision_reads_the_own_transaction(self):
        """Nothing here is committed, and yet nothing is missed or counted twice."""
        self._create_order(1000.0).action_confirm()
        self._create_credit_invoice(500.0)
        self._create_credit_invoice(250.0, post=False)
        self._pay(50.0)
        exposure = self.env["credit.exposure"]
        expected = self._exposure()
        self.assertEqual(expected, 1700.0)
        args = (self.company, self.customer.ids)
        self.assertEqual(exposure._get_decision_exposure(*args), expected)
        with self.enter_registry_test_mode():
            self.assertEqual(exposure._get_decision_exposure(*args), expected)
