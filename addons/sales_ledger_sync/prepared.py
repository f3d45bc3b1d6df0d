"""Statements that a database session plans only once."""

import hashlib
import itertools
import re

from odoo.tools import SQL


def execute_prepared(env, query, tables):
    """Execute a large statement that comes again and again, and fetch its rows.

    PostgreSQL takes ten times longer to plan such a statement than to execute it for
    one document. What a session has prepared is asked of the session itself, in the
    same transaction, so that a connection pooler may sit in between.

    :param SQL query: the statement; what varies must be in its parameters
    :param tables: names of the tables it reads that grow
    :return: the rows
    """
    numbers = itertools.count(1)
    code = re.sub(
        "%(s|%)",
        lambda match: f"${next(numbers)}" if match[1] == "s" else "%",
        query.code,
    )
    digest = hashlib.sha256(code.encode()).hexdigest()[:16]
    name, known = _find_prepared(env, f"subledger_{digest}", tables)
    if not known:
        text = SQL(code.replace("%", "%%"))
        env.cr.execute(SQL("PREPARE %s AS %s", SQL.identifier(name), text))
    values = SQL(", ").join(SQL("%s", value) for value in query.params)
    return env.execute_query(SQL("EXECUTE %s (%s)", SQL.identifier(name), values))


def _find_prepared(env, name, tables):
    """Name of the statement for tables of the present size, and whether the session
    has it: a plan made for small tables would stay while they grow, so every doubling
    gets a plan of its own."""
    query = SQL(
        """
        SELECT size.name, EXISTS (SELECT FROM pg_prepared_statements AS prepared
                                   WHERE prepared.name = size.name)
          FROM (SELECT %s || '_' || CEIL(LOG(2.0, 1 + SUM(
                       pg_relation_size(relation::regclass)) / 8192)) AS name
                  FROM unnest(%s) AS relation) AS size
        """,
        name,
        list(tables),
    )
    return env.execute_query(query)[0]
