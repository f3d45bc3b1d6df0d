import operator as py_operator

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

# A credit note is never overdue: it lowers what the customer owes.
OVERDUE_MOVE_TYPES = ("out_invoice", "out_receipt", "in_invoice", "in_receipt")
COMPARISONS = {
    "<": (SQL("<"), py_operator.lt),
    "<=": (SQL("<="), py_operator.le),
    ">": (SQL(">"), py_operator.gt),
    ">=": (SQL(">="), py_operator.ge),
}


class AccountMove(models.Model):
    """When a document was paid, and how much of it is late.

    All four figures are read from journal items and their reconciliations when asked
    for, one query for any number of documents; nothing is stored that could grow old.
    """

    _inherit = "account.move"

    first_payment_date = fields.Date(
        compute="_compute_payment_dates",
        search="_search_first_payment_date",
        help="Date of the earliest payment reconciled with this document. Credit notes "
        "are not payments.",
    )
    last_payment_date = fields.Date(
        compute="_compute_payment_dates",
        search="_search_last_payment_date",
        help="Date of the latest payment reconciled with this document. Credit notes "
        "are not payments.",
    )
    amount_overdue = fields.Monetary(
        string="Overdue Amount",
        currency_field="company_currency_id",
        compute="_compute_overdue",
        search="_search_amount_overdue",
        help="What is still due of the instalments whose due date has passed, in "
        "company currency. Positive on customer invoices and on vendor bills; zero on "
        "credit notes.",
    )
    days_overdue = fields.Integer(
        compute="_compute_overdue",
        search="_search_days_overdue",
        help="Days since the due date of the oldest instalment that is not settled; "
        "zero if nothing is late.",
    )

    # === PAYMENT DATES ===

    # The residual changes with every reconciliation, so it stands for all of them.
    @api.depends("state", "line_ids.amount_residual")
    def _compute_payment_dates(self):
        dates = self._get_payment_dates()
        for move in self:
            first, last = dates.get(move._origin.id, (False, False))
            move.first_payment_date = first
            move.last_payment_date = last

    def _get_payment_dates(self):
        """Map the id of each paid document in ``self`` to its first and last date."""
        if not self._origin:
            return {}
        moves = SQL("due.move_id = ANY(%s)", self._origin.ids)
        rows = self.env.execute_query(self._get_payment_dates_query(moves))
        return {move_id: (first, last) for move_id, first, last in rows}

    @api.model
    def _get_payment_dates_query(self, condition):
        """Query (move_id, first_date, last_date) of the documents that were paid.

        :param SQL condition: restricts the items ``due`` of the documents
        """
        self.env["account.move.line"].flush_model()
        self.env["account.partial.reconcile"].flush_model()
        sides = SQL(" UNION ALL ").join(
            self._get_payment_side_query(due, paid, condition)
            for due, paid in (
                ("debit_move_id", "credit_move_id"),
                ("credit_move_id", "debit_move_id"),
            )
        )
        return SQL(
            """
            SELECT move_id, MIN(date) AS first_date, MAX(date) AS last_date
              FROM (%s) payment
          GROUP BY move_id
            """,
            sides,
        )

    @api.model
    def _get_payment_side_query(self, due, paid, condition):
        """One direction of reconciliation: items ``due`` met by payment items."""
        return SQL(
            """
            SELECT due.move_id, paid.date
              FROM account_partial_reconcile partial
              JOIN account_move_line due ON due.id = partial.%(due)s
              JOIN account_move_line paid ON paid.id = partial.%(paid)s
              JOIN account_account account ON account.id = due.account_id
              JOIN account_journal journal ON journal.id = paid.journal_id
             WHERE %(condition)s
               AND account.account_type IN ('asset_receivable', 'liability_payable')
               AND paid.parent_state = 'posted'
               AND (paid.payment_id IS NOT NULL
                    OR paid.statement_line_id IS NOT NULL
                    OR journal.type IN ('bank', 'cash', 'credit'))
            """,
            due=SQL.identifier(due),
            paid=SQL.identifier(paid),
            condition=condition,
        )

    def _search_first_payment_date(self, operator, value):
        return self._search_payment_date("first_date", operator, value)

    def _search_last_payment_date(self, operator, value):
        return self._search_payment_date("last_date", operator, value)

    @api.model
    def _search_payment_date(self, column, operator, value):
        table = self._get_payment_dates_query(SQL("TRUE"))
        return self._search_figure(table, column, operator, value, absent=None)

    # === OVERDUE ===

    @api.depends_context("tz")
    @api.depends(
        "state",
        "move_type",
        "line_ids.amount_residual",
        "line_ids.date_maturity",
        "line_ids.reconciled",
    )
    def _compute_overdue(self):
        overdue = self._get_overdue()
        today = fields.Date.context_today(self)
        for move in self:
            amount, oldest = overdue.get(move._origin.id, (0.0, today))
            move.amount_overdue = abs(amount)
            move.days_overdue = (today - oldest).days

    def _get_overdue(self):
        """Map the id of each late document to (company amount, oldest due date)."""
        # Whoever may read the document may read these two figures of it; salespeople
        # may not read journal items as such.
        line_model = self.env["account.move.line"].sudo()
        groups = line_model._read_group(
            self._get_overdue_domain() & Domain("move_id", "in", self._origin.ids),
            ["move_id"],
            ["amount_residual:sum", "date_maturity:min"],
        )
        return {move.id: (amount, oldest) for move, amount, oldest in groups}

    @api.model
    def _get_overdue_domain(self):
        """Domain of the journal items that are late today, for the user's day."""
        return Domain(
            [
                ("parent_state", "=", "posted"),
                ("account_type", "in", ("asset_receivable", "liability_payable")),
                ("move_id.move_type", "in", OVERDUE_MOVE_TYPES),
                ("reconciled", "=", False),
                ("date_maturity", "<", fields.Date.context_today(self)),
            ]
        )

    def _search_amount_overdue(self, operator, value):
        return self._search_overdue("amount", operator, value)

    def _search_days_overdue(self, operator, value):
        return self._search_overdue("days", operator, value)

    @api.model
    def _search_overdue(self, column, operator, value):
        # Sums over items the user may not read one by one; the outer search still
        # applies the user's rules to the documents.
        late = (
            self.env["account.move.line"]
            .sudo()
            ._search(self._get_overdue_domain())
            .select("account_move_line.id")
        )
        table = SQL(
            """
            SELECT line.move_id,
                   ABS(SUM(line.amount_residual)) AS amount,
                   %(today)s::date - MIN(line.date_maturity) AS days
              FROM account_move_line line
             WHERE line.id IN (%(late)s)
          GROUP BY line.move_id
            """,
            today=fields.Date.context_today(self),
            late=late,
        )
        return self._search_figure(table, column, operator, value, absent=0)

    # === SEARCH ===

    @api.model
    def _search_figure(self, table, column, operator, value, absent):
        """Domain of the documents whose figure compares to ``value``.

        :param SQL table: query with ``move_id`` and ``column``, for some documents
        :param absent: the figure of all documents that ``table`` leaves out
        """
        if operator == "in":
            values = set(value)
            wanted = [item for item in values if item is not False]
            condition = SQL("%s = ANY(%s)", SQL.identifier(column), wanted)
            others = absent in values or (absent is None and False in values)
            if not wanted:
                condition = SQL("FALSE")
        elif operator in COMPARISONS:
            sql_operator, compare = COMPARISONS[operator]
            condition = SQL("%s %s %s", SQL.identifier(column), sql_operator, value)
            others = absent is not None and compare(absent, value)
        else:
            return NotImplemented
        found = Domain("id", "in", self._select_moves(table, condition))
        if others:
            found |= Domain("id", "not in", self._select_moves(table, SQL("TRUE")))
        return found

    @api.model
    def _select_moves(self, table, condition):
        return SQL("(SELECT move_id FROM (%s) figure WHERE %s)", table, condition)
