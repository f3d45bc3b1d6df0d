from odoo import api, fields, models
from odoo.tools import SQL

from .guard_scope import Scope

# Receivable and payable items per part: some ten seconds of work. Smaller parts read
# the same tables more often: halves take a fifth longer.
RANGE_SIZE = 1_000_000


class GuardRange(models.Model):
    """One part of a sweep: a range of partners of a company, or its other checks.

    Workers take parts with SKIP LOCKED and hold the lock until the part's result is
    committed: no part is done twice, and the part of a killed worker is free again.
    """

    _name = "guard.range"
    _description = "Part of a Sweep"
    _order = "id"
    _allow_sudo_commands = False

    run_id = fields.Many2one(
        "guard.run", required=True, index=True, ondelete="cascade", readonly=True
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    scope = fields.Selection(
        [("partners", "Partners"), ("company", "Whole company")],
        required=True,
        readonly=True,
    )
    first_partner = fields.Integer(readonly=True, help="Zero: no lower end.")
    last_partner = fields.Integer(readonly=True, help="Zero: no upper end.")
    state = fields.Selection(
        [("todo", "To do"), ("done", "Done"), ("failed", "Failed")],
        default="todo",
        required=True,
        readonly=True,
    )
    attempts = fields.Integer(readonly=True)
    error = fields.Text(readonly=True)

    # _claim: the next part that nobody works on.
    _todo_idx = models.Index("(id) WHERE state = 'todo'")

    @api.model
    def _plan(self, run, company):
        """Cut the work of ``run`` for ``company`` into parts of similar size."""
        parts = [
            {
                "scope": "partners",
                "first_partner": scope.first_partner or 0,
                "last_partner": scope.last_partner or 0,
            }
            for scope in self._get_scopes(company)
        ]
        parts.append({"scope": "company"})
        return self.create(
            [{**part, "run_id": run.id, "company_id": company.id} for part in parts]
        )

    def _get_scopes(self, company):
        """The partners of ``company`` as scopes of similar size."""
        bounds = self._get_bounds(company)
        firsts = [None, *bounds]
        lasts = [*(bound - 1 for bound in bounds), None]
        return [
            Scope((company.id,), first_partner=first, last_partner=last)
            for first, last in zip(firsts, lasts, strict=True)
        ]

    def _get_bounds(self, company):
        """Partner ids at which a new part begins; empty if one part is enough."""
        rows = self.env.execute_query(
            SQL(
                """
                WITH items AS (
                    SELECT line.partner_id, COUNT(*) AS item_count
                      FROM account_move_line line
                      JOIN account_account account ON account.id = line.account_id
                     WHERE line.company_id = %(company)s
                       AND line.partner_id IS NOT NULL
                       AND account.account_type
                           IN ('asset_receivable', 'liability_payable')
                  GROUP BY line.partner_id
                ), piled AS (
                    SELECT partner_id,
                           CEIL(SUM(item_count) OVER (ORDER BY partner_id)
                                / %(size)s::numeric) AS part
                      FROM items
                )
                  SELECT MIN(partner_id) FROM piled GROUP BY part ORDER BY part
                """,
                company=company.id,
                size=self._get_size(),
            )
        )
        return [partner_id for (partner_id,) in rows[1:]]

    def _get_size(self):
        return RANGE_SIZE

    @api.model
    def _claim(self):
        """Lock the next part for this transaction; empty if none is free."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM guard_range WHERE state = 'todo'
              ORDER BY id LIMIT 1
                   FOR NO KEY UPDATE SKIP LOCKED
                """
            )
        )
        return self.browse(part_id for (part_id,) in rows)

    @api.model
    def _keep(self, company_id, partners):
        """Keep sweeps from ``partners`` for the rest of this transaction.

        Two that look at one partner write the same findings, and one of them loses.

        :return: the parts kept from the workers, and those of ``partners`` that no
            worker is looking at just now
        """
        kept = self._find_parts(company_id, partners, lock=True)
        held = self._find_parts(company_id, partners, lock=False) - kept
        free = tuple(
            partner
            for partner in partners
            if not any(part._holds(partner) for part in held)
        )
        return kept, free

    def _find_parts(self, company_id, partners, lock):
        """The parts still to do that hold one of ``partners``."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM guard_range
                 WHERE state = 'todo' AND scope = 'partners'
                   AND company_id = %(company)s
                   AND EXISTS (
                        SELECT FROM UNNEST(%(partners)s::int[]) AS partner
                         WHERE partner >= first_partner
                           AND (last_partner = 0 OR partner <= last_partner))
              ORDER BY id
                   %(lock)s
                """,
                company=company_id,
                partners=list(partners),
                lock=SQL("FOR NO KEY UPDATE SKIP LOCKED") if lock else SQL(),
            )
        )
        return self.browse(part_id for (part_id,) in rows)

    def _holds(self, partner_id):
        """Whether a partner (0: none) is in this part."""
        self.ensure_one()
        if partner_id < self.first_partner:
            return False
        return not self.last_partner or partner_id <= self.last_partner

    def _get_scope(self):
        self.ensure_one()
        return Scope(
            (self.company_id.id,),
            first_partner=self.first_partner or None,
            last_partner=self.last_partner or None,
        )

    def _get_units(self, scope):
        """Whole company: the checks that cannot be cut into ranges."""
        units = self.env["guard.check"]._get_active_units(scope)
        by_range = self.scope == "partners"
        return [u for u in units if (u._check_scope == "partner") == by_range]

    def _work(self):
        """Do this part; its state and findings are one transaction."""
        self.ensure_one()
        scope = self._get_scope()
        units = self._get_units(scope)
        self.run_id._run_confirmed(units, scope, self.company_id)
        self.write({"state": "done", "attempts": self.attempts + 1, "error": False})

    def _fail(self, error):
        """Note a failed attempt; the third one gives the part up."""
        self.ensure_one()
        attempts = self.attempts + 1
        state = "failed" if attempts >= 3 else "todo"
        self.write({"attempts": attempts, "state": state, "error": str(error)})
