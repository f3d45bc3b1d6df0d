"""A company with documents that the ledger knows nothing of, to be backfilled."""

from odoo import Command

from .clones import ensure_chart, environment

INVOICES = 12


def prepare(env):
    """Documents that no entry was ever written for, and a backfill that is started."""
    ensure_chart(env)
    partners = env["res.partner"].create([{"name": "Ada"}, {"name": "Bob"}])
    line = {"name": "x", "tax_ids": [Command.clear()]}
    invoices = env["account.move"].create(
        [
            {
                "move_type": "out_invoice",
                "partner_id": partners[number % 2].id,
                "invoice_date": "2026-01-15",
                "invoice_line_ids": [
                    Command.create({**line, "price_unit": 10.0 + number})
                ],
            }
            for number in range(INVOICES)
        ]
    )
    # The ledger starts later than all that.
    env.company.subledger_start_date = "2100-01-01"
    invoices.action_post()
    env.company.subledger_start_date = "2026-01-01"
    backfill = env["subledger.backfill"].create(
        {"mode": "full", "start_date": "2026-01-01"}
    )
    backfill.action_start()
    return backfill.id


def facts(registry):
    """What the ledger says, without what differs from run to run by nature."""
    with environment(registry) as env:
        env["subledger.account"]._seal()
    with environment(registry) as env:
        entries = env["subledger.entry"].search([])
        heads = env["subledger.account"].search([])
        # Every invoice has an amount of its own.
        return (
            sorted(
                (e.partner_name, e.number, e.debit, e.balance_after) for e in entries
            ),
            sorted((h.partner_name, h.last_number, h.sealed_balance) for h in heads),
        )
