"""Two programs recording a payment of one invoice at the same instant."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from odoo.exceptions import UserError
from odoo.service.model import retrying

from .bookkeeping import commit_invoice
from .clones import environment

CALLERS = 4


@pytest.mark.parametrize(("amount", "possible"), [(100.0, 1), (40.0, 2)])
def test_callers_see_what_the_ones_before_left_due(registry, amount, possible):
    invoice_id = commit_invoice(registry)
    together = threading.Barrier(CALLERS)

    def call(_number):
        begun = []

        def run(env):
            # The first read fixes what this transaction can see of the others.
            invoice = env["account.move"].browse(invoice_id)
            invoice.read(["amount_residual"])
            if not begun:
                begun.append(True)
                together.wait(30)
            return invoice.record_payment(amount)["amount_due"]

        try:
            with environment(registry) as env:
                # As the server does with every request.
                return retrying(lambda: run(env), env)
        except UserError as error:
            return error.args[0]

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(call, range(CALLERS)))
    refusals = [answer for answer in answers if isinstance(answer, str)]
    assert len(refusals) == CALLERS - possible, answers
    dues = sorted((a for a in answers if not isinstance(a, str)), reverse=True)
    assert dues == [100 - amount * number for number in range(1, possible + 1)]
    with environment(registry) as env:
        invoice = env["account.move"].browse(invoice_id)
        assert invoice.matched_payment_ids.mapped("amount") == [amount] * possible
