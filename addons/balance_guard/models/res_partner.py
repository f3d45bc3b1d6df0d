from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL


class ResPartner(models.Model):
    _inherit = "res.partner"

    def action_verify_balance(self):
        """Check the balances of these customers and suppliers now.

        Reads and compares; repairs nothing.

        :return: a notification, or the findings where a difference needs attention
        :raise AccessError: the user is no guard auditor
        :raise UserError: no partner is selected, or one does not exist any more
        """
        run = self._run_guard(heal=False)
        found = run.finding_ids.filtered(lambda f: f.state in ("open", "reopened"))
        if found or run.failed_check_count:
            return {
                "type": "ir.actions.act_window",
                "name": self.env._("Balance differences"),
                "res_model": "guard.finding",
                "views": [(False, "list"), (False, "form")],
                "domain": [("id", "in", found.ids)],
            }
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self._get_verified_message(run),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _get_verified_message(self, run):
        explained = len(run.finding_ids)
        if explained:
            return self.env._(
                "The balances are right. %(count)s differences to the general ledger"
                " are explained by the settings.",
                count=explained,
            )
        return self.env._(
            "The balances are right: ledger, general ledger and running balances agree."
        )

    def safe_update_balance(self, operation):
        """Rebuild the cached balance of this partner from its sealed entries.

        The only way to rebuild a cached balance. It is computed, never given: there
        is no amount to pass. A cache whose entries are themselves in doubt is left as
        it is and reported.

        :param str operation: why, in the user's words; written to the log
        :return: the exact balance, debit minus credit in the currency of the active
            company, of the customer and supplier ledgers together
        :rtype: float
        :raise AccessError: the user is no guard manager
        :raise UserError: no reason is given, or not exactly one partner
        """
        if len(self) != 1:
            raise UserError(self.env._("Rebuild the balance of one partner at a time."))
        return self.enforce_balance_consistency(operation)[self.id]

    def enforce_balance_consistency(self, operation):
        """The same for several partners, in one step.

        :param str operation: why, in the user's words; written to the log
        :return: exact balance by partner id, see ``safe_update_balance``
        :rtype: dict[int, float]
        :raise AccessError: the user is no guard manager
        :raise UserError: no reason is given, or a partner does not exist any more
        """
        if not isinstance(operation, str) or not operation.strip():
            raise UserError(
                self.env._("Say which operation asks for the balance to be rebuilt.")
            )
        self.env["guard.check"]._check_may_run(heal=True)
        commercial = self._get_guard_partners().commercial_partner_id
        # Findings and heads are written by the system only; rights are checked above.
        self.env["guard.heal"].sudo()._rebuild_caches(commercial, operation.strip())
        return self._get_exact_balances()

    def _get_guard_partners(self):
        if not self:
            raise UserError(self.env._("Select at least one partner."))
        if len(self.exists()) != len(self):
            raise UserError(
                self.env._("A partner to be checked does not exist any more.")
            )
        return self

    def _run_guard(self, heal):
        partners = self._get_guard_partners()
        companies = self.env.companies.ids
        return self.env["guard.check"].run_all(partners.ids, companies, heal=heal)

    def _get_exact_balances(self):
        """Balance of each partner's commercial entity in the active company.

        From the entries: heads that were rebuilt just now, in a transaction of their
        own, are not seen in this one.
        """
        company = self.env.company
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, SUM(debit - credit) FROM subledger_entry
                 WHERE company_id = %s AND partner_id = ANY(%s) GROUP BY partner_id
                """,
                company.id,
                self.commercial_partner_id.ids,
            )
        )
        totals = dict(rows)
        return {
            partner.id: company.currency_id.round(
                totals.get(partner.commercial_partner_id.id, 0.0)
            )
            for partner in self
        }
