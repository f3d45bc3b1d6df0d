"""A customer's invoice and what bookkeepers do to it, for tests and benchmarks."""

from odoo import Command

from .clones import environment


def post_invoice(env, partner, amount, **values):
    """Return a posted invoice over ``amount`` without tax."""
    line = {"name": "x", "price_unit": amount, "tax_ids": [Command.clear()]}
    invoice = env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": partner.id,
            "invoice_line_ids": [Command.create(line)],
            **values,
        }
    )
    invoice.action_post()
    return invoice


def commit_invoice(registry):
    """Commit a posted customer invoice of 100; return its id."""
    with environment(registry) as env:
        payer = env["res.partner"].create({"name": "Payer"})
        return post_invoice(env, payer, 100.0).id


def treat(invoice, what):
    """Do something to a posted invoice.

    :param str what: ``leave``, ``pay``, ``reset``, ``cancel``, or ``repost`` with
        another amount
    """
    if what == "pay":
        wizard = invoice.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        wizard.create({})._create_payments()
    elif what != "leave":
        invoice.button_draft()
        if what == "cancel":
            invoice.button_cancel()
        elif what == "repost":
            invoice.invoice_line_ids.price_unit += 1
            invoice.action_post()
