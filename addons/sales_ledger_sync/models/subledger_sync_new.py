from odoo import api, models
from odoo.tools import SQL


class SubledgerSync(models.AbstractModel):
    """The facts of items that have no entry yet: there is nothing to compare with."""

    _inherit = "subledger.sync"

    @api.model
    def _new_facts_sql(self, items, parts):
        """Common table expressions as in ``_facts_sql``: item, compared, difference.

        :param SQL items: condition on ``line``, the items
        """
        # Materialized: what an entry shows is looked up once, not where it is used.
        return SQL(
            """
            item AS MATERIALIZED (
                SELECT %(facts)s,
                       (SELECT %(scope)s FROM res_company AS company
                         WHERE company.id = move.company_id) AS in_scope
                  FROM account_move_line AS line
                  JOIN account_move AS move ON move.id = line.move_id
                  JOIN account_account AS account ON account.id = line.account_id
                 WHERE %(items)s AND move.state = 'posted' AND %(trade)s
            ),
            compared AS (SELECT item_id FROM item),
            difference AS (
                SELECT item.*, item.item_id AS move_line_id, FALSE AS is_transfer
                  FROM item WHERE item.in_scope
            )
            """,
            facts=self._item_facts_sql(parts),
            scope=self._scope_condition(parts),
            items=items,
            trade=self._trade_condition("account"),
        )
