from odoo import api, fields, models
from odoo.tools import SQL

from ..fields import KeylessMany2one
from ..searching import search_amount


class SubledgerAccount(models.Model):
    """Head of one subledger account: company, commercial partner, control account.

    Holds what is sealed: the last number, the balance and the last hash. Created
    and updated by the sealer only, in transactions of its own, so that posting
    never waits for, or conflicts on, a customer's row.
    """

    _name = "subledger.account"
    _description = "Subledger Account"
    _inherit = ["subledger.kept.mixin"]
    _order = "partner_name, id"
    _rec_name = "partner_name"
    _allow_sudo_commands = False
    _log_access = False

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="restrict"
    )
    partner_id = KeylessMany2one("res.partner", string="Partner", readonly=True)
    partner_name = fields.Char(readonly=True)
    account_id = KeylessMany2one(
        "account.account", string="Control Account", required=True, readonly=True
    )
    ledger = fields.Selection(
        [("customer", "Customer"), ("supplier", "Supplier")],
        required=True,
        readonly=True,
    )
    currency_id = fields.Many2one(
        "res.currency", string="Company Currency", required=True, readonly=True
    )
    last_number = fields.Integer(
        required=True, readonly=True, aggregator=None, help="Number of sealed entries."
    )
    sealed_balance = fields.Monetary(
        required=True,
        readonly=True,
        help="Debit minus credit of the sealed entries, in company currency.",
    )
    last_hash = fields.Char(readonly=True)
    balance = fields.Monetary(
        compute="_compute_balance",
        search="_search_balance",
        help="Debit minus credit of all entries, in company currency: sealed "
        "balance plus what is not sealed yet.",
    )

    # One head per key, with the bucket of items without partner.
    _key = models.UniqueIndex(
        "(company_id, (COALESCE(partner_id, 0)), account_id)",
        "This subledger account exists already.",
    )
    # From a partner to its accounts.
    _partner = models.Index("(partner_id)")

    # ------------------------------------------------------------------
    # Balance: sealed heads plus unsealed tail, in one snapshot
    # ------------------------------------------------------------------

    def _compute_balance(self):
        rows = self.env.execute_query(
            SQL(
                """SELECT head.id, %s FROM subledger_account AS head
                    WHERE head.id = ANY(%s)""",
                self._balance_sql("head"),
                list(self.ids),
            )
        )
        balances = dict(rows)
        for account in self:
            account.balance = balances.get(account.id, 0.0)

    @api.model
    def _balance_sql(self, alias):
        """SQL of the exact balance of a head row."""
        return SQL(
            """(%(balance)s + COALESCE((
                SELECT SUM(tail.debit - tail.credit) FROM subledger_entry AS tail
                 WHERE tail.number IS NULL AND tail.company_id = %(company)s
                   AND COALESCE(tail.partner_id, 0) = COALESCE(%(partner)s, 0)
                   AND tail.account_id = %(account)s), 0))""",
            balance=SQL.identifier(alias, "sealed_balance"),
            company=SQL.identifier(alias, "company_id"),
            partner=SQL.identifier(alias, "partner_id"),
            account=SQL.identifier(alias, "account_id"),
        )

    def _search_balance(self, operator, value):
        return search_amount(
            operator, value, lambda model, alias: model._balance_sql(alias)
        )

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        # The balance is not stored, and people sort by it.
        if field_name == "balance":
            return SQL("%s %s %s", self._balance_sql(alias), direction, nulls)
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    @api.model
    def _balance_table(self, companies, ledger=None, partners=None):
        """Subquery of the exact balances at this moment of this transaction.

        Entries are inserted at once when something is posted, so nothing needs to
        be flushed.

        :param companies: res.company records, or their ids
        :param str ledger: 'customer' or 'supplier', both when omitted
        :param partners: commercial partners or their ids, all when omitted
        :return: columns company_id, partner_id (may be NULL), account_id, ledger,
            balance (debit minus credit in company currency)
        :rtype: SQL
        """
        condition = SQL("company_id = ANY(%s)", self._to_ids(companies))
        if ledger:
            condition = SQL("%s AND ledger = %s", condition, ledger)
        if partners is not None:
            condition = SQL(
                "%s AND COALESCE(partner_id, 0) = ANY(%s)",
                condition,
                self._to_ids(partners),
            )
        return SQL(
            """(
            SELECT company_id, partner_id, account_id, ledger, SUM(amount) AS balance
              FROM (
                SELECT company_id, partner_id, account_id, ledger,
                       sealed_balance AS amount
                  FROM subledger_account
                 WHERE %(condition)s
                 UNION ALL
                SELECT company_id, partner_id, account_id, ledger, debit - credit
                  FROM subledger_entry
                 WHERE number IS NULL AND %(condition)s
              ) AS part
          GROUP BY company_id, partner_id, account_id, ledger)""",
            condition=condition,
        )

    @api.model
    def _get_balances(self, company, partners, ledger="customer"):
        """Balance per commercial partner, one query whatever their number.

        :param company: one or several companies
        :param partners: commercial partners
        :param str ledger: 'customer' or 'supplier'
        :return: ``{partner id: balance}`` for every partner asked for, debit minus
            credit in company currency (for a supplier we owe: negative)
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT partner_id, SUM(balance) FROM %s AS b GROUP BY partner_id",
                self._balance_table(company, ledger, partners),
            )
        )
        return dict.fromkeys(self._to_ids(partners), 0.0) | dict(rows)

    @staticmethod
    def _to_ids(records):
        return list(records.ids if isinstance(records, models.BaseModel) else records)

    @api.model
    def _get_refusal(self):
        return self.env._(
            "Subledger accounts are kept by the system. Their balance is the sum of "
            "their entries."
        )
