"""Steps of the walks of ``walks.py``: posted items, contacts and accounts change."""

from odoo.exceptions import UserError

from .walk_world import DATES

ACCOUNT_TYPES = ["asset_receivable", "asset_current", "liability_payable"]


class ItemSteps:
    """Steps that change what is posted without posting."""

    def item_partner(self, which, variant, amount):
        self.pick_item(which).partner_id = self.partner(variant)

    def item_account(self, which, variant, amount):
        item = self.pick_item(which)
        book = self.book_of(item.company_id)
        item.account_id = (
            book["default_account_receivable"],
            book["default_account_payable"],
            self.second_account(book),
        )[variant % 3]

    def item_due_date(self, which, variant, amount):
        self.pick_item(which).date_maturity = DATES[variant % 3]

    def item_amount(self, which, variant, amount):
        item = self.pick_item(which).with_context(check_move_validity=False)
        item.write({"debit": amount, "credit": 0})

    def add_items(self, which, variant, amount):
        move = self.pick_item(which).move_id
        account = self.book_of(move.company_id)["default_account_receivable"]
        item = {"move_id": move.id, "account_id": account.id}
        self.env["account.move.line"].create(
            [
                dict(item, partner_id=self.partner(which).id, debit=amount),
                dict(item, partner_id=self.partner(variant).id, credit=amount),
            ]
        )

    def delete_item(self, which, variant, amount):
        self.pick_item(which).with_context(
            force_delete=True, check_move_validity=False
        ).unlink()

    def edit_posted_move(self, which, variant, amount):
        """What a forged context permits on a posted document."""
        values = (
            {"partner_id": self.partner(variant).id},
            {"date": DATES[which % 3]},
            {"invoice_date_due": DATES[which % 3]},
        )[variant % 3]
        move = self.pick_move(which, "posted")
        move.with_context(skip_readonly_check=True).write(values)

    def reparent(self, which, variant, amount):
        partner, parent = self.partner(which), self.partner(variant)
        partner.write(
            {"parent_id": parent.id, "is_company": False}
            if partner != parent
            else {"parent_id": False, "is_company": True}
        )

    def merge(self, which, variant, amount):
        pair = self.partner(which) | self.partner(variant)
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()
        wizard._merge(pair.ids, pair[0], extra_checks=False)
        self.partners = self.partners.exists()
        if len(self.partners) < 2:
            self.partners += self.partners.create({"name": "Newcomer"})

    def account_type(self, which, variant, amount):
        account = self.second_account(self.book(variant))
        if which % 2:
            account.non_trade = not account.non_trade
        else:
            account.account_type = ACCOUNT_TYPES[variant % 3]

    def account_merge(self, which, variant, amount):
        """The second accounts of both companies become one."""
        first, second = (self.second_account(book) for book in self.world.books)
        wizards = self.env["account.merge.wizard"].with_context(
            active_model="account.account", active_ids=(first | second).ids
        )
        wizards.create({}).action_merge()
        if first == second or first.exists() and second.exists():
            raise UserError("Nothing was merged.")

    def account_split(self, which, variant, amount):
        """What was merged is split again."""
        account = self.second_account(self.book(variant))
        if len(account.company_ids) == 1:
            self.account_merge(which, variant, amount)
            account = self.second_account(self.book(variant))
        account.with_context(account_unmerge_confirm=True).action_unmerge()
