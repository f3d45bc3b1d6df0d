from odoo.fields import Command
from odoo.tests import tagged
from odoo.tests.common import new_test_user

from .common import SubledgerCommon


@tagged("post_install", "-at_install")
class TestKeys(SubledgerCommon):
    """Who owes, on which account: contacts and accounts that change or merge."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parent = cls.env["res.partner"].create(
            {"name": "Holding", "is_company": True}
        )
        cls.company.subledger_manual_policy = "record"

    def test_child_contact(self):
        child = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.partner.id}
        )
        move = self._entry_move(50, partner=child)
        self.assertEqual(self._trade_items(move).partner_id, child)
        self.assertEqual(self._entries(move).partner_id, self.partner)
        self.assertEqual(self._balance(), 50.0)
        self.assertLedgerMatches()

    def test_no_partner(self):
        move = self._entry_move(50, partner=self.env["res.partner"])
        self.assertFalse(self._entries(move).partner_id)
        self.assertLedgerMatches()
        self._trade_items(move).partner_id = self.partner
        self.assertEqual(self._balance(), 50.0)
        self.assertLedgerMatches()

    def test_reparenting(self):
        invoice = self._invoice(100)
        self.partner.parent_id = self.parent
        self.assertStory(
            invoice, [("sale", 100.0), ("reversal", -100.0), ("transfer", 100.0)]
        )
        self.assertEqual(
            self._entries(invoice).mapped("partner_name"),
            ["Ada Ltd", "Ada Ltd", "Holding"],
        )
        self.assertEqual(self._balance(), 0.0)
        self.assertEqual(self._balance(self.parent), 100.0)
        self.assertLedgerMatches()

    def test_reparenting_of_contacts_below(self):
        child = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.partner.id, "active": False}
        )
        self._entry_move(50, partner=child)
        self.partner.parent_id = self.parent
        self.assertEqual(self._balance(self.parent), 50.0)
        self.assertLedgerMatches()

    def test_deletion_of_a_parent(self):
        self.partner.parent_id = self.parent
        move = self._entry_move(100)
        self.assertEqual(self._entries(move).partner_id, self.parent)
        self.parent.unlink()
        self.assertEqual(self._balance(), 100.0)
        self.assertLedgerMatches()

    def test_contact_becomes_a_company(self):
        child = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.partner.id}
        )
        self._entry_move(50, partner=child)
        child.is_company = True
        self.assertEqual(self._balance(), 0.0)
        self.assertEqual(self._balance(child), 50.0)
        self.assertLedgerMatches()

    def test_reparenting_by_somebody_without_accounting(self):
        self._invoice(100)
        user = new_test_user(
            self.env,
            "subledger_contacts",
            groups="base.group_user,base.group_partner_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.partner.with_user(user).parent_id = self.parent
        self.assertEqual(self._balance(self.parent), 100.0)
        self.assertLedgerMatches()

    def test_partner_merge(self):
        invoice = self._invoice(100)
        self._invoice(10, partner_id=self.other_partner.id)
        child = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.partner.id}
        )
        self._entry_move(7, partner=child)
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._merge((self.partner + self.other_partner).ids, self.other_partner)
        self.assertFalse(self.partner.exists())
        self.assertEqual(self._balance(self.other_partner), 117.0)
        self.assertEqual(self._balance(), 0.0)
        self.assertEqual(
            self._entries(invoice).mapped("partner_name"),
            ["Ada Ltd", "Ada Ltd", "Bob Ltd"],
        )
        self.assertLedgerMatches()

    def test_partner_merge_after_sealing(self):
        """Sealed entries and heads under the merged contact stay as they were."""
        self._invoice(100)
        self._invoice(10, partner_id=self.other_partner.id)
        with self._sealing() as accounts:
            accounts._seal()
        old = self.env["subledger.account"].search(
            [("partner_id", "=", self.partner.id)]
        )
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._merge((self.partner + self.other_partner).ids, self.other_partner)
        with self._sealing() as accounts:
            accounts._seal()
        self.assertRecordValues(
            old, [{"partner_name": "Ada Ltd", "last_number": 2, "balance": 0.0}]
        )
        self.assertEqual(self._balance(self.other_partner), 110.0)

    def _merge_receivables(self):
        """Two companies, an invoice of each, and their receivables made one."""
        other = self.setup_other_company()
        foreign = self._invoice(
            20,
            company_id=other["company"].id,
            journal_id=other["default_journal_sale"].id,
        )
        merged = self.env["account.account"].browse(
            (self.receivable + other["default_account_receivable"]).ids
        )
        self.env["account.merge.wizard"]._action_merge(merged)
        self.assertEqual(merged.exists(), merged[0])
        return foreign, merged[0]

    def test_account_merge(self):
        invoice = self._invoice(100)
        foreign, account = self._merge_receivables()
        self.assertEqual(self._live(foreign).account_id, account)
        self.assertEqual(self._live(foreign).transaction_type, "transfer")
        self.assertStory(invoice, [("sale", 100.0)])
        self.assertLedgerMatches(self.company + foreign.company_id)

    def test_account_split(self):
        """A merged account is split again: each company's items go to its own."""
        invoice = self._invoice(100)
        foreign, account = self._merge_receivables()
        with self._sealing() as accounts:
            accounts._seal()
        split_off = account.with_context(account_unmerge_confirm=True)._action_unmerge()
        self.assertEqual(self._live(foreign).account_id, split_off)
        self.assertEqual(self._live(foreign).transaction_type, "transfer")
        self.assertEqual(self._balance(company=foreign.company_id), 20.0)
        self.assertStory(invoice, [("sale", 100.0)])
        companies = self.company + foreign.company_id
        self.assertLedgerMatches(companies)
        with self._sealing() as accounts:
            accounts._seal()
        self.assertSealedRight(companies)

    def test_reading_after_an_account_split(self):
        """The clerk of one company sees its entries on what is the other's now."""
        foreign, account = self._merge_receivables()
        account.with_context(account_unmerge_confirm=True)._action_unmerge()
        company = foreign.company_id
        self.biller.write(
            {"company_ids": [Command.set(company.ids)], "company_id": company.id}
        )
        entries = self.env["subledger.entry"].with_user(self.biller)
        domain = [("move_id", "=", foreign.id)]
        specification = {"account_id": {"fields": {"display_name": {}}}}
        read = entries.web_search_read(domain, specification)
        self.assertEqual(read["length"], 5)
        grouped = entries.web_read_group(domain, ["account_id"], ["debit:sum"])
        self.assertEqual(grouped["length"], 3)

    def test_account_becomes_receivable(self):
        account = self.env["account.account"].create(
            {
                "name": "Deposits",
                "code": "129999",
                "account_type": "asset_current",
                "reconcile": True,
            }
        )
        move = self._entry_move(50, account=account)
        self.assertFalse(self._entries(move))
        account.account_type = "asset_receivable"
        self.assertStory(move, [("adjustment", 50.0)])
        account.non_trade = True
        self.assertStory(move, [("adjustment", 50.0), ("reversal", -50.0)])
        account.non_trade = False
        self.assertLedgerMatches()

    def test_receivable_becomes_payable(self):
        account = self.receivable.copy({"code": "129998"})
        self._entry_move(50, account=account)
        with self._sealing() as accounts:
            accounts._seal()
        account.account_type = "liability_payable"
        self.assertRunning(account, [50.0, 0.0, -50.0])
        self.assertEqual(self._balance(ledger="customer"), 0.0)
        self.assertEqual(self._balance(ledger="supplier"), 50.0)
        with self._sealing() as accounts:
            accounts._seal()
        self.assertEqual(self._balance(ledger="customer"), 0.0)
        self.assertEqual(self._balance(ledger="supplier"), 50.0)
        self.assertRunning(account, [50.0, 0.0, -50.0])
        self.assertLedgerMatches()

    def assertRunning(self, account, expected):
        """The balance after each entry as screens show it, oldest first: what the
        customer owes, or what we owe the supplier."""
        entries = self.env["subledger.entry"].search(
            [("account_id", "=", account.id)], order="date, id"
        )
        entries.invalidate_recordset(["running_balance"])
        self.assertEqual(entries.mapped("running_balance"), expected)


@tagged("post_install", "-at_install")
class TestTwoCompanies(SubledgerCommon):
    """Two companies bill the same customer; neither sees the other's ledger."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.setup_other_company()
        cls.second = cls.other["company"]

    def _foreign_invoice(self, amount):
        return self._invoice(
            amount,
            company_id=self.second.id,
            journal_id=self.other["default_journal_sale"].id,
        )

    def test_balances_apart_and_together(self):
        both = self.company + self.second
        moves = self._invoice(100, post=False) + self._foreign_invoice(7)
        moves.filtered(lambda move: move.state == "draft").action_post()
        self.assertEqual(self._balance(), 100.0)
        self.assertEqual(self._balance(company=self.second), 7.0)
        self.assertEqual(self._balance(company=both), 107.0)
        self.assertLedgerMatches(both)

    def test_numbers_apart(self):
        mine, theirs = self._invoice(100), self._foreign_invoice(7)
        with self._sealing() as accounts:
            accounts._seal()
        self.assertEqual(self._entries(mine + theirs).mapped("number"), [1, 1])

    def test_reader_sees_own_company_only(self):
        mine, theirs = self._invoice(100), self._foreign_invoice(7)
        with self._sealing() as accounts:
            accounts._seal()
        entries = self.env["subledger.entry"].with_user(self.biller)
        domain = [("move_id", "in", (mine + theirs).ids)]
        self.assertEqual(entries.search(domain).move_id, mine)
        heads = self.env["subledger.account"].with_user(self.biller).search([])
        self.assertEqual(heads.company_id, self.company)
