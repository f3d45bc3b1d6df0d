from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

# Entries of more subledger accounts than these are counted back in several queries.
PAGES_PER_QUERY = 100
NO_PARTNER = SQL("partner_id IS NULL")


class SubledgerEntry(models.Model):
    """What screens show of an entry beside its own facts.

    Screens show a supplier's balance with the opposite sign of what is stored: what we
    owe is positive there, as what a customer owes us is positive on his.
    """

    _name = "subledger.entry"
    _inherit = ["subledger.entry", "subledger.reference.mixin"]

    running_balance = fields.Monetary(
        compute="_compute_running_balance",
        currency_field="company_currency_id",
        aggregator="sum",
        help="Balance of the subledger account after this entry, in the order of the "
        "accounting dates: what the customer owes us, or what we owe the supplier. "
        "On a group of entries: their total.",
    )

    @api.depends("debit", "credit", "date", "ledger")
    def _compute_running_balance(self):
        balances = self._get_running_balances()
        for entry in self:
            sign = -1 if entry.ledger == "supplier" else 1
            entry.running_balance = sign * balances.get(entry.id, 0.0)

    def _get_running_balances(self):
        """Balance of the subledger account after each entry of ``self``, by date.

        Counted back from the balance of today, so that the newest entries, which
        screens show first, do not read the whole history.

        :return: ``{entry id: balance}``, debit minus credit in company currency
        """
        pages = self._get_pages()
        balances = {}
        for start in range(0, len(pages), PAGES_PER_QUERY):
            query = self._count_back_query(pages[start : start + PAGES_PER_QUERY])
            balances.update(self.env.execute_query(query))
        return balances

    def _get_pages(self):
        """Subledger accounts of the entries, each with the oldest date needed.

        :return: list of tuples (company id, partner id or None, account id, date)
        """
        if not self.ids:
            return []
        return self.env.execute_query(
            SQL(
                """SELECT company_id, partner_id, account_id, MIN(date)
                     FROM subledger_entry WHERE id = ANY(%s) GROUP BY 1, 2, 3""",
                list(self.ids),
            )
        )

    def _count_back_query(self, pages):
        # Each page is spelled out, so that the planner sees its partner and date:
        # it then reads a large account by date and a small one by partner.
        wanted = SQL(" OR ").join(
            SQL(
                "(company_id = %s AND %s AND account_id = %s AND date >= %s)",
                company,
                SQL("partner_id = %s", partner) if partner else NO_PARTNER,
                account,
                since,
            )
            for company, partner, account, since in pages
        )
        return SQL(
            """
            SELECT entry.id, head.balance - entry.later
              FROM (SELECT id, company_id, COALESCE(partner_id, 0) AS partner_id,
                           account_id,
                           SUM(debit - credit) OVER (
                               PARTITION BY company_id, partner_id, account_id
                               ORDER BY date DESC, id DESC
                           ) - (debit - credit) AS later
                      FROM subledger_entry
                     WHERE %(wanted)s) AS entry
              JOIN (SELECT company_id, partner_id, account_id,
                           SUM(balance) AS balance
                      FROM %(balances)s AS by_ledger
                  GROUP BY company_id, partner_id, account_id) AS head
                ON head.company_id = entry.company_id
               AND head.account_id = entry.account_id
               AND COALESCE(head.partner_id, 0) = entry.partner_id
             WHERE entry.id = ANY(%(ids)s)
            """,
            wanted=wanted,
            ids=list(self.ids),
            balances=self.env["subledger.account"]._balance_table(
                {page[0] for page in pages},
                partners={page[1] or 0 for page in pages},
            ),
        )

    def _field_to_sql(self, alias, field_expr, query=None):
        # EXTENDS 'base': a group shows its total where an entry shows the balance
        # after it.
        if field_expr != "running_balance":
            return super()._field_to_sql(alias, field_expr, query)
        return SQL(
            "(CASE WHEN %(ledger)s = 'supplier' THEN -1 ELSE 1 END"
            " * (%(debit)s - %(credit)s))",
            ledger=SQL.identifier(alias, "ledger"),
            debit=SQL.identifier(alias, "debit"),
            credit=SQL.identifier(alias, "credit"),
        )

    @api.model
    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        # EXTENDS 'base': rows sorted by amount would not be in the order of the
        # balance they show.
        if field_name == "running_balance":
            raise ValueError("Entries cannot be sorted by their running balance.")
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    @api.model
    def _get_missing_names(self, field_name, ids):
        # EXTENDS: a deleted document is known by its number.
        if field_name != "move_id":
            return super()._get_missing_names(field_name, ids)
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT DISTINCT ON (move_id) move_id, reference
                         FROM subledger_entry WHERE move_id = ANY(%s)
                     ORDER BY move_id, id DESC""",
                    list(ids),
                )
            )
        )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open_document(self):
        """Open the document the entry was written for: payment, statement line's or
        other journal entry, invoice.

        :raise UserError: the document was deleted, or the entry never had one
        """
        self.ensure_one()
        move = self.env["account.move"].browse(self.move_id.id).exists()
        if not move:
            raise UserError(
                self.env._(
                    "%(reference)s has no document any more: it was deleted, and the "
                    "ledger keeps its entry and the reversal of it.",
                    reference=self.reference or self.display_name,
                )
            )
        return (move.origin_payment_id or move)._get_records_action(
            name=self.reference or move.display_name
        )

    def action_open_reversal(self):
        """Open the entry that reverses this one, or that this one reverses."""
        self.ensure_one()
        return (self.reversal_of_id or self.reversed_by_id)._get_records_action()
