from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..searching import search_amount

STATUSES = {"open", "partially_paid", "paid"}
# What of a journal item says how much of it is settled.
ITEM_FIELDS = (
    "amount_currency",
    "amount_residual",
    "amount_residual_currency",
    "balance",
)


class SubledgerEntry(models.Model):
    """Searches of the computed fields: open, overdue, reversed, sealed."""

    _inherit = "subledger.entry"

    def _search_is_sealed(self, operator, value):
        # Odoo asks for no false: it asks for not true.
        if operator not in ("in", "not in"):
            return NotImplemented
        asked = set(value) if operator == "in" else {True, False} - set(value)
        return Domain.OR(self._sealed_domain(sealed) for sealed in asked)

    @api.model
    def _sealed_domain(self, sealed):
        # In the words of the index of the unsealed tail: ("number", "=", False) asks
        # for zeros, too, and reads all entries.
        condition = SQL("IS NOT NULL") if sealed else SQL("IS NULL")

        def to_sql(model, alias, query):
            return SQL("%s %s", SQL.identifier(alias, "number"), condition)

        return Domain.custom(to_sql=to_sql)

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
        is_open = self._get_open_sql()

        def to_sql(model, alias, query):
            due = SQL(
                "COALESCE(%s, %s)",
                SQL.identifier(alias, "date_maturity"),
                SQL.identifier(alias, "date"),
            )
            return SQL("(%s < %s AND %s)", due, today, is_open(alias))

        return self._boolean_domain(operator, value, to_sql)

    @api.model
    def _boolean_domain(self, operator, value, to_sql):
        if operator != "in":
            return NotImplemented
        domain = Domain.custom(to_sql=to_sql)
        return Domain.OR(domain if wanted else ~domain for wanted in set(value))

    def _search_amount_residual(self, operator, value):
        def amount_sql(model, alias):
            return SQL(
                "(CASE WHEN %s THEN %s ELSE 0 END)",
                model._live_sql(alias),
                model._residual_sql(alias),
            )

        self._flush_items()
        return search_amount(operator, value, amount_sql)

    def _search_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        wanted = set(value) & STATUSES
        if "paid" in wanted:
            # Paid is what is not open in any way.
            return ~self._search_status("in", STATUSES - wanted)
        if not wanted:
            return Domain.FALSE
        is_open = self._get_open_sql(wanted)
        return Domain.custom(to_sql=lambda model, alias, query: is_open(alias))

    @api.model
    def _get_open_sql(self, wanted=frozenset({"open", "partially_paid"})):
        """What makes an entry open: it is live, and its item is not settled.

        Says so with nothing but AND where it can, and names the control accounts: then
        PostgreSQL may begin with the open items, which it has an index of, instead of
        looking up the item of every entry. Only opening entries have no item.

        :param wanted: 'open', 'partially_paid' or both
        :return: function of an alias of subledger_entry, the SQL condition
        """
        self._flush_items()
        self.env["account.account"].flush_model(["account_type", "non_trade"])
        [(accounts, with_openings)] = self.env.execute_query(
            SQL(
                """SELECT array_agg(account.id),
                          EXISTS (SELECT FROM subledger_entry
                                   WHERE move_line_id IS NULL)
                     FROM account_account AS account WHERE %s""",
                self.env["subledger.sync"]._trade_condition("account"),
            )
        )

        def to_sql(alias):
            line = SQL.identifier(alias, "move_line_id")
            condition = self._open_item_sql(line, accounts, wanted)
            if with_openings:
                condition = SQL(
                    "CASE WHEN %s IS NULL THEN %s = ANY(%s) ELSE %s END",
                    line,
                    self._opening_status_sql(alias),
                    list(wanted),
                    condition,
                )
            return SQL("(%s AND %s)", self._live_sql(alias), condition)

        return to_sql

    @api.model
    def _open_item_sql(self, line, accounts, wanted):
        condition = SQL("item.reconciled IS NOT TRUE")
        if len(wanted) == 1:
            untouched = self._untouched_item_sql()
            only = SQL("AND") if "open" in wanted else SQL("AND NOT")
            condition = SQL("%s %s %s", condition, only, untouched)
        return SQL(
            """EXISTS (SELECT FROM account_move_line AS item
                        WHERE item.id = %s AND item.account_id = ANY(%s) AND %s)""",
            line,
            accounts or [],
            condition,
        )

    @api.model
    def _flush_items(self):
        self.env["account.move.line"].flush_model(
            ["account_id", *ITEM_FIELDS, "reconciled"]
        )
