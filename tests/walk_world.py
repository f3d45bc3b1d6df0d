"""The companies, currencies and terms that the walks of ``walks.py`` walk in."""

from contextlib import nullcontext

from odoo import Command

DATES = ["2026-01-15", "2026-02-15", "2026-03-15"]
RATES = (2.0, 3.0, 1.7)
SECOND_CODE = "121777"


class World:
    """Two companies with their books, three currencies, instalments.

    Each company has a second receivable account, of the code ``SECOND_CODE``.

    :param books: per company its accounts and journals, named as Odoo's tests do, and
        the tax of :func:`make_cash_basis_tax`
    :param currencies: three currencies, the first that of the companies
    :param payment_term: one of several instalments
    :param other_transactions: context manager, called with the environment, in which
        other transactions may be opened
    """

    def __init__(self, books, currencies, payment_term, other_transactions=nullcontext):
        self.books = books
        self.currencies = currencies
        self.payment_term = payment_term
        self.other_transactions = other_transactions
        self.companies = books[0]["company"] + books[1]["company"]


def build_world(env):
    """Make the companies, currencies and terms of a world, to be committed."""
    companies = env["res.company"].create([{"name": "Walk One"}, {"name": "Walk Two"}])
    # Else what happened before today would be history.
    companies.write({"subledger_start_date": DATES[0]})
    companies[1].subledger_manual_policy = "record"
    for company in companies:
        charts = env["account.chart.template"]
        charts.try_loading("generic_coa", company, install_demo=False)
        receivable = (
            env["account.account"]
            .with_company(company)
            .search(
                [("account_type", "=", "asset_receivable"), ("non_trade", "=", False)],
                limit=1,
            )
        )
        make_second_account(receivable, company)
        make_cash_basis_tax(company)
    for name, factor in (("EUR", 1), ("JPY", 70)):
        currency = env["res.currency"].with_context(active_test=False)
        currency = currency.search([("name", "=", name)])
        currency.active = True
        env["res.currency.rate"].create(
            [
                {
                    "name": day,
                    "rate": rate * factor,
                    "currency_id": currency.id,
                    "company_id": company.id,
                }
                for day, rate in zip(DATES, RATES, strict=True)
                for company in companies
            ]
        )


def make_second_account(receivable, company):
    receivable.copy({"code": SECOND_CODE, "company_ids": [Command.set(company.ids)]})


def make_cash_basis_tax(company):
    """Make and return a tax of the company that falls due with the payment."""
    company.tax_exigibility = True
    transition = company.env["account.account"].create(
        {
            "name": "Tax waiting",
            "code": "251999",
            "account_type": "liability_current",
            "reconcile": True,
            "company_ids": [Command.set(company.ids)],
        }
    )
    return company.env["account.tax"].create(
        {
            "name": "Cash basis 10 %",
            "amount": 10,
            "company_id": company.id,
            "tax_exigibility": "on_payment",
            "cash_basis_transition_account_id": transition.id,
        }
    )


def find_world(env):
    """Return the :class:`World` that ``build_world`` made in this database."""
    companies = env["res.company"].search([("name", "like", "Walk ")], order="id")
    currencies = [
        companies[0].currency_id,
        *env["res.currency"].search([("name", "in", ("EUR", "JPY"))], order="name"),
    ]
    term = env.ref("account.account_payment_term_advance_60days")
    return World([find_book(company) for company in companies], currencies, term)


def find_book(company):
    """Return the accounts and journals of a company, as Odoo's tests name them."""
    accounts = company.env["account.account"].with_company(company)
    journals = company.env["account.journal"]

    def account(*domain):
        here = ("company_ids", "in", company.ids)
        return accounts.search([here, *domain], order="code", limit=1)

    def journal(kind):
        domain = [("company_id", "=", company.id), ("type", "=", kind)]
        return journals.search(domain, limit=1)

    receivable = ("account_type", "=", "asset_receivable")
    trade = ("non_trade", "=", False)
    return {
        "company": company,
        "default_account_receivable": account(
            receivable, trade, ("code", "!=", SECOND_CODE)
        ),
        "default_account_payable": account(("account_type", "=", "liability_payable")),
        "default_account_revenue": account(("account_type", "=", "income")),
        "default_journal_sale": journal("sale"),
        "default_journal_purchase": journal("purchase"),
        "default_journal_bank": journal("bank"),
        "default_journal_misc": journal("general"),
        "cash_basis_tax": company.env["account.tax"].search(
            [
                ("company_id", "=", company.id),
                ("tax_exigibility", "=", "on_payment"),
            ]
        ),
    }
