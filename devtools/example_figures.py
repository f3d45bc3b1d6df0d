"""What the customer ledger says as of the end of a day, in plain SQL."""

from odoo.tools import SQL


def ledger_figures(env, company, as_of):
    """Return numbers and amounts of the customer ledger as of the end of a day.

    Counts live entries only. Amounts in company currency, balances debit minus credit.

    :return: dict with ``invoices, invoiced, payments, paid, entries, balance,
        open_invoices, open_amount, overdue_invoices, overdue_amount`` and
        ``balances`` (customer's reference: balance)
    """
    env.flush_all()
    live = SQL(
        "e.company_id = %s AND e.ledger = 'customer' AND e.date <= %s AND %s",
        company.id,
        as_of,
        env["subledger.entry"]._live_sql("e"),
    )
    return {
        **_totals(env, live),
        **_open_items(env, live, as_of),
        "balances": _balances(env, live),
    }


def _totals(env, live):
    [row] = env.execute_query(
        SQL(
            """
            SELECT COUNT(*) FILTER (WHERE transaction_type = 'sale'),
                   COALESCE(SUM(debit) FILTER (WHERE transaction_type = 'sale'), 0),
                   COUNT(*) FILTER (WHERE transaction_type = 'payment'),
                   COALESCE(SUM(credit) FILTER (WHERE transaction_type = 'payment'), 0),
                   COUNT(*),
                   COALESCE(SUM(debit - credit), 0)
              FROM subledger_entry AS e
             WHERE %s
            """,
            live,
        )
    )
    names = ("invoices", "invoiced", "payments", "paid", "entries", "balance")
    return dict(zip(names, row, strict=True))


def _open_items(env, live, as_of):
    """A reconciliation counts from the later of its two dates on."""
    [row] = env.execute_query(
        SQL(
            """
              WITH item AS (
                SELECT e.date_maturity,
                       e.debit - e.credit - COALESCE(
                           (SELECT SUM(p.amount)
                              FROM account_partial_reconcile AS p
                             WHERE p.debit_move_id = e.move_line_id
                               AND p.max_date <= %(as_of)s), 0) AS residual
                  FROM subledger_entry AS e
                 WHERE %(live)s AND e.transaction_type = 'sale'
            )
            SELECT COUNT(*),
                   COALESCE(SUM(residual), 0),
                   COUNT(*) FILTER (WHERE date_maturity < %(as_of)s),
                   COALESCE(SUM(residual) FILTER (WHERE date_maturity < %(as_of)s), 0)
              FROM item
             WHERE residual != 0
            """,
            live=live,
            as_of=as_of,
        )
    )
    names = ("open_invoices", "open_amount", "overdue_invoices", "overdue_amount")
    return dict(zip(names, row, strict=True))


def _balances(env, live):
    return dict(
        env.execute_query(
            SQL(
                """
                SELECT partner.ref, SUM(e.debit - e.credit)
                  FROM subledger_entry AS e
                  JOIN res_partner AS partner ON partner.id = e.partner_id
                 WHERE %s
                 GROUP BY partner.ref
                """,
                live,
            )
        )
    )
