"""The companies, currencies and terms that the walks of ``walks.py`` walk in."""

from contextlib import nullcontext

from odoo import Command

DATES = ["2026-01-15", "2026-02-15", "2026-03-15"]
RATES = (2.0, 3.0, 1.7)


class World:
    """Two companies with their books, three currencies, instalments.

    :param books: per company its accounts and journals, named as Odoo's tests do
    :param currencies: three currencies, the first that of the companies
    :param payment_term: one of several instalments
    :param sealing: context manager, called with the environment, in which sealing
        may open transactions
    """

    def __init__(self, books, currencies, payment_term, sealing=nullcontext):
        self.books = books
        self.currencies = currencies
        self.payment_term = payment_term
        self.sealing = sealing
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
        receivable.copy({"code": "121777", "company_ids": [Command.set(company.ids)]})
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
            receivable, trade, ("code", "!=", "121777")
        ),
        "second": account(("code", "=", "121777")),
        "default_account_payable": account(("account_type", "=", "liability_payable")),
        "default_account_revenue": account(("account_type", "=", "income")),
        "default_journal_sale": journal("sale"),
        "default_journal_purchase": journal("purchase"),
        "default_journal_bank": journal("bank"),
        "default_journal_misc": journal("general"),
    }
