-- Balance Guard: the ledger checked with psql alone.
--
-- Read-only. Needs SELECT on the tables named below and nothing else:
--   psql -d DATABASE -U AUDITOR -f auditor.sql
-- Each row is a difference; no row means that the check found nothing. The last
-- column of the summary says how many rows each check gave. Amounts are in company
-- currency, debit minus credit.
--
-- Tables: subledger_entry, subledger_account, account_move, account_move_line,
-- account_account, res_partner, res_company, account_partial_reconcile.

\set ON_ERROR_STOP on
\pset footer off
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

\echo '1. Kept balance against the sum of the sealed entries'
SELECT '1 kept balance' AS "check", head.company_id, head.partner_id,
       head.account_id, SUM(entry.debit - entry.credit) AS expected,
       head.sealed_balance AS actual
  FROM subledger_account head
  LEFT JOIN subledger_entry entry
         ON entry.company_id = head.company_id
        AND entry.account_id = head.account_id
        AND COALESCE(entry.partner_id, 0) = COALESCE(head.partner_id, 0)
        AND entry.number IS NOT NULL
 GROUP BY head.id
HAVING head.sealed_balance <> COALESCE(SUM(entry.debit - entry.credit), 0)
    OR head.last_number <> COALESCE(MAX(entry.number), 0)
 ORDER BY 2, 3, 4;

\echo '2. Numbers without gap, running balances'
SELECT '2 running balance' AS "check", company_id, partner_id, account_id, id AS entry,
       number, previous_number + 1 AS number_expected,
       balance_after, previous_balance + amount AS balance_expected
  FROM (SELECT id, company_id, partner_id, account_id, number, balance_after,
               debit - credit AS amount,
               COALESCE(LAG(number) OVER chain, 0) AS previous_number,
               COALESCE(LAG(balance_after) OVER chain, 0) AS previous_balance
          FROM subledger_entry
         WHERE number IS NOT NULL
        WINDOW chain AS (PARTITION BY company_id, partner_id, account_id
                         ORDER BY number)) AS step
 WHERE number <> previous_number + 1 OR balance_after <> previous_balance + amount
 ORDER BY 2, 3, 4, 6;

\echo '3. Hash chain'
SELECT '3 hash chain' AS "check", company_id, partner_id, account_id, id AS entry,
       number, hash, computed
  FROM (SELECT entry.*,
               '1$' || encode(sha256(convert_to(
                   COALESCE(LAG(hash) OVER chain, '')
                   || concat(
                       entry.id, '|', entry.number, '|', entry.company_id, '|',
                       entry.partner_id, '|', entry.account_id, '|',
                       entry.ledger, '|', to_char(entry.date, 'YYYY-MM-DD'), '|',
                       to_char(entry.date_maturity, 'YYYY-MM-DD'), '|',
                       entry.transaction_type, '|', trim_scale(entry.debit), '|',
                       trim_scale(entry.credit), '|', entry.currency_id, '|',
                       trim_scale(entry.amount_currency), '|',
                       trim_scale(entry.balance_after), '|', entry.move_id, '|',
                       entry.move_line_id, '|', entry.event, '|',
                       entry.version, '|', entry.reversal_of_id, '|',
                       entry.origin, '|', entry.create_uid, '|',
                       to_char(entry.create_date, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '|',
                       quote_nullable(entry.partner_name), '|',
                       quote_nullable(entry.reference), '|',
                       quote_nullable(entry.description)),
                   'UTF8')), 'hex')
                   AS computed
          FROM subledger_entry entry
         WHERE number IS NOT NULL
        WINDOW chain AS (PARTITION BY company_id, partner_id, account_id
                         ORDER BY number)) AS chained
 WHERE hash IS DISTINCT FROM computed
 ORDER BY 2, 3, 4, 6;

\echo '4. Live entries against their journal items'
SELECT '4 entries and items' AS "check", entry.company_id, entry.partner_id,
       entry.account_id, entry.id AS entry, entry.move_line_id AS item,
       line.balance AS expected, entry.debit - entry.credit AS actual,
       CASE WHEN line.id IS NULL THEN 'item deleted'
            WHEN move.state <> 'posted' THEN 'document not posted'
            WHEN line.account_id <> entry.account_id THEN 'account'
            WHEN partner.commercial_partner_id IS DISTINCT FROM entry.partner_id
                 THEN 'partner'
            WHEN line.balance <> entry.debit - entry.credit THEN 'amount'
            ELSE 'date' END AS differs
  FROM subledger_entry entry
  LEFT JOIN account_move_line line ON line.id = entry.move_line_id
  LEFT JOIN account_move move ON move.id = line.move_id
  LEFT JOIN res_partner partner ON partner.id = line.partner_id
 WHERE entry.event = 'entry' AND entry.move_line_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM subledger_entry reversal
                    WHERE reversal.reversal_of_id = entry.id)
   AND (line.id IS NULL OR move.state <> 'posted'
        OR line.account_id <> entry.account_id
        OR partner.commercial_partner_id IS DISTINCT FROM entry.partner_id
        OR line.balance <> entry.debit - entry.credit OR move.date <> entry.date)
 ORDER BY 2, 3, 4, 5;

\echo '5. More than one live entry of one journal item'
SELECT '5 duplicates' AS "check", entry.move_line_id AS item, COUNT(*) AS entries
  FROM subledger_entry entry
 WHERE entry.event = 'entry' AND entry.move_line_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM subledger_entry reversal
                    WHERE reversal.reversal_of_id = entry.id)
 GROUP BY entry.move_line_id HAVING COUNT(*) > 1
 ORDER BY 2;

\echo '6. General ledger against ledger, by partner and account'
\echo '   (manual entries and history before the start are differences here)'
SELECT '6 control account' AS "check", company_id, partner_id, account_id,
       SUM(general_ledger) AS general_ledger, SUM(ledger) AS ledger,
       SUM(general_ledger) - SUM(ledger) AS difference
  FROM (SELECT move.company_id, partner.commercial_partner_id AS partner_id,
               line.account_id, line.balance AS general_ledger, 0 AS ledger
          FROM account_move_line line
          JOIN account_move move ON move.id = line.move_id
          JOIN account_account account ON account.id = line.account_id
          LEFT JOIN res_partner partner ON partner.id = line.partner_id
         WHERE move.state = 'posted'
           AND account.account_type IN ('asset_receivable', 'liability_payable')
           AND account.non_trade IS NOT TRUE
         UNION ALL
        SELECT company_id, partner_id, account_id, 0, debit - credit
          FROM subledger_entry) AS side
 GROUP BY company_id, partner_id, account_id
HAVING SUM(general_ledger) <> SUM(ledger)
 ORDER BY 2, 3, 4;

\echo '7. Posted entries that do not balance'
SELECT '7 posted entries' AS "check", move.company_id, move.id AS entry, move.name,
       SUM(line.balance) AS difference
  FROM account_move_line line
  JOIN account_move move ON move.id = line.move_id
 WHERE move.state = 'posted'
 GROUP BY move.id HAVING SUM(line.balance) <> 0
 ORDER BY 2, 3;

\echo '8. Residuals against reconciliations'
SELECT '8 residuals' AS "check", line.company_id, line.id AS item,
       line.balance - COALESCE(settled.amount, 0) AS expected,
       line.amount_residual AS actual
  FROM account_move_line line
  JOIN account_account account ON account.id = line.account_id AND account.reconcile
  LEFT JOIN (SELECT line_id, SUM(amount) AS amount
               FROM (SELECT debit_move_id AS line_id, amount
                       FROM account_partial_reconcile
                      UNION ALL
                     SELECT credit_move_id, -amount
                       FROM account_partial_reconcile) AS part
              GROUP BY line_id) AS settled ON settled.line_id = line.id
 WHERE line.parent_state = 'posted'
   AND line.amount_residual <> line.balance - COALESCE(settled.amount, 0)
 ORDER BY 2, 3;

COMMIT;
