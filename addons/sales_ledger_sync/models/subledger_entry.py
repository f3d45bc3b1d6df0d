from odoo import api, fields, models
from odoo.tools import SQL

from ..fields import KeylessMany2one

TRANSACTION_TYPES = [
    ("sale", "Sale"),
    ("sale_refund", "Sale Refund"),
    ("purchase", "Purchase"),
    ("purchase_refund", "Purchase Refund"),
    ("payment", "Payment"),
    ("exchange_difference", "Exchange Difference"),
    ("pos", "Point of Sale"),
    ("opening", "Opening"),
    ("transfer", "Transfer"),
    ("adjustment", "Adjustment"),
    ("reversal", "Reversal"),
]


class SubledgerEntry(models.Model):
    """One row per posted receivable or payable journal item and per reversal.

    Append-only: rows are inserted by ``subledger.sync`` and sealed, once, by
    ``subledger.account``. The ORM refuses everybody else, and a trigger refuses
    UPDATE, DELETE and TRUNCATE from any client of the database.
    """

    _name = "subledger.entry"
    _description = "Subledger Entry"
    _inherit = ["subledger.kept.mixin"]
    _order = "id desc"
    _rec_name = "reference"
    _rec_names_search = ["reference", "description", "partner_name"]
    _allow_sudo_commands = False
    # A row is never rewritten: it has a creation, and no last write.
    _log_access = False

    # Checking two foreign keys of every row is a third of the time it takes to insert
    # it. The keys of the heads hold the company, a currency in use refuses to go.
    company_id = KeylessMany2one("res.company", required=True, readonly=True)
    company_currency_id = fields.Many2one(
        "res.currency", related="company_id.currency_id", string="Company Currency"
    )
    partner_id = KeylessMany2one(
        "res.partner",
        string="Partner",
        readonly=True,
        help="Commercial entity at the time of the entry; empty for journal items "
        "without a partner.",
    )
    partner_name = fields.Char(
        readonly=True, help="Name of the partner when the entry was made."
    )
    account_id = KeylessMany2one(
        "account.account",
        string="Control Account",
        required=True,
        readonly=True,
        help="Receivable or payable account of the journal item.",
    )
    ledger = fields.Selection(
        [("customer", "Customer"), ("supplier", "Supplier")],
        required=True,
        readonly=True,
    )
    date = fields.Date(
        required=True,
        readonly=True,
        help="Accounting date. A reversal carries the date of what it reverses.",
    )
    date_maturity = fields.Date(string="Due Date", readonly=True)
    transaction_type = fields.Selection(TRANSACTION_TYPES, required=True, readonly=True)
    debit = fields.Monetary(
        currency_field="company_currency_id",
        required=True,
        readonly=True,
        help="In company currency.",
    )
    credit = fields.Monetary(
        currency_field="company_currency_id",
        required=True,
        readonly=True,
        help="In company currency.",
    )
    currency_id = KeylessMany2one("res.currency", required=True, readonly=True)
    amount_currency = fields.Monetary(
        required=True,
        readonly=True,
        help="Debit minus credit in the currency of the journal item.",
    )
    reference = fields.Char(
        readonly=True, help="Number of the document when the entry was made."
    )
    description = fields.Char(readonly=True)
    move_id = KeylessMany2one("account.move", string="Journal Entry", readonly=True)
    move_line_id = KeylessMany2one(
        "account.move.line", string="Journal Item", readonly=True
    )
    event = fields.Selection(
        [("entry", "Entry"), ("reversal", "Reversal")], required=True, readonly=True
    )
    version = fields.Integer(
        required=True,
        readonly=True,
        help="First, second, ... state of the same journal item in the ledger.",
    )
    reversal_of_id = KeylessMany2one(
        "subledger.entry", string="Reversal Of", readonly=True
    )
    origin = fields.Selection(
        [("live", "Live"), ("backfill", "Backfill"), ("repair", "Repair")],
        required=True,
        readonly=True,
    )
    create_uid = KeylessMany2one("res.users", string="Created by", readonly=True)
    create_date = fields.Datetime(string="Created on", readonly=True)

    number = fields.Integer(
        readonly=True,
        aggregator=None,
        help="Gapless within the subledger account, in commit order; set by sealing.",
    )
    balance_after = fields.Monetary(
        currency_field="company_currency_id",
        readonly=True,
        aggregator=None,
        help="Balance of the subledger account after this entry, debit minus "
        "credit in company currency; set by sealing.",
    )
    hash = fields.Char(
        readonly=True,
        help="SHA-256 over the entry and the hash before it; set by sealing.",
    )

    balance = fields.Monetary(
        compute="_compute_balance",
        currency_field="company_currency_id",
        help="Debit minus credit, in company currency.",
    )
    reversed_by_id = fields.Many2one(
        "subledger.entry", compute="_compute_reversed_by_id", string="Reversed By"
    )
    is_reversed = fields.Boolean(
        compute="_compute_reversed_by_id", search="_search_is_reversed"
    )
    is_sealed = fields.Boolean(compute="_compute_is_sealed", search="_search_is_sealed")
    amount_residual = fields.Monetary(
        compute="_compute_amount_residual",
        search="_search_amount_residual",
        currency_field="company_currency_id",
        help="What is still open of the journal item, debit minus credit in company "
        "currency. Zero for a reversal and for what was reversed.",
    )
    status = fields.Selection(
        [
            ("open", "Open"),
            ("partially_paid", "Partially Paid"),
            ("paid", "Paid"),
        ],
        compute="_compute_amount_residual",
        search="_search_status",
    )
    is_overdue = fields.Boolean(
        compute="_compute_is_overdue",
        search="_search_is_overdue",
        help="Open and due before today.",
    )

    _positive_amounts = models.Constraint(
        "CHECK (debit >= 0 AND credit >= 0 AND (debit = 0 OR credit = 0))",
        "A subledger entry has a debit or a credit, and neither is negative.",
    )
    _reversal_names_its_entry = models.Constraint(
        "CHECK ((event = 'reversal') = (reversal_of_id IS NOT NULL))",
        "A reversal names the entry it reverses.",
    )
    _sealed_at_once = models.Constraint(
        "CHECK ((number IS NULL) = (balance_after IS NULL)"
        " AND (number IS NULL) = (hash IS NULL) AND number > 0)",
        "Number, running balance and hash are set together.",
    )
    # Exactly once: the business key of an entry and of its reversal.
    # Half-filled pages (fillfactor), here and of the primary key: sealing writes each
    # row a second time, and what is inserted in order leaves room for that.
    _business_key = models.UniqueIndex(
        "(move_line_id, event, version) WITH (fillfactor = 50)"
        " WHERE move_line_id IS NOT NULL",
        "This journal item is in the subledger already.",
    )
    _opening_key = models.UniqueIndex(
        "(company_id, (COALESCE(partner_id, 0)), account_id, event, version)"
        " WHERE move_line_id IS NULL",
        "This subledger account has its opening entry already.",
    )
    _reversed_once = models.UniqueIndex(
        "(reversal_of_id) WHERE reversal_of_id IS NOT NULL",
        "This subledger entry is reversed already.",
    )
    # Gapless order, and the ledger of a partner as screens and reports list it.
    _number_order = models.UniqueIndex(
        "(partner_id, company_id, account_id, number)",
        "This number is taken in the subledger account.",
    )
    # The same for the bucket without partner: there NULLs are all different.
    _number_order_no_partner = models.UniqueIndex(
        "(company_id, account_id, number) WHERE partner_id IS NULL",
        "This number is taken in the subledger account.",
    )
    # The unsealed tail, short at all times: balances add it, sealing empties it.
    _unsealed_tail = models.Index(
        "(company_id, (COALESCE(partner_id, 0)), account_id, id) WHERE number IS NULL"
    )
    # From a document to its entries, also after its items are gone.
    _move = models.Index("(move_id) WITH (fillfactor = 50)")

    @api.model
    def _hash_payload_sql(self, alias, number=None, balance_after=None):
        """SQL of the canonical text that an entry contributes to its hash.

        Everything the row says, in a form that no session setting changes:
        numbers without trailing zeros, ISO dates, ids, quoted texts. The hash is
        ``'1$' || hex(sha256(previous hash || payload))``, with an empty previous
        hash for the first number of a subledger account.

        :param str alias: alias of subledger_entry in the query
        :param SQL number: expression instead of the column, while sealing
        :param SQL balance_after: expression instead of the column, while sealing
        :rtype: SQL
        """

        # One call of one function: PostgreSQL looks up each operator of a statement
        # whenever it plans it, and that is most of what sealing an entry costs.
        return SQL(
            """concat(
                %(entry)s.id, '|', %(number)s, '|', %(entry)s.company_id, '|',
                %(entry)s.partner_id, '|', %(entry)s.account_id, '|',
                %(entry)s.ledger, '|', to_char(%(entry)s.date, 'YYYY-MM-DD'), '|',
                to_char(%(entry)s.date_maturity, 'YYYY-MM-DD'), '|',
                %(entry)s.transaction_type, '|', trim_scale(%(entry)s.debit), '|',
                trim_scale(%(entry)s.credit), '|', %(entry)s.currency_id, '|',
                trim_scale(%(entry)s.amount_currency), '|',
                trim_scale(%(balance_after)s), '|', %(entry)s.move_id, '|',
                %(entry)s.move_line_id, '|', %(entry)s.event, '|',
                %(entry)s.version, '|', %(entry)s.reversal_of_id, '|',
                %(entry)s.origin, '|', %(entry)s.create_uid, '|',
                to_char(%(entry)s.create_date, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '|',
                quote_nullable(%(entry)s.partner_name), '|',
                quote_nullable(%(entry)s.reference), '|',
                quote_nullable(%(entry)s.description))""",
            entry=SQL.identifier(alias),
            number=number or SQL.identifier(alias, "number"),
            balance_after=balance_after or SQL.identifier(alias, "balance_after"),
        )

    # ------------------------------------------------------------------
    # Computed, never stored
    # ------------------------------------------------------------------

    @api.depends("debit", "credit")
    def _compute_balance(self):
        for entry in self:
            entry.balance = entry.debit - entry.credit

    def _compute_reversed_by_id(self):
        # Whoever may read the entry may know that it was reversed.
        reversals = self.sudo().search([("reversal_of_id", "in", self.ids)])
        by_entry = {reversal.reversal_of_id.id: reversal.id for reversal in reversals}
        for entry in self:
            entry.reversed_by_id = by_entry.get(entry.id, False)
            entry.is_reversed = entry.id in by_entry

    @api.depends("number")
    def _compute_is_sealed(self):
        for entry in self:
            entry.is_sealed = bool(entry.number)

    @api.model
    def _live_sql(self, alias):
        """SQL condition: an entry that is no reversal and was not reversed."""
        return SQL(
            """(%(event)s = 'entry' AND NOT EXISTS (
                SELECT FROM subledger_entry AS its_reversal
                 WHERE its_reversal.reversal_of_id = %(id)s))""",
            event=SQL.identifier(alias, "event"),
            id=SQL.identifier(alias, "id"),
        )

    @api.model
    def _get_refusal(self):
        return self.env._(
            "Subledger entries are written by the system and are never changed or "
            "deleted. Correct the journal entry instead: the ledger follows with a "
            "reversal and a new entry."
        )
