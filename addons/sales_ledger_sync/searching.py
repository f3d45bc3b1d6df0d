"""Searches of amounts that SQL computes, and sorting by them."""

import operator as py_operator

from odoo.fields import Domain
from odoo.tools import SQL

OPERATORS = {
    "in": (SQL("IN"), lambda amount, amounts: amount in amounts),
    "<": (SQL("<"), py_operator.lt),
    "<=": (SQL("<="), py_operator.le),
    ">": (SQL(">"), py_operator.gt),
    ">=": (SQL(">="), py_operator.ge),
}


def search_amount(operator, value, amount_sql):
    """Return the domain of a search method for a computed amount.

    :param amount_sql: function of model and alias, the SQL of the amount
    """
    if operator not in OPERATORS:
        return NotImplemented
    comparison, _compare, operand = _prepare(operator, value)

    def to_sql(model, alias, query):
        return SQL("%s %s %s", amount_sql(model, alias), comparison, operand)

    return Domain.custom(to_sql=to_sql)


def search_partner_amount(operator, value, amounts):
    """The same for contacts, by an amount of their commercial entity.

    :param SQL amounts: query of ``partner_id``, a commercial entity, and ``amount``;
        who is not in it has 0
    """
    if operator not in OPERATORS:
        return NotImplemented
    comparison, compare, operand = _prepare(operator, value)
    # Who is not in it may fit; then easier said is whose amount does not.
    with_others = compare(0, operand)

    def to_sql(model, alias, query):
        # IS TRUE, because PostgreSQL then looks every contact up in a table that it
        # makes once. The subquery alone it may take for cheap enough to compute it
        # again for every row of a page: minutes with many customers.
        return SQL(
            """(%s IN (SELECT figure.partner_id FROM (%s) AS figure
                        WHERE (COALESCE(figure.amount, 0) %s %s) = %s)) IS %s TRUE""",
            model._field_to_sql(alias, "commercial_partner_id", query),
            amounts,
            comparison,
            operand,
            not with_others,
            SQL("NOT") if with_others else SQL(),
        )

    return Domain.custom(to_sql=to_sql)


def order_by_partner_amount(model, alias, query, name, amounts):
    """Join such amounts to a query of contacts; return the SQL to sort them by.

    :param str name: tells the join from others; the same one is joined once
    """
    join_alias = query.make_alias(alias, name)
    query.add_join(
        "LEFT JOIN",
        join_alias,
        computed_once(amounts),
        SQL(
            "%s = %s",
            SQL.identifier(join_alias, "partner_id"),
            model._field_to_sql(alias, "commercial_partner_id", query),
        ),
    )
    amount = SQL("COALESCE(%s, 0)", SQL.identifier(join_alias, "amount"))
    query._order_groupby.append(amount)
    return amount


def computed_once(query):
    """The query as a table that PostgreSQL does not compute again for every row."""
    return SQL("(WITH computed AS MATERIALIZED (%s) SELECT * FROM computed)", query)


def _prepare(operator, value):
    comparison, compare = OPERATORS[operator]
    if operator == "in":
        value = tuple(item or 0 for item in value) or (None,)
    return comparison, compare, value
