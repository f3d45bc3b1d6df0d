from contextlib import contextmanager

from odoo import Command

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


class PaymentCommon(AccountTestInvoicingCommon):
    """Invoices and payments as a user with nothing but invoicing rights makes them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bank = cls.company_data["default_journal_bank"]
        cls.cash = cls.company_data["default_journal_cash"]
        cls.biller = cls._create_user("biller", "account.group_account_invoice")
        cls.salesperson = cls._create_user("sales", "sales_team.group_sale_salesman")
        cls.manager_env = cls.env
        cls.env = cls.env(user=cls.biller)

    @classmethod
    def setup_other_company(cls, **kwargs):
        with cls._as_manager():
            return super().setup_other_company(**kwargs)

    @classmethod
    def setup_other_currency(cls, code, **kwargs):
        with cls._as_manager():
            currency = super().setup_other_currency(code, **kwargs)
        return currency.with_env(cls.env)

    @classmethod
    @contextmanager
    def _as_manager(cls):
        """Set up what a user with invoicing rights may not."""
        biller_env, cls.env = cls.env, cls.manager_env
        try:
            yield
        finally:
            cls.env = biller_env

    @classmethod
    def _create_user(cls, login, group):
        return (
            cls.env["res.users"]
            .sudo()
            .create(
                {
                    "name": login,
                    "login": login,
                    "group_ids": [Command.set(cls.env.ref(group).ids)],
                    "company_ids": [Command.set(cls.env.company.ids)],
                    "company_id": cls.env.company.id,
                }
            )
        )

    @classmethod
    def _invoice(cls, amount=100.0, move_type="out_invoice", **values):
        """A draft document of one line without tax."""
        return cls.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": cls.partner_a.id,
                "invoice_date": "2026-01-15",
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Work", "price_unit": amount, "tax_ids": False}
                    )
                ],
                **values,
            }
        )

    @classmethod
    def _posted(cls, amount=100.0, **values):
        invoice = cls._invoice(amount, **values)
        invoice.action_post()
        return invoice

    @classmethod
    def _upfront(cls, amount, journal=None, **values):
        """A draft with a payment taken at creation."""
        return cls._invoice(
            upfront_payment_amount=amount,
            upfront_payment_journal_id=(journal or cls.bank).id,
            **values,
        )

    @classmethod
    def _payment(cls, amount, **values):
        """A posted customer payment that is not allocated to anything."""
        payment = cls.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": cls.partner_a.id,
                "amount": amount,
                "date": "2026-01-10",
                "journal_id": cls.bank.id,
                **values,
            }
        )
        payment.action_post()
        return payment

    def _receivable(self, partner=None):
        """General ledger balance of the customer's receivable."""
        lines = self.env["account.move.line"].search(
            [
                ("partner_id", "=", (partner or self.partner_a).id),
                ("account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
            ]
        )
        return sum(lines.mapped("balance"))
