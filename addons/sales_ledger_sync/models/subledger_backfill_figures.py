from odoo import fields, models
from odoo.tools import SQL

from ..fields import KeylessMany2one
from .subledger_entry import TRANSACTION_TYPES

# Where the last step of a backfill keeps the items that stand out.
KEPT = SQL("SELECT * FROM subledger_standing_out")


class SubledgerBackfillBalance(models.Model):
    """One partner on one control account, before and after a backfill."""

    _name = "subledger.backfill.balance"
    _description = "Subledger Backfill: Balance"
    _order = "difference desc, partner_name, id"
    _rec_name = "partner_name"
    _log_access = False

    backfill_id = fields.Many2one(
        "subledger.backfill", required=True, readonly=True, ondelete="cascade"
    )
    company_currency_id = fields.Many2one(related="backfill_id.company_currency_id")
    partner_id = KeylessMany2one("res.partner", string="Partner", readonly=True)
    partner_name = fields.Char(readonly=True)
    account_id = KeylessMany2one(
        "account.account", string="Control Account", readonly=True
    )
    entry_count = fields.Integer(
        string="Entries to Write",
        readonly=True,
        help="New entries and reversals together.",
    )
    ledger_balance = fields.Monetary(
        string="Ledger Now", currency_field="company_currency_id", readonly=True
    )
    to_write = fields.Monetary(
        string="To Be Written", currency_field="company_currency_id", readonly=True
    )
    general_ledger = fields.Monetary(
        currency_field="company_currency_id", readonly=True
    )
    difference = fields.Monetary(
        currency_field="company_currency_id",
        readonly=True,
        help="General ledger less ledger and what is to be written: items that stay "
        "out of the ledger, listed with their reason.",
    )

    _backfill = models.Index("(backfill_id)")


class SubledgerBackfillType(models.Model):
    """How many entries of one kind a backfill writes."""

    _name = "subledger.backfill.type"
    _description = "Subledger Backfill: Entries by Type"
    _order = "id"
    _rec_name = "transaction_type"
    _log_access = False

    backfill_id = fields.Many2one(
        "subledger.backfill", required=True, readonly=True, ondelete="cascade"
    )
    company_currency_id = fields.Many2one(related="backfill_id.company_currency_id")
    transaction_type = fields.Selection(TRANSACTION_TYPES, readonly=True)
    entry_count = fields.Integer(string="Entries to Write", readonly=True)
    balance = fields.Monetary(
        currency_field="company_currency_id",
        readonly=True,
        help="Debit minus credit, in company currency.",
    )

    _backfill = models.Index("(backfill_id)")


class SubledgerBackfillUnmatched(models.Model):
    """Items of an account that a backfill leaves out or sets apart, and why."""

    _name = "subledger.backfill.unmatched"
    _description = "Subledger Backfill: Unmatched Items"
    _order = "id"
    _rec_name = "reason"
    _log_access = False

    backfill_id = fields.Many2one(
        "subledger.backfill", required=True, readonly=True, ondelete="cascade"
    )
    company_currency_id = fields.Many2one(related="backfill_id.company_currency_id")
    reason = fields.Selection(
        [
            ("no_partner", "No partner: kept apart, under no partner"),
            ("manual", "Manual entry without a source document: left out"),
            ("history", "Before the start date: left out"),
            ("non_trade", "Account that is not for trade: left out"),
        ],
        readonly=True,
    )
    account_id = KeylessMany2one("account.account", string="Account", readonly=True)
    item_count = fields.Integer(string="Journal Items", readonly=True)
    balance = fields.Monetary(
        currency_field="company_currency_id",
        readonly=True,
        help="Debit minus credit, in company currency.",
    )

    _backfill = models.Index("(backfill_id)")


class SubledgerBackfill(models.Model):
    """What a backfill would write, and what it leaves out, in three tables.

    Asked of the engine itself under the settings that the backfill would make, so that
    the preview cannot promise anything else than what the job does.
    """

    _inherit = "subledger.backfill"

    def _write_figures(self, compare=True):
        """Fill the three tables of figures anew.

        :param bool compare: ask the engine what is to be written; not after a run,
            which has just left nothing, and has kept what stands out
        """
        self.ensure_one()
        self.env["subledger.sync"]._flush_what_is_read()
        self.env["account.move.line"].flush_model(
            ["company_id", "date", "parent_state"]
        )
        for model in (
            "subledger.backfill.balance",
            "subledger.backfill.type",
            "subledger.backfill.unmatched",
        ):
            self._clear_figures(model)
        draft = self._under_own_settings()
        self.env.cr.execute(draft._balances_query(compare))
        draft._write_unmatched(draft._standing_out_sql() if compare else KEPT)
        self.invalidate_recordset(["balance_ids", "type_ids", "unmatched_ids"])
        # Figures are the system's; the caller has checked the rights.
        self.sudo().preview_date = fields.Datetime.now()

    def _clear_figures(self, model):
        table = SQL.identifier(self.env[model]._table)
        self.env.cr.execute(
            SQL("DELETE FROM %s WHERE backfill_id = %s", table, self.id)
        )
        self.env[model].invalidate_model()

    # ------------------------------------------------------------------
    # Per partner and account, and by type
    # ------------------------------------------------------------------

    def _balances_query(self, compare):
        """One statement, so that both tables tell of the same moment."""
        return SQL(
            """
            WITH difference AS MATERIALIZED (%(difference)s),
            opening AS MATERIALIZED (%(opening)s),
            written AS (%(written)s),
            by_type AS (
                INSERT INTO subledger_backfill_type
                       (backfill_id, transaction_type, entry_count, balance)
                SELECT %(backfill)s, transaction_type, COUNT(*), SUM(amount)
                  FROM written
              GROUP BY transaction_type
              ORDER BY transaction_type
            ),
            side AS (%(sides)s)
            INSERT INTO subledger_backfill_balance
                   (backfill_id, partner_id, partner_name, account_id, entry_count,
                    ledger_balance, to_write, general_ledger, difference)
            SELECT %(backfill)s, side.partner_id, MIN(partner.name), account_id,
                   SUM(entries), SUM(ledger), SUM(to_write), SUM(general),
                   SUM(general - ledger - to_write)
              FROM side
              LEFT JOIN res_partner AS partner ON partner.id = side.partner_id
          GROUP BY side.partner_id, account_id
            """,
            backfill=self.id,
            difference=self._difference_sql(compare),
            opening=self.env["subledger.verify"]._opening_difference_sql(
                self.company_id.ids
            ),
            written=self._written_sql(),
            sides=self._sides_sql(),
        )

    def _difference_sql(self, compare):
        sync = self.env["subledger.sync"]
        nothing = SQL("SELECT NULL::int AS move_line_id WHERE FALSE")
        everything = sync._candidates_of_companies(self.company_id.ids)
        return sync._difference_query(everything if compare else nothing)

    def _written_sql(self):
        """One row per entry to be written: partner, account, type, amount."""
        sync = self.env["subledger.sync"]
        return SQL(
            """
            SELECT %(owner)s AS partner_id, line.account_id, line.balance AS amount,
                   CASE WHEN is_transfer THEN 'transfer'
                        ELSE COALESCE(%(source)s, 'adjustment') END
                       AS transaction_type
              FROM (SELECT move_line_id, is_transfer FROM difference
                     WHERE difference <> 'superfluous') AS candidate
              %(joins)s
             UNION ALL
            SELECT entry.partner_id, entry.account_id, entry.credit - entry.debit,
                   'reversal'
              FROM difference
              JOIN subledger_entry AS entry ON entry.id = difference.entry_id
             UNION ALL
            SELECT partner_id, account_id, -actual, 'reversal' FROM opening
             WHERE actual <> 0
             UNION ALL
            SELECT partner_id, account_id, expected, 'opening' FROM opening
             WHERE expected <> 0
            """,
            source=sync._source_type_sql(),
            owner=sync._owner_sql(),
            joins=sync._item_joins_sql(),
        )

    def _sides_sql(self):
        """General ledger, ledger and what is to be written, side by side."""
        return SQL(
            """
            SELECT partner_id, account_id, COUNT(*) AS entries, 0.0 AS ledger,
                   SUM(amount) AS to_write, 0.0 AS general
              FROM written
          GROUP BY partner_id, account_id
             UNION ALL
            SELECT partner_id, account_id, 0, balance, 0.0, 0.0
              FROM %(balances)s AS head
             UNION ALL
            SELECT partner.commercial_partner_id, line.account_id, 0, 0.0, 0.0,
                   SUM(line.balance)
              FROM account_move_line AS line
              JOIN account_account AS account ON account.id = line.account_id
              LEFT JOIN res_partner AS partner ON partner.id = line.partner_id
             WHERE line.company_id = %(company)s AND line.parent_state = 'posted'
               AND %(trade)s
          GROUP BY partner.commercial_partner_id, line.account_id
            """,
            company=self.company_id.id,
            balances=self.env["subledger.account"]._balance_table(self.company_id),
            trade=self.env["subledger.sync"]._trade_condition("account"),
        )

    # ------------------------------------------------------------------
    # What is left out, or set apart
    # ------------------------------------------------------------------

    def _write_unmatched(self, standing_out):
        """A few sums of all items: read first, because PostgreSQL uses several
        processors for a query, and one for what is inserted from a query."""
        sums = self.env.execute_query(self._unmatched_query(standing_out))
        rows = [SQL("%s", (self.id, *row)) for row in sums]
        if rows:
            self.env.cr.execute(
                SQL(
                    """INSERT INTO subledger_backfill_unmatched
                              (backfill_id, reason, account_id, item_count, balance)
                       VALUES %s""",
                    SQL(", ").join(rows),
                )
            )

    def _unmatched_query(self, standing_out):
        return SQL(
            """
            SELECT reason, account_id, COUNT(*), SUM(balance)
              FROM (SELECT COALESCE(left_out, CASE WHEN is_nobody THEN 'no_partner' END)
                           AS reason, account_id, balance
                      FROM (%s) AS item) AS item
             WHERE reason IS NOT NULL
          GROUP BY reason, account_id
          ORDER BY reason, account_id
            """,
            self._classified_items_sql(standing_out),
        )

    def _classified_items_sql(self, standing_out):
        """Posted receivable and payable items that stand out: whether their entry is
        missing, or why there should be none."""
        sync = self.env["subledger.sync"]
        return SQL(
            """
            SELECT line.id AS move_line_id, line.account_id, line.balance,
                   CASE WHEN NOT %(trade)s THEN 'non_trade'
                        WHEN has_entry OR (NOT %(since)s
                             AND company.subledger_history = 'opening') THEN NULL
                        WHEN NOT %(since)s THEN 'history'
                        WHEN NOT %(policy)s THEN 'manual'
                        END AS left_out,
                   NOT has_entry AND %(trade)s AND %(since)s AND %(policy)s
                       AS is_missing,
                   line.partner_id IS NULL AND %(trade)s AS is_nobody
              FROM (%(standing_out)s) AS candidate
              %(joins)s
             WHERE line.parent_state = 'posted'
            """,
            standing_out=standing_out,
            joins=sync._item_joins_sql(),
            trade=sync._trade_condition("account"),
            since=sync._since_condition(),
            policy=sync._policy_condition(),
        )

    def _standing_out_sql(self):
        """Items without entry or without partner, and entries that are not of a posted
        item of this control account and partner: few, so that all the rest of a long
        history is dealt with in one join."""
        return SQL(
            """
            SELECT COALESCE(item.id, known.move_line_id) AS move_line_id,
                   known.move_line_id IS NOT NULL AS has_entry,
                   %(is_astray)s AS is_astray
              FROM (SELECT line.id, line.account_id, contact.id AS contact_id,
                           COALESCE(contact.commercial_partner_id, contact.id)
                               AS partner_id,
                           CASE WHEN %(trade)s THEN %(ledger)s END AS ledger
                      FROM account_move_line AS line
                      JOIN account_account AS account ON account.id = line.account_id
                      LEFT JOIN res_partner AS contact ON contact.id = line.partner_id
                     WHERE line.company_id = %(company)s
                       AND line.parent_state = 'posted'
                       AND account.account_type
                           IN ('asset_receivable', 'liability_payable')) AS item
              FULL JOIN (
                    SELECT entry.move_line_id, entry.account_id, entry.partner_id,
                           entry.ledger
                      FROM subledger_entry AS entry
                     WHERE entry.company_id = %(company)s
                       AND entry.move_line_id IS NOT NULL AND %(live)s) AS known
                ON known.move_line_id = item.id
             WHERE known.move_line_id IS NULL OR item.contact_id IS NULL
                OR %(is_astray)s
            """,
            company=self.company_id.id,
            live=self.env["subledger.entry"]._live_sql("entry"),
            is_astray=SQL(
                """(known.move_line_id IS NOT NULL
                    AND (known.account_id, known.ledger, known.partner_id)
                        IS DISTINCT FROM
                        (item.account_id, item.ledger, item.partner_id))"""
            ),
            trade=self.env["subledger.sync"]._trade_condition("account"),
            ledger=self.env["subledger.sync"]._ledger_sql(),
        )
