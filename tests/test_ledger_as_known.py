"""Two times: the ledger as of an accounting date, and as it was known at a moment."""

from odoo import fields

from .bookkeeping import post_invoice
from .clones import environment

MARCH, APRIL = (fields.Date.to_date(day) for day in ("2026-03-31", "2026-04-30"))


def test_as_of_a_date_and_as_known_at_a_moment(registry):
    """An invoice of March is corrected later, to another amount and to April."""
    with environment(registry) as env:
        env.company.subledger_start_date = "2026-01-01"
        partner = env["res.partner"].create({"name": "Known"})
        invoice = post_invoice(env, partner, 100.0, invoice_date="2026-03-01")
    with environment(registry) as env:
        invoice.with_env(env).button_draft()
    with environment(registry) as env:
        invoice = invoice.with_env(env)
        invoice.write({"invoice_date": "2026-04-01", "date": "2026-04-01"})
        invoice.invoice_line_ids.price_unit = 250.0
        invoice.action_post()
    with environment(registry) as env:
        entries = env["subledger.entry"].search([("partner_id", "=", partner.id)])

        def balance(date=APRIL, known=None):
            return sum(
                entry.balance
                for entry in entries
                if entry.date <= date and (not known or entry.create_date <= known)
            )

        # One moment for each transaction: when it happened, whatever it was about.
        moments = sorted(set(entries.mapped("create_date")))
        posted, reset, posted_again = moments
        assert fields.Datetime.now().date() >= posted.date() > APRIL
        # As of a date: what the general ledger says today of March, and of April.
        assert (balance(MARCH), balance(APRIL)) == (0.0, 250.0)
        # As known: what everybody read at that moment, whatever was corrected since.
        assert [balance(known=moment) for moment in moments] == [100.0, 0.0, 250.0]
        # And both: March, as it was known when the invoice was posted.
        assert balance(MARCH, posted) == 100.0
        assert balance(MARCH, reset) == balance(MARCH, posted_again) == 0.0
