from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
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
# What sealing writes, once; every other column is written by INSERT only.
SEAL_COLUMNS = ("number", "balance_after", "hash")
# Written into every hash, so that a later format can stand beside this one.
HASH_VERSION = "1"


class SubledgerEntry(models.Model):
    """One row per posted receivable or payable journal item and per reversal.

    Append-only: rows are inserted by ``subledger.sync`` and sealed, once, by
    ``subledger.account``. The ORM refuses everybody else, and a trigger refuses
    UPDATE, DELETE and TRUNCATE from any client of the database.
    """

    _name = "subledger.entry"
    _description = "Subledger Entry"
    _order = "id desc"
    _rec_name = "reference"
    _rec_names_search = ["reference", "description", "partner_name"]
    _allow_sudo_commands = False
    # A row is never rewritten: it has a creation, and no last write.
    _log_access = False

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="restrict"
    )
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
    currency_id = fields.Many2one(
        "res.currency", required=True, readonly=True, ondelete="restrict"
    )
    amount_currency = fields.Monetary(
        required=True,
        readonly=True,
        help="Debit minus credit in the currency of the journal item.",
    )
    reference = fields.Char(readonly=True, help="Number of the document.")
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
    _business_key = models.UniqueIndex(
        "(move_line_id, event, version) WHERE move_line_id IS NOT NULL",
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
    # Reports by company and period.
    _company_date = models.Index("(company_id, date)")
    # From a document to its entries, also after its items are gone.
    _move = models.Index("(move_id)")

    # ------------------------------------------------------------------
    # Database guards
    # ------------------------------------------------------------------

    def init(self):
        res = super().init()
        self._create_guard_function()
        self._create_guard_triggers()
        self._create_chain_aggregate()
        # Sealing moves every row once: without an early vacuum the index of the
        # unsealed tail, which every balance reads, fills with dead rows.
        self.env.cr.execute(
            """
            ALTER TABLE subledger_entry SET (
                autovacuum_vacuum_scale_factor = 0.02,
                autovacuum_analyze_scale_factor = 0.02)
            """
        )
        return res

    def _create_guard_function(self):
        # Class 23 errors reach the user as a message; the default class would
        # be an HTTP 500.
        self.env.cr.execute(
            """
            CREATE OR REPLACE FUNCTION subledger_entry_refuse() RETURNS trigger
            LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION
                    'Subledger entries are append-only: % refused.', TG_OP
                    USING ERRCODE = 'restrict_violation',
                          HINT = 'Correct the journal entry; the ledger follows '
                                 'with a reversal and a new entry.';
            END $$
            """
        )

    def _create_guard_triggers(self):
        # Only NULL -> value of the sealing columns may pass, and only once.
        # The column list comes from the catalogue: a column added later is
        # guarded from the update that adds it on.
        changed = SQL(" OR ").join(
            SQL(
                "OLD.%(column)s IS DISTINCT FROM NEW.%(column)s",
                column=SQL.identifier(column),
            )
            for column in self._get_guarded_columns()
        )
        for name, definition in (
            (
                "subledger_entry_no_update",
                SQL(
                    "BEFORE UPDATE ON subledger_entry FOR EACH ROW WHEN "
                    "(OLD.number IS NOT NULL OR %s)",
                    changed,
                ),
            ),
            (
                "subledger_entry_no_delete",
                SQL("BEFORE DELETE ON subledger_entry FOR EACH ROW"),
            ),
            (
                "subledger_entry_no_truncate",
                SQL("BEFORE TRUNCATE ON subledger_entry FOR EACH STATEMENT"),
            ),
        ):
            trigger = SQL.identifier(name)
            self.env.cr.execute(
                SQL("DROP TRIGGER IF EXISTS %s ON subledger_entry", trigger)
            )
            self.env.cr.execute(
                SQL(
                    "CREATE TRIGGER %s %s EXECUTE FUNCTION subledger_entry_refuse()",
                    trigger,
                    definition,
                )
            )
            # ALWAYS: also in a session that plays a replica (restore, populate).
            self.env.cr.execute(
                SQL("ALTER TABLE subledger_entry ENABLE ALWAYS TRIGGER %s", trigger)
            )

    def _get_guarded_columns(self):
        rows = self.env.execute_query(
            SQL(
                """
                SELECT attname FROM pg_attribute
                 WHERE attrelid = 'subledger_entry'::regclass
                   AND attnum > 0 AND NOT attisdropped
                   AND attname <> ALL(%s)
              ORDER BY attnum
                """,
                list(SEAL_COLUMNS),
            )
        )
        return [column for (column,) in rows]

    def _create_chain_aggregate(self):
        # As a window aggregate it chains a whole batch in one statement.
        self.env.cr.execute(
            """
            CREATE OR REPLACE FUNCTION subledger_chain_step(
                state text, seed text, payload text
            ) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
            BEGIN
                RETURN '1$' || encode(sha256(convert_to(
                    COALESCE(state, seed, '') || payload, 'UTF8')), 'hex');
            END $$
            """
        )
        self.env.cr.execute(
            """
            DO $$
            BEGIN
                CREATE AGGREGATE subledger_chain(text, text) (
                    SFUNC = subledger_chain_step, STYPE = text
                );
            EXCEPTION WHEN duplicate_function THEN NULL;
            END $$
            """
        )

    @api.model
    def _drop_database_objects(self):
        """Remove what dropping the table leaves behind; for uninstallation."""
        self.env.cr.execute(
            """
            DROP AGGREGATE IF EXISTS subledger_chain(text, text);
            DROP FUNCTION IF EXISTS subledger_chain_step(text, text, text);
            DROP FUNCTION IF EXISTS subledger_entry_refuse() CASCADE;
            """
        )

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

        def column(name):
            return SQL.identifier(alias, name)

        def text(expression):
            return SQL("COALESCE((%s)::text, '')", expression)

        numbers = (
            column("id"),
            number or column("number"),
            column("company_id"),
            column("partner_id"),
            column("account_id"),
            column("ledger"),
            SQL("to_char(%s, 'YYYY-MM-DD')", column("date")),
            SQL("to_char(%s, 'YYYY-MM-DD')", column("date_maturity")),
            column("transaction_type"),
            SQL("trim_scale(%s)", column("debit")),
            SQL("trim_scale(%s)", column("credit")),
            column("currency_id"),
            SQL("trim_scale(%s)", column("amount_currency")),
            SQL("trim_scale(%s)", balance_after or column("balance_after")),
            column("move_id"),
            column("move_line_id"),
            column("event"),
            column("version"),
            column("reversal_of_id"),
            column("origin"),
            column("create_uid"),
            SQL("""to_char(%s, 'YYYY-MM-DD"T"HH24:MI:SS.US')""", column("create_date")),
        )
        texts = (column("partner_name"), column("reference"), column("description"))
        return SQL(" || '|' || ").join(
            [text(number) for number in numbers]
            + [SQL("quote_nullable(%s)", name) for name in texts]
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

    def _compute_amount_residual(self):
        residuals = self._get_residuals()
        for entry in self:
            residual, amount = residuals.get(entry.id, (0.0, 0.0))
            entry.amount_residual = residual
            if not residual:
                entry.status = "paid"
            else:
                entry.status = "open" if residual == amount else "partially_paid"

    @api.depends("date_maturity")
    def _compute_is_overdue(self):
        today = fields.Date.context_today(self)
        for entry in self:
            due = entry.date_maturity or entry.date
            entry.is_overdue = entry.status != "paid" and due and due < today

    def _get_residuals(self):
        """Open amount and full amount of the live entries among ``self``.

        :return: ``{entry id: (residual, debit - credit)}``, company currency
        """
        self.env["account.move.line"].flush_model(["amount_residual"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT entry.id, line_residual.amount, entry.debit - entry.credit
                  FROM subledger_entry AS entry
                 CROSS JOIN LATERAL (SELECT %(residual)s AS amount) line_residual
                 WHERE entry.id = ANY(%(ids)s) AND %(live)s
                """,
                residual=self._residual_sql("entry"),
                live=self._live_sql("entry"),
                ids=list(self.ids),
            )
        )
        return {entry: (residual, amount) for entry, residual, amount in rows}

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
    def _residual_sql(self, alias):
        """SQL of the open amount of a live entry; an opening has no item and
        stays open in full."""
        return SQL(
            """(CASE WHEN %(line)s IS NULL THEN %(debit)s - %(credit)s
                ELSE COALESCE((SELECT item.amount_residual
                                 FROM account_move_line AS item
                                WHERE item.id = %(line)s), 0) END)""",
            line=SQL.identifier(alias, "move_line_id"),
            debit=SQL.identifier(alias, "debit"),
            credit=SQL.identifier(alias, "credit"),
        )

    # ------------------------------------------------------------------
    # Searches of computed fields
    # ------------------------------------------------------------------

    def _search_is_sealed(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(
            Domain("number", "!=" if sealed else "=", False) for sealed in set(value)
        )

    def _search_is_reversed(self, operator, value):
        def to_sql(model, alias, query):
            return SQL(
                """EXISTS (SELECT FROM subledger_entry AS its_reversal
                            WHERE its_reversal.reversal_of_id = %s)""",
                SQL.identifier(alias, "id"),
            )

        return self._boolean_domain(operator, value, to_sql)

    def _search_is_overdue(self, operator, value):
        today = fields.Date.context_today(self)

        def to_sql(model, alias, query):
            due = SQL(
                "COALESCE(%s, %s)",
                SQL.identifier(alias, "date_maturity"),
                SQL.identifier(alias, "date"),
            )
            return SQL("(%s < %s AND %s)", due, today, model._open_sql(alias))

        self.env["account.move.line"].flush_model(["amount_residual"])
        return self._boolean_domain(operator, value, to_sql)

    @api.model
    def _boolean_domain(self, operator, value, to_sql):
        if operator != "in":
            return NotImplemented
        domain = Domain.custom(to_sql=to_sql)
        return Domain.OR(domain if wanted else ~domain for wanted in set(value))

    def _search_amount_residual(self, operator, value):
        operators = {"in": "IN", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
        if operator not in operators:
            return NotImplemented
        value = tuple(value) if operator == "in" else value
        comparison = SQL(operators[operator])

        def to_sql(model, alias, query):
            return SQL(
                "(CASE WHEN %s THEN %s ELSE 0 END) %s %s",
                model._live_sql(alias),
                model._residual_sql(alias),
                comparison,
                value,
            )

        self.env["account.move.line"].flush_model(["amount_residual"])
        return Domain.custom(to_sql=to_sql)

    def _search_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        wanted = set(value) & {"open", "partially_paid", "paid"}
        self.env["account.move.line"].flush_model(["amount_residual"])

        def to_sql(model, alias, query):
            is_full = SQL(
                "%s = %s - %s",
                model._residual_sql(alias),
                SQL.identifier(alias, "debit"),
                SQL.identifier(alias, "credit"),
            )
            status = {
                "open": SQL("(%s AND %s)", model._open_sql(alias), is_full),
                "partially_paid": SQL(
                    "(%s AND NOT (%s))", model._open_sql(alias), is_full
                ),
                "paid": SQL("(NOT %s)", model._open_sql(alias)),
            }
            return SQL(" OR ").join(status[state] for state in sorted(wanted))

        return Domain.custom(to_sql=to_sql) if wanted else Domain.FALSE

    @api.model
    def _open_sql(self, alias):
        """SQL condition: a live entry that is not settled."""
        return SQL("(%s AND %s <> 0)", self._live_sql(alias), self._residual_sql(alias))

    # ------------------------------------------------------------------
    # Refusals
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # For everybody, sudo included.
        if vals_list:
            raise UserError(self._get_refusal())
        return super().create(vals_list)

    def write(self, vals):
        # For everybody, sudo included.
        if vals:
            raise UserError(self._get_refusal())
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self._get_refusal())

    @api.model
    def _get_refusal(self):
        return self.env._(
            "Subledger entries are written by the system and are never changed or "
            "deleted. Correct the journal entry instead: the ledger follows with a "
            "reversal and a new entry."
        )
