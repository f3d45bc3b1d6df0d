from contextlib import contextmanager

from odoo.fields import Command
from odoo.tools import SQL

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


class SubledgerCommon(AccountTestInvoicingCommon):
    """Documents, and what the ledger says about them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.company_data["company"]
        cls.receivable = cls.company_data["default_account_receivable"]
        cls.payable = cls.company_data["default_account_payable"]
        cls.revenue = cls.company_data["default_account_revenue"]
        cls.bank = cls.company_data["default_journal_bank"]
        cls.misc = cls.company_data["default_journal_misc"]
        cls.partner = cls.env["res.partner"].create({"name": "Ada Ltd"})
        cls.other_partner = cls.env["res.partner"].create({"name": "Bob Ltd"})
        cls.biller = cls.env["res.users"].create(
            {
                "name": "Billing clerk",
                "login": "subledger_biller",
                "group_ids": [
                    Command.link(cls.env.ref("account.group_account_invoice").id)
                ],
                "company_ids": [Command.set(cls.company.ids)],
                "company_id": cls.company.id,
            }
        )

    # Documents -----------------------------------------------------------

    @classmethod
    def _invoice(cls, amount=100.0, move_type="out_invoice", post=True, **values):
        """A document of one line without taxes."""
        values = {
            "move_type": move_type,
            "partner_id": cls.partner.id,
            "invoice_date": "2026-03-01",
            "date": "2026-03-01",
            "invoice_line_ids": [
                Command.create(
                    {
                        "name": "Service",
                        "quantity": 1,
                        "price_unit": amount,
                        "tax_ids": [Command.clear()],
                    }
                )
            ],
            **values,
        }
        move = cls.env["account.move"].create(values)
        if post:
            move.action_post()
        return move

    @classmethod
    def _entry_move(cls, amount=50.0, account=None, partner=None, post=True, **values):
        """A manual journal entry that debits a receivable account."""
        account = account or cls.receivable
        partner = cls.partner if partner is None else partner
        item = {"account_id": account.id, "partner_id": partner.id}
        move = cls.env["account.move"].create(
            {
                "move_type": "entry",
                "date": "2026-03-01",
                "journal_id": cls.misc.id,
                "line_ids": [
                    Command.create(dict(item, debit=amount)),
                    Command.create({"account_id": cls.revenue.id, "credit": amount}),
                ],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    @classmethod
    def _payment(cls, amount=60.0, payment_type="inbound", post=True, **values):
        payment = cls.env["account.payment"].create(
            {
                "payment_type": payment_type,
                "partner_type": "customer" if payment_type == "inbound" else "supplier",
                "partner_id": cls.partner.id,
                "amount": amount,
                "date": "2026-03-02",
                "journal_id": cls.bank.id,
                **values,
            }
        )
        if post:
            payment.action_post()
        return payment

    @classmethod
    def _statement_line(cls, amount=30.0, **values):
        return cls.env["account.bank.statement.line"].create(
            {
                "journal_id": cls.bank.id,
                "date": "2026-03-03",
                "payment_ref": "Transfer 4711",
                "partner_id": cls.partner.id,
                "amount": amount,
                **values,
            }
        )

    @classmethod
    def _register_payment_of(cls, moves, **values):
        wizard = (
            cls.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=moves.ids)
            .create({"payment_date": "2026-03-05", **values})
        )
        return wizard._create_payments()

    # What the ledger says ------------------------------------------------

    @classmethod
    def _trade_items(cls, moves):
        return moves.line_ids.filtered(
            lambda line: line.account_id.account_type
            in ("asset_receivable", "liability_payable")
            and not line.account_id.non_trade
        )

    @classmethod
    def _entries(cls, moves):
        return cls.env["subledger.entry"].search(
            [("move_id", "in", moves.ids)], order="id"
        )

    @classmethod
    def _live(cls, moves):
        return cls._entries(moves).filtered(
            lambda entry: entry.event == "entry" and not entry.is_reversed
        )

    @classmethod
    def _balance(cls, partner=None, ledger="customer", company=None):
        partner = partner or cls.partner
        return cls.env["subledger.account"]._get_balances(
            company or cls.company, partner, ledger
        )[partner.id]

    def assertStory(self, moves, expected):
        """Compare the entries with tuples (type, debit - credit), oldest first."""
        story = [
            (entry.transaction_type, entry.debit - entry.credit)
            for entry in self._entries(moves)
        ]
        self.assertEqual(story, expected)

    def assertLedgerMatches(self, companies=None):
        """Entries of each company, partner, account and date = its posted trade
        items, one live entry for each of them and for nothing else."""
        companies = companies or self.company
        self.env["subledger.sync"]._flush_what_is_read()
        self.env["account.move.line"].flush_model(["date"])
        rows = self.env.execute_query(SQL(MISMATCH, companies=list(companies.ids)))
        self.assertEqual(rows, [], "Ledger and general ledger differ")

    def assertSealedRight(self, companies=None):
        """Numbers without gaps, running balances and heads that follow."""
        companies = companies or self.company
        rows = self.env.execute_query(SQL(MISNUMBERED, companies=list(companies.ids)))
        self.assertEqual(rows, [], "Numbers or running balances are wrong")

    @contextmanager
    def _sealing(self):
        """Sealing works in transactions of its own: here they share the test's."""
        with self.enter_registry_test_mode():
            yield self.env["subledger.account"]
        self.env.invalidate_all()


# Written without a word of the engine: what it should say, from scratch.
MISMATCH = """
    WITH RECURSIVE reversed (id, original_id) AS (
        SELECT id, reversed_entry_id FROM account_move
         WHERE reversed_entry_id IS NOT NULL
         UNION
        SELECT reversed.id, earlier.reversed_entry_id
          FROM reversed
          JOIN account_move earlier ON earlier.id = reversed.original_id
         WHERE earlier.reversed_entry_id IS NOT NULL
    ),
    sourced AS (
        SELECT id FROM account_move
         WHERE move_type <> 'entry' OR origin_payment_id IS NOT NULL
            OR statement_line_id IS NOT NULL
            OR tax_cash_basis_origin_move_id IS NOT NULL
    ),
    gl AS (
        SELECT line.id, move.company_id,
               COALESCE(partner.commercial_partner_id, 0) AS partner_id,
               line.account_id, line.balance, line.amount_currency, line.currency_id,
               -- of the item, as every report of the general ledger has it
               line.date, line.date_maturity,
               CASE account.account_type WHEN 'asset_receivable' THEN 'customer'
                    ELSE 'supplier' END AS ledger
          FROM account_move_line line
          JOIN account_move move ON move.id = line.move_id
          JOIN account_account account ON account.id = line.account_id
          JOIN res_company company ON company.id = move.company_id
          LEFT JOIN res_partner partner ON partner.id = line.partner_id
         WHERE move.state = 'posted'
           AND account.account_type IN ('asset_receivable', 'liability_payable')
           AND account.non_trade IS NOT TRUE
           AND move.company_id = ANY(%(companies)s)
           AND (company.subledger_manual_policy = 'record'
                OR move.id IN (SELECT id FROM sourced)
                OR move.id IN (SELECT reversed.id FROM reversed
                                 JOIN sourced ON sourced.id = original_id)
                OR move.journal_id IN (
                    SELECT currency_exchange_journal_id FROM res_company))
    ),
    entry AS (
        SELECT *, debit - credit AS balance, COALESCE(partner_id, 0) AS owner_id
          FROM subledger_entry
         WHERE company_id = ANY(%(companies)s)
    ),
    live AS (
        SELECT * FROM entry
         WHERE event = 'entry'
           AND id NOT IN (SELECT reversal_of_id FROM entry
                           WHERE reversal_of_id IS NOT NULL)
    )
    SELECT 'item without exactly one live entry', gl.id::text, COUNT(live.id)::text
      FROM gl LEFT JOIN live
        ON live.move_line_id = gl.id AND live.company_id = gl.company_id
       AND live.owner_id = gl.partner_id AND live.account_id = gl.account_id
       AND live.balance = gl.balance AND live.amount_currency = gl.amount_currency
       AND live.currency_id = gl.currency_id AND live.ledger = gl.ledger
       AND live.date = gl.date
       AND live.date_maturity IS NOT DISTINCT FROM gl.date_maturity
     GROUP BY gl.id HAVING COUNT(live.id) <> 1
     UNION ALL
    SELECT 'live entry without item', id::text, move_line_id::text
      FROM live WHERE move_line_id NOT IN (SELECT id FROM gl)
     UNION ALL
    SELECT 'sum differs', a.key, a.total::text
      FROM (SELECT concat_ws('/', company_id, partner_id, account_id, ledger, date)
                       AS key,
                   SUM(balance) AS total
              FROM (SELECT company_id, partner_id, account_id, ledger, date, balance
                      FROM gl
                     UNION ALL
                    SELECT company_id, owner_id, account_id, ledger, date, -balance
                      FROM entry
                   ) AS both_sides
             GROUP BY 1 HAVING SUM(balance) <> 0) AS a
"""

MISNUMBERED = """
    WITH entry AS (
        SELECT company_id, COALESCE(partner_id, 0) AS owner_id, account_id, number,
               balance_after,
               ROW_NUMBER() OVER account AS expected_number,
               SUM(debit - credit) OVER account AS expected_balance
          FROM subledger_entry
         WHERE company_id = ANY(%(companies)s) AND number IS NOT NULL
        WINDOW account AS (
            PARTITION BY company_id, partner_id, account_id ORDER BY number)
    )
    SELECT company_id, owner_id, account_id, number FROM entry
     WHERE number <> expected_number OR balance_after <> expected_balance
     UNION ALL
    SELECT head.company_id, head.partner_id, head.account_id, head.last_number
      FROM subledger_account AS head
      LEFT JOIN LATERAL (
            SELECT COUNT(*) AS number, COALESCE(SUM(debit - credit), 0) AS balance
              FROM subledger_entry AS entry
             WHERE entry.company_id = head.company_id
               AND COALESCE(entry.partner_id, 0) = COALESCE(head.partner_id, 0)
               AND entry.account_id = head.account_id
               AND entry.number IS NOT NULL
           ) AS sealed ON TRUE
     WHERE head.company_id = ANY(%(companies)s)
       AND (head.last_number <> sealed.number
            OR head.sealed_balance <> sealed.balance)
"""
