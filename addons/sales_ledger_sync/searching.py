"""Searches of amounts that SQL computes."""

from odoo.fields import Domain
from odoo.tools import SQL

OPERATORS = {"in": "IN", "<": "<", ">": ">", "<=": "<=", ">=": ">="}


def search_amount(operator, value, amount_sql):
    """Return the domain of a search method for a computed amount.

    :param amount_sql: function of model and alias, the SQL of the amount
    """
    if operator not in OPERATORS:
        return NotImplemented
    value = tuple(value) if operator == "in" else value

    def to_sql(model, alias, query):
        comparison = SQL(OPERATORS[operator])
        return SQL("%s %s %s", amount_sql(model, alias), comparison, value)

    return Domain.custom(to_sql=to_sql)
