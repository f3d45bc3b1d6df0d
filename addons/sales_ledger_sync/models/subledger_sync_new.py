from odoo import api, models
from odoo.tools import SQL


class SubledgerSync(models.AbstractModel):
    """The facts of items that have no entry yet: there is nothing to compare with."""

    _inherit = "subledger.sync"

    @api.model
    def _new_facts_sql(self, line_ids, parts):
        """Common table expressions as in ``_facts_sql``: item, compared, difference;
        with the name of the partner as ``owner_name``."""
        # Joins, not lookups as elsewhere: a backfill has many items of few customers,
        # and PostgreSQL remembers what it joined.
        return SQL(
            """
            item AS MATERIALIZED (
                SELECT %(facts)s, %(scope)s AS in_scope, owner.name AS owner_name
                  FROM unnest(%(line_ids)s::int[]) AS candidate (move_line_id)
                  %(joins)s
                  LEFT JOIN res_partner AS contact ON contact.id = line.partner_id
                  LEFT JOIN res_partner AS owner
                         ON owner.id
                          = COALESCE(contact.commercial_partner_id, contact.id)
                 WHERE move.state = 'posted' AND %(trade)s
            ),
            compared AS (SELECT item_id FROM item),
            difference AS (
                SELECT item.*, item.item_id AS move_line_id, FALSE AS is_transfer
                  FROM item WHERE item.in_scope
            )
            """,
            facts=self._item_facts_sql(parts, SQL("owner.id")),
            scope=self._scope_condition(parts),
            line_ids=list(line_ids),
            joins=self._item_joins_sql(),
            trade=self._trade_condition("account"),
        )
