"""Invoices as a past system would have left them: written by SQL alone."""

AMOUNT = 7
RECEIVABLE = "account_type = 'asset_receivable' AND non_trade IS NOT TRUE"
INCOME = "account_type = 'income'"

STATEMENT = """
    WITH journal AS (
        SELECT id FROM account_journal
         WHERE type = 'sale' AND company_id = 1 ORDER BY id LIMIT 1
    ), moves AS (
        INSERT INTO account_move (
            name, state, move_type, date, invoice_date, invoice_date_due, journal_id,
            company_id, currency_id, partner_id, commercial_partner_id, auto_post,
            payment_state, sequence_prefix, sequence_number, create_uid, create_date,
            amount_total, amount_residual, amount_total_signed, amount_residual_signed
        )
        SELECT prefix || n, 'posted', 'out_invoice', day, day, day + 30, journal.id,
               1, company.currency_id, owner, owner, 'no',
               'not_paid', prefix, n, 1, now(),
               {amount}, {amount}, {amount}, {amount}
          FROM journal, res_company AS company, generate_series({first}, {last}) AS n,
               LATERAL (SELECT DATE '2020-01-01' + MOD(n, 1500) AS day,
                               ('{{{partners}}}'::int[])[1 + MOD(n, {count})] AS owner
                       ) AS drawn,
               LATERAL (SELECT 'HIST/' || owner || '/' AS prefix) AS named
         WHERE company.id = 1
        RETURNING id, date, currency_id, partner_id, journal_id, name
    ), side AS ({sides})
    INSERT INTO account_move_line (
        move_id, account_id, partner_id, company_id, journal_id, currency_id,
        company_currency_id, date, date_maturity, parent_state, move_name, name,
        display_type, debit, credit, balance, amount_currency, amount_residual,
        amount_residual_currency, reconciled
    )
    SELECT moves.id, side.account, partner_id, 1, journal_id, currency_id,
           currency_id, date, date + 30, 'posted', moves.name, 'history',
           side.display, GREATEST(side.amount, 0), GREATEST(-side.amount, 0),
           side.amount, side.amount, GREATEST(side.amount, 0),
           GREATEST(side.amount, 0), false
      FROM moves, side
"""


def history(partners, items, with_income=False, first=1):
    """Return the statement that writes ``items`` open invoices, one item each.

    :param list partners: ids of the customers, who get equally many
    :param int first: number of the first invoice, where these customers have some
    :param bool with_income: give each invoice its other side, too; what reads nothing
        but receivables needs none
    """
    sides = [_side(RECEIVABLE, AMOUNT, "payment_term")]
    if with_income:
        sides.append(_side(INCOME, -AMOUNT, "product"))
    return STATEMENT.format(
        amount=AMOUNT,
        first=first,
        last=first + items - 1,
        partners=",".join(map(str, partners)),
        count=len(partners),
        sides=" UNION ALL ".join(sides),
    )


def _side(accounts, amount, display):
    return f"""
        (SELECT id AS account, {amount} AS amount, '{display}' AS display
           FROM account_account WHERE {accounts} ORDER BY id LIMIT 1)
    """
