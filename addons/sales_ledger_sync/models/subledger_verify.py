from collections import namedtuple

from odoo import api, models
from odoo.tools import SQL

# What a verification looks at: company ids, commercial partner ids or None for all,
# first accounting date or None for all.
Scope = namedtuple("Scope", ["company_ids", "partner_ids", "since"])


class SubledgerVerify(models.AbstractModel):
    """Proof that the ledger says what the general ledger says.

    Reads only, in the snapshot of the transaction. Each check is one query over the
    whole scope that returns nothing but what is wrong, so memory stays flat.

    Here are the entry point, the list of checks and the scope. The checks are in
    ``subledger_verify_entries`` (entries against journal items),
    ``subledger_verify_chain`` (entries against each other) and
    ``subledger_verify_general_ledger`` (balances).
    """

    _name = "subledger.verify"
    _description = "Subledger Verification"

    @api.model
    def _verify(self, companies, partners=None, since=None, limit=100):
        """Check the ledgers of ``companies``.

        :param companies: res.company records
        :param partners: commercial partners, or ids found in the ledger; all when None
        :param date since: only what is dated from this day on is reported
        :param int limit: findings listed per check; all of them are counted
        :return: ``clean`` (bool), ``counts`` of items, entries and accounts, ``checks``
            (``code``, ``differences``, ``findings``) and ``explained``, the balances
            that differ from the general ledger for reasons that are named
        :rtype: dict
        """
        self.env["subledger.sync"]._flush_what_is_read()
        self.env["account.move.line"].flush_model(
            ["company_id", "date", "parent_state"]
        )
        partner_ids = None if partners is None else list(partners)
        scope = Scope(list(companies.ids), partner_ids, since)
        checks = [
            self._run_check(code, query, limit)
            for code, query in self._get_checks(scope).items()
        ]
        return {
            "clean": not any(check["differences"] for check in checks),
            "counts": self._count(scope),
            "checks": checks,
            "explained": self._list_explained(scope, limit),
        }

    @api.model
    def _get_checks(self, scope):
        """Map each check to its query of findings.

        Every query has the columns company_id, partner_id, account_id, entry_id,
        move_line_id, problem, expected and actual. To be extended by modules that add
        a check.

        :rtype: dict[str, SQL]
        """
        return {
            "entries": self._entries_query(scope),
            # An opening sums what lies before: by date it stands against nothing.
            **({} if scope.since else {"openings": self._openings_query(scope)}),
            "chain": self._chain_query(scope),
            "heads": self._heads_query(scope),
            "reversals": self._reversals_query(scope),
            "general_ledger": self._general_ledger_query(scope),
        }

    @api.model
    def _run_check(self, code, query, limit):
        rows = self._fetch_dicts(
            SQL(
                """
                SELECT finding.*, COALESCE(partner.name, entry.partner_name) AS partner,
                       entry.reference, COUNT(*) OVER () AS total
                  FROM (%(query)s) AS finding
                  LEFT JOIN res_partner AS partner ON partner.id = finding.partner_id
                  LEFT JOIN subledger_entry AS entry ON entry.id = finding.entry_id
              ORDER BY finding.company_id, finding.partner_id, finding.account_id,
                       finding.entry_id, finding.move_line_id, finding.problem
                 LIMIT %(limit)s
                """,
                query=query,
                limit=limit,
            )
        )
        total = rows[0]["total"] if rows else 0
        for row in rows:
            del row["total"]
        return {"code": code, "differences": total, "findings": rows}

    @api.model
    def _fetch_dicts(self, query):
        self.env.cr.execute(query)
        return self.env.cr.dictfetchall()

    @api.model
    def _count(self, scope):
        [counts] = self._fetch_dicts(
            SQL(
                """
                SELECT (SELECT COUNT(*) %(items)s) AS items,
                       (SELECT COUNT(*) FROM subledger_entry AS entry
                         WHERE %(entries)s) AS entries,
                       (SELECT COUNT(*) FROM subledger_account AS head
                         WHERE %(heads)s) AS accounts
                """,
                items=self._items_sql(scope),
                entries=self._scope_sql(scope, "entry"),
                heads=self._scope_sql(scope._replace(since=None), "head"),
            )
        )
        return counts

    # ------------------------------------------------------------------
    # What the checks read
    # ------------------------------------------------------------------

    @api.model
    def _scope_sql(self, scope, alias, partner=None):
        """Condition on a table with company, date and commercial partner.

        :param SQL partner: expression of the partner, where it is no column of
            ``alias``
        """
        conditions = [
            SQL("%s = ANY(%s)", SQL.identifier(alias, "company_id"), scope.company_ids)
        ]
        if scope.partner_ids is not None:
            partner = partner or SQL.identifier(alias, "partner_id")
            conditions.append(SQL("%s = ANY(%s)", partner, scope.partner_ids))
        if scope.since:
            date = SQL.identifier(alias, "date")
            conditions.append(SQL("%s >= %s", date, scope.since))
        return SQL("(%s)", SQL(" AND ").join(conditions))

    @api.model
    def _items_sql(self, scope):
        """FROM and WHERE of the posted items on control accounts in the scope."""
        return SQL(
            """
              FROM account_move_line AS line
              JOIN account_account AS account ON account.id = line.account_id
              LEFT JOIN res_partner AS contact ON contact.id = line.partner_id
             WHERE line.parent_state = 'posted' AND %s AND %s
            """,
            self.env["subledger.sync"]._trade_condition("account"),
            self._scope_sql(scope, "line", SQL("contact.commercial_partner_id")),
        )

    @api.model
    def _amount_sql(self, amount):
        """An amount as exact text, without trailing zeros that mean nothing."""
        return SQL("trim_scale((%s)::numeric)::text", amount)
