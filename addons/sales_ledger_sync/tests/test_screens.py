from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


class SubledgerScreenCommon(AccountTestInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesman = new_test_user(
            cls.env,
            login="subledger_salesman",
            groups="sales_team.group_sale_salesman",
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )
        cls.biller = new_test_user(
            cls.env,
            login="subledger_biller",
            groups="account.group_account_invoice",
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )

    @classmethod
    def _post(cls, amount, date, move_type="out_invoice", partner=None):
        return cls.init_invoice(
            move_type,
            partner=partner or cls.partner_a,
            invoice_date=date,
            amounts=[amount],
            taxes=cls.env["account.tax"],
            post=True,
        )

    @classmethod
    def _entries(cls, partner=None, ledger="customer"):
        partner = partner or cls.partner_a
        return cls.env["subledger.entry"].search(
            [("partner_id", "=", partner.id), ("ledger", "=", ledger)],
            order="date desc, id desc",
        )


@tagged("post_install", "-at_install")
class TestRunningBalance(SubledgerScreenCommon):
    def test_in_the_order_of_dates_whatever_the_order_of_posting(self):
        self._post(100, "2026-03-10")
        self._post(30, "2026-01-10")
        self._post(10, "2026-02-10", move_type="out_refund")
        entries = self._entries()
        self.assertEqual(
            [(entry.date.month, entry.running_balance) for entry in entries],
            [(3, 120), (2, 20), (1, 30)],
        )

    def test_of_one_entry_alone(self):
        """A page shows the same balance whichever other entries are on it."""
        self._post(100, "2026-03-10")
        self._post(30, "2026-01-10")
        self.assertEqual(self._entries()[-1].running_balance, 30)

    def test_of_the_same_day(self):
        self._post(1, "2026-03-10")
        self._post(2, "2026-03-10")
        self.assertEqual(self._entries().mapped("running_balance"), [3, 1])

    def test_what_we_owe_a_supplier_is_positive(self):
        self._post(70, "2026-03-10", move_type="in_invoice")
        entry = self._entries(ledger="supplier")
        self.assertEqual((entry.balance, entry.running_balance), (-70, 70))

    def test_reversed_document_leaves_the_balance_as_before(self):
        self._post(100, "2026-01-10")
        self._post(30, "2026-02-10").button_draft()
        self.assertEqual(self._entries().mapped("running_balance"), [100, 130, 100])

    def test_partners_do_not_mix(self):
        other = self.env["res.partner"].create({"name": "Other"})
        self._post(100, "2026-01-10")
        self._post(5, "2026-01-11", partner=other)
        self.assertEqual(self._entries(other).running_balance, 5)
        both = self._entries() | self._entries(other)
        self.assertEqual(both.mapped("running_balance"), [100, 5])

    def test_a_group_shows_its_total(self):
        self._post(100, "2026-01-10")
        self._post(30, "2026-01-12")
        self._post(70, "2026-03-10", move_type="in_invoice")
        totals = self.env["subledger.entry"]._read_group(
            [("partner_id", "=", self.partner_a.id)],
            ["ledger"],
            ["running_balance:sum", "running_balance:sum_currency"],
        )
        self.assertEqual(
            {ledger: amounts for ledger, *amounts in totals},
            {"customer": [130, 130], "supplier": [70, 70]},
        )

    def test_pages_cannot_be_out_of_the_order_of_the_balance(self):
        fields_info = self.env["subledger.entry"].fields_get(["running_balance"])
        self.assertFalse(fields_info["running_balance"]["sortable"])


@tagged("post_install", "-at_install")
class TestPartnerBalances(SubledgerScreenCommon):
    def test_customer_and_supplier_apart(self):
        self._post(100, "2026-01-10")
        self._post(70, "2026-03-10", move_type="in_invoice")
        self.assertEqual(self.partner_a.subledger_customer_balance, 100)
        self.assertEqual(self.partner_a.subledger_supplier_balance, 70)

    def test_contact_shows_its_commercial_entity(self):
        contact = self.env["res.partner"].create(
            {"name": "Buyer", "parent_id": self.partner_a.id}
        )
        self._post(100, "2026-01-10")
        self.assertEqual(contact.subledger_customer_balance, 100)

    def test_current_after_the_next_posting(self):
        self._post(100, "2026-01-10")
        self.assertEqual(self.partner_a.subledger_customer_balance, 100)
        self._post(20, "2026-01-11")
        self.partner_a.invalidate_recordset(["subledger_customer_balance"])
        self.assertEqual(self.partner_a.subledger_customer_balance, 120)

    def test_sorts_and_searches(self):
        small, large, none, credit = self.env["res.partner"].create(
            [{"name": name} for name in ("small", "large", "none", "credit")]
        )
        self._post(10, "2026-01-10", partner=small)
        self._post(900, "2026-01-10", partner=large)
        self._post(5, "2026-01-10", move_type="out_refund", partner=credit)
        partners = small | large | none | credit

        def search(*domain, order=None):
            return self.env["res.partner"].search(
                [("id", "in", partners.ids), *domain], order=order
            )

        name = "subledger_customer_balance"
        self.assertEqual(search(order=f"{name} desc"), large + small + none + credit)
        self.assertEqual(search(order=name), credit + none + small + large)
        self.assertEqual(search((name, ">", 0)), small | large)
        self.assertEqual(search((name, "<", 0)), credit)
        self.assertEqual(search((name, "=", 0)), none)
        self.assertEqual(search((name, "!=", 0)), small | large | credit)
        self.assertEqual(search((name, ">=", 10), (name, "<=", 10)), small)

    def test_supplier_sorts_by_what_we_owe(self):
        small, large = self.env["res.partner"].create(
            [{"name": "small"}, {"name": "large"}]
        )
        self._post(10, "2026-01-10", move_type="in_invoice", partner=small)
        self._post(900, "2026-01-10", move_type="in_invoice", partner=large)
        domain = [("id", "in", (small | large).ids)]
        self.assertEqual(
            self.env["res.partner"].search(
                domain, order="subledger_supplier_balance desc"
            ),
            large + small,
        )
        domain.append(("subledger_supplier_balance", ">", 10))
        self.assertEqual(self.env["res.partner"].search(domain), large)

    def test_other_companies_are_not_counted(self):
        other = self.setup_other_company()
        self._post(100, "2026-01-10")
        partner = self.partner_a.with_company(other["company"]).with_context(
            allowed_company_ids=other["company"].ids
        )
        self.assertEqual(partner.subledger_customer_balance, 0)


@tagged("post_install", "-at_install")
class TestScreenRights(SubledgerScreenCommon):
    def test_salesperson_sees_the_balance_and_no_entry(self):
        self._post(100, "2026-01-10")
        partner = self.partner_a.with_user(self.salesman)
        self.assertEqual(
            partner.read(["subledger_customer_balance"])[0][
                "subledger_customer_balance"
            ],
            100,
        )
        found = partner.search(
            [("subledger_customer_balance", "=", 100), ("id", "=", partner.id)],
            order="subledger_customer_balance",
        )
        self.assertEqual(found, partner)
        with self.assertRaises(AccessError):
            self._entries().with_user(self.salesman).read(["debit"])
        with self.assertRaises(AccessError):
            partner.read(["subledger_supplier_balance"])
        with self.assertRaises(AccessError):
            partner.search([("subledger_supplier_balance", ">", 0)])
        with self.assertRaises(AccessError):
            partner.search([], order="subledger_supplier_balance", limit=1)

    def test_employee_sees_no_balance(self):
        employee = new_test_user(self.env, login="subledger_employee")
        partner = self.partner_a.with_user(employee)
        with self.assertRaises(AccessError):
            partner.read(["subledger_customer_balance"])
        with self.assertRaises(AccessError):
            partner.search([], order="subledger_customer_balance", limit=1)

    def test_biller_reads_entries_and_accounts(self):
        self._post(100, "2026-01-10")
        entries = self._entries().with_user(self.biller)
        self.assertEqual(entries.read(["running_balance"])[0]["running_balance"], 100)
        with self.enter_registry_test_mode():
            self.env["subledger.account"]._seal()
        accounts = self.env["subledger.account"].with_user(self.biller)
        self.assertTrue(accounts.search([("partner_id", "=", self.partner_a.id)]))

    def test_nobody_has_the_right_to_change(self):
        for model in ("subledger.entry", "subledger.account"):
            for operation in ("create", "write", "unlink"):
                for user in (self.env.ref("base.user_admin"), self.biller):
                    with self.subTest(model=model, operation=operation, user=user):
                        self.assertFalse(
                            self.env[model].with_user(user).has_access(operation)
                        )

    def test_entries_of_another_company_are_hidden(self):
        other = self.setup_other_company()["company"]
        stranger = new_test_user(
            self.env,
            login="subledger_stranger",
            groups="account.group_account_invoice",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self._post(100, "2026-01-10")
        for model in ("subledger.entry", "subledger.account"):
            visible = self.env[model].with_user(stranger).search([])
            self.assertFalse(visible.filtered(lambda row: row.company_id != other))
        with self.assertRaises(AccessError):
            self._entries().with_user(stranger).read(["debit"])


@tagged("post_install", "-at_install")
class TestScreenLinks(SubledgerScreenCommon):
    def test_invoice_opens_its_only_entry(self):
        invoice = self._post(100, "2026-01-10").with_user(self.biller)
        self.assertEqual(invoice.subledger_entry_count, 1)
        action = invoice.action_open_subledger_entries()
        self.assertEqual(action["res_id"], self._entries().id)

    def test_invoice_opens_the_list_of_several(self):
        invoice = self._post(100, "2026-01-10")
        invoice.button_draft()
        self.assertEqual(invoice.subledger_entry_count, 2)
        action = invoice.action_open_subledger_entries()
        self.assertEqual(action["domain"], [("move_id", "in", invoice.ids)])
        self.assertFalse(action.get("res_id"))

    def test_entry_opens_invoice_and_payment(self):
        invoice = self._post(100, "2026-01-10")
        entry = self._entries()
        action = entry.with_user(self.biller).action_open_document()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("account.move", invoice.id)
        )
        payment = self._register_payment(invoice)
        action = (self._entries() - entry).action_open_document()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("account.payment", payment.id)
        )
        self.assertEqual(payment.subledger_entry_count, 1)

    def test_entry_of_a_deleted_document_says_so(self):
        invoice = self._post(100, "2026-01-10")
        name = invoice.name
        invoice.button_draft()
        invoice.with_context(force_delete=True).unlink()
        with self.assertRaisesRegex(UserError, name):
            self._entries()[0].action_open_document()
        # The list still shows both rows, as the client reads them.
        rows = self._entries().web_read({"move_id": {"fields": {"display_name": {}}}})
        shown = [row["move_id"]["display_name"] for row in rows]
        self.assertEqual(shown, [f"{name} (deleted)"] * 2)

    def test_entries_of_a_merged_contact_can_be_read(self):
        gone = self.env["res.partner"].create({"name": "Gone Ltd"})
        self._post(40, "2026-01-10", partner=gone)
        entry = self._entries(gone)
        wizard = self.env["base.partner.merge.automatic.wizard"].create(
            {
                "dst_partner_id": self.partner_a.id,
                "partner_ids": [Command.set((gone | self.partner_a).ids)],
            }
        )
        wizard.action_merge()
        self.assertFalse(gone.exists())
        specification = {"partner_id": {"fields": {"display_name": {}}}}
        rows = entry.web_read(specification)
        self.assertEqual(rows[0]["partner_id"]["display_name"], "Gone Ltd (deleted)")
        groups = entry.formatted_read_group(
            [("id", "=", entry.id)], ["partner_id"], ["running_balance:sum"]
        )
        self.assertEqual(groups[0]["partner_id"], (gone.id, "Gone Ltd (deleted)"))
        exported = entry.export_data(["partner_id", "move_id"])["datas"]
        self.assertEqual(exported[0][0], "Gone Ltd (deleted)")

    def test_customer_ledger_of_a_contact_is_that_of_its_company(self):
        contact = self.env["res.partner"].create(
            {"name": "Buyer", "parent_id": self.partner_a.id}
        )
        self._post(100, "2026-01-10")
        action = contact.with_user(self.biller).action_open_customer_ledger()
        found = self.env["subledger.entry"].search(action["domain"])
        self.assertEqual(found, self._entries())

    def test_ledger_of_today_is_open_and_overdue(self):
        self._post(100, "2020-01-10")
        self._post(30, fields.Date.today())
        overdue = self._entries().filtered("is_overdue")
        self.assertEqual(overdue.debit, 100)
