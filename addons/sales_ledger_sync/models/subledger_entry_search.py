from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..searching import search_amount


class SubledgerEntry(models.Model):
    """Searches of the computed fields: open, overdue, reversed, sealed."""

    _inherit = "subledger.entry"

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
        def amount_sql(model, alias):
            return SQL(
                "(CASE WHEN %s THEN %s ELSE 0 END)",
                model._live_sql(alias),
                model._residual_sql(alias),
            )

        self.env["account.move.line"].flush_model(["amount_residual"])
        return search_amount(operator, value, amount_sql)

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
