from odoo import api, models
from odoo.tools import SQL

# Documents are taken as for a change. Partners and accounts are only kept from being
# changed meanwhile: other repairs, and documents that refer to them, go on.
LOCKS = {
    "account_move": SQL("FOR NO KEY UPDATE"),
    "account_move_line": SQL("FOR NO KEY UPDATE"),
    "res_partner": SQL("FOR SHARE"),
    "account_account": SQL("FOR SHARE"),
}


class GuardTake(models.AbstractModel):
    """Taking what a repair is about to touch, or leaving it to whoever holds it.

    The first thing a repair does in its own short transaction. Nothing here waits:
    what a writer holds at that moment is left out and repaired by a later run. What
    is taken is free of writers until the repair is committed; one that committed since
    the transaction began makes it fail and be repeated with a new snapshot. A running
    backfill holds nothing that could be taken, so its whole company is left alone.
    """

    _name = "guard.take"
    _description = "Balance Guard: what a repair takes"

    @api.model
    def _take_heads(self, keys):
        """Take the heads of subledger accounts, which the sealer may be advancing.

        :param keys: tuples (company id, partner id or 0, account id)
        :return: the keys that no other transaction holds, as a set; those that have no
            head among them
        """
        if not keys:
            return set()
        known = self._find_heads(keys, SQL())
        taken = self._find_heads(keys, SQL("FOR NO KEY UPDATE OF head SKIP LOCKED"))
        return set(keys) - (known - taken)

    def _find_heads(self, keys, lock):
        companies, partners, accounts = zip(*sorted(keys), strict=True)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT head.company_id, COALESCE(head.partner_id, 0), head.account_id
                  FROM UNNEST(%s::int[], %s::int[], %s::int[])
                       AS asked (company_id, partner_key, account_id)
                  JOIN subledger_account head
                    ON head.company_id = asked.company_id
                   AND COALESCE(head.partner_id, 0) = asked.partner_key
                   AND head.account_id = asked.account_id
                  %s
                """,
                list(companies),
                list(partners),
                list(accounts),
                lock,
            )
        )
        return set(rows)

    @api.model
    def _take_items(self, items):
        """Take journal items with their documents, partners and accounts.

        :param items: ids of account.move.line, existing or deleted
        :return: the ids of those that no other transaction holds, as a set
        """
        items = set(items) - self._find_backfilled(items)
        needed = self.env.execute_query(self._needed_sql(list(items)))
        held = set()
        for table, lock in LOCKS.items():
            ids = {row_id for _item, name, row_id in needed if name == table}
            held |= {(table, row_id) for row_id in self._find_held(table, ids, lock)}
        return items - {item for item, *row in needed if tuple(row) in held}

    def _find_backfilled(self, items):
        """Those of ``items`` that a running backfill may be writing entries of.

        Whoever writes an entry of the same item waits for the backfill's batch.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.id
                  FROM account_move_line line
                  JOIN subledger_backfill backfill
                    ON backfill.company_id = line.company_id
                 WHERE line.id = ANY(%s) AND backfill.state = 'running'
                """,
                list(items),
            )
        )
        return {item for (item,) in rows}

    def _find_held(self, table, ids, lock):
        """Take the rows ``ids`` of ``table``; return those that could not be taken."""
        name, ids = SQL.identifier(table), list(ids)
        query = SQL("SELECT id FROM %s WHERE id = ANY(%s) ORDER BY id", name, ids)
        known = self.env.execute_query(query)
        taken = self.env.execute_query(SQL("%s %s SKIP LOCKED", query, lock))
        return {row_id for (row_id,) in set(known) - set(taken)}

    def _needed_sql(self, items):
        """What each item and its entries hang on: item id, table, row id."""
        return SQL(
            """
            WITH fact AS (
                SELECT id AS item_id, id, move_id, partner_id, account_id
                  FROM account_move_line WHERE id = ANY(%(items)s)
                 UNION
                SELECT move_line_id, NULL, move_id, partner_id, account_id
                  FROM subledger_entry WHERE move_line_id = ANY(%(items)s)
            )
            SELECT item_id, 'account_move_line', id FROM fact
             UNION
            SELECT item_id, 'account_move', move_id FROM fact
             UNION
            SELECT item_id, 'account_account', account_id FROM fact
             UNION
            SELECT item_id, 'res_partner', partner_id FROM fact
             UNION
            SELECT item_id, 'res_partner', owner.commercial_partner_id
              FROM fact JOIN res_partner owner ON owner.id = fact.partner_id
            """,
            items=items,
        )

    @api.model
    def _take_documents(self, findings):
        """Take the documents that findings name.

        :return: the findings whose document no other transaction holds; those without
            a document among them
        """
        taken = findings.browse()
        for model, group in findings.grouped("res_model").items():
            held = set()
            if model in self.env and self.env[model]._auto:
                table = self.env[model]._table
                lock = LOCKS.get(table, SQL("FOR NO KEY UPDATE"))
                held = self._find_held(table, group.mapped("res_id"), lock)
            taken |= group.filtered(lambda f, held=held: f.res_id not in held)
        return taken
