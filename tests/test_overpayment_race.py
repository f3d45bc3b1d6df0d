"""Several tabs paying one invoice at the same instant, with real transactions."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from odoo import Command
from odoo.exceptions import UserError
from odoo.service.model import retrying

from .bookkeeping import commit_invoice
from .clones import environment

TABS = 4


@pytest.fixture(scope="module")
def registry(registry):
    """A database where overpayment is refused."""
    with environment(registry) as env:
        env.company.credit_prevent_overpayment = True
    return registry


class Wizard:
    """The payment window of the invoice, opened before anybody paid."""

    def __init__(self, registry, invoice_id, amount):
        with environment(registry) as env:
            context = {"active_model": "account.move", "active_ids": [invoice_id]}
            wizards = env["account.payment.register"].with_context(**context)
            self.wizard_id = wizards.create({"amount": amount}).id

    def pay(self, env):
        env["account.payment.register"].browse(self.wizard_id)._create_payments()


class Program:
    """An external program that makes a payment and names the invoice."""

    def __init__(self, registry, invoice_id, amount):
        self.invoice_id, self.amount = invoice_id, amount

    def pay(self, env):
        journal = env["account.journal"].search([("type", "=", "bank")], limit=1)
        invoice = env["account.move"].browse(self.invoice_id)
        env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_id": invoice.partner_id.id,
                "amount": self.amount,
                "journal_id": journal.id,
                "invoice_ids": [Command.set(invoice.ids)],
            }
        ).action_post()


def pay_at_once(registry, invoice_id, tabs):
    """Pay in all tabs, once every transaction has begun; return the refusals."""
    together = threading.Barrier(len(tabs))

    def request(tab):
        begun = []

        def run(env):
            # The first read fixes what this transaction can see of the others.
            env["account.move"].browse(invoice_id).read(["amount_residual"])
            if not begun:
                begun.append(True)
                together.wait(30)
            tab.pay(env)

        try:
            with environment(registry) as env:
                # As the server does with every request.
                retrying(lambda: run(env), env)
        except UserError as error:
            return error.args[0]
        return None

    with ThreadPoolExecutor(len(tabs)) as pool:
        return list(filter(None, pool.map(request, tabs)))


@pytest.mark.parametrize("kind", [Wizard, Program])
@pytest.mark.parametrize(("amount", "possible"), [(100.0, 1), (40.0, 2)])
def test_as_many_payments_as_the_invoice_is_open_for(registry, kind, amount, possible):
    """The others are told so; nothing of theirs remains."""
    invoice_id = commit_invoice(registry)
    tabs = [kind(registry, invoice_id, amount) for _number in range(TABS)]
    refusals = pay_at_once(registry, invoice_id, tabs)
    assert len(refusals) == TABS - possible, refusals
    assert all("is more than the" in refusal for refusal in refusals), refusals
    with environment(registry) as env:
        payments = env["account.payment"].search([("invoice_ids", "in", invoice_id)])
        assert payments.mapped("amount") == [amount] * possible
