"""What nobody does to a ledger in good faith, for tests of the guard."""

from odoo.tools import SQL

from .clones import environment


def break_cache(registry, amount, partner_id=None):
    """Add ``amount`` to the kept balances of one customer, or of everybody."""
    mine = SQL("partner_id = %s", partner_id) if partner_id else SQL("TRUE")
    with environment(registry) as env:
        env.cr.execute(
            SQL(
                "UPDATE subledger_account SET sealed_balance = sealed_balance + %s"
                " WHERE %s",
                amount,
                mine,
            )
        )
