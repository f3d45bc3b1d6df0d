from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .guard_scope import Scope


class GuardCheck(models.Model):
    """The catalogue of checks, and the door through which they are run."""

    _name = "guard.check"
    _description = "Balance Check"
    _order = "sequence, id"
    _allow_sudo_commands = False

    name = fields.Char(required=True, readonly=True, translate=True)
    code = fields.Char(required=True, readonly=True)
    family = fields.Char(readonly=True)
    sequence = fields.Integer(default=100)
    active = fields.Boolean(
        default=True, help="An archived check is left out of every run."
    )
    explanation = fields.Text(
        compute="_compute_explanation", help="What is compared with what."
    )
    heals = fields.Selection(
        [
            ("none", "Nothing: a person decides"),
            ("cache", "Recomputed values"),
            ("ledger", "The ledger, by new linked entries"),
        ],
        string="Healing",
        compute="_compute_explanation",
    )
    finding_ids = fields.One2many("guard.finding", "check_id", string="Findings")
    open_finding_count = fields.Integer(compute="_compute_open_finding_count")

    _code_unique = models.UniqueIndex("(code)", "Each check has its own code.")

    def _compute_explanation(self):
        units = self._get_units()
        for check in self:
            unit = units.get(check.code)
            check.explanation = unit._get_explanation() if unit is not None else False
            check.heals = unit._check_heals if unit is not None else False

    def _compute_open_finding_count(self):
        groups = self.env["guard.finding"]._read_group(
            [("check_id", "in", self.ids), ("state", "in", ("open", "reopened"))],
            ["check_id"],
            ["__count"],
        )
        counts = {check.id: count for check, count in groups}
        for check in self:
            check.open_finding_count = counts.get(check.id, 0)

    def write(self, vals):
        # A manager decides what runs, in which order; the rest follows from the code.
        if not self.env.su and set(vals) - {"active", "sequence"}:
            raise UserError(
                self.env._("Of a check only its order and whether it runs can change.")
            )
        return super().write(vals)

    # Catalogue

    @api.model
    def _get_units(self):
        """Map the code of each check to its unit.

        A unit is a model that inherits from ``guard.check.unit``, or one wrapped by
        ``guard.check.external`` for addons that do not depend on this one.

        :rtype: dict[str, guard.check.unit]
        """
        registry = self.env.registry
        names = registry.descendants(["guard.check.unit"], "_inherit")
        units = [self.env[name] for name in sorted(names)]
        units = [unit for unit in units if unit._check_code]
        units += self.env["guard.check.external"]._discover()
        units.sort(key=lambda unit: (unit._check_sequence, unit._check_code))
        return {unit._check_code: unit for unit in units}

    @api.model
    def _sync_catalogue(self):
        """Have one record per unit; archive those whose unit has gone."""
        units = self._get_units()
        # The catalogue belongs to the system: nobody has the right to create checks.
        catalogue = self.sudo().with_context(active_test=False, lang=None)
        known = {check.code: check for check in catalogue.search([])}
        catalogue.create(
            [
                {
                    "code": code,
                    "name": unit.with_context(lang=None)._get_title(),
                    "family": unit._check_family,
                    "sequence": unit._check_sequence,
                }
                for code, unit in units.items()
                if code not in known
            ]
        )
        gone = catalogue.browse(
            check.id for code, check in known.items() if code not in units
        )
        gone.filtered("active").active = False

    @api.model
    def _get_active_units(self, scope):
        """The units to run over ``scope``, in their order."""
        self._sync_catalogue()
        # Which checks are switched off does not depend on who runs them.
        checks = self.sudo().search([])  # pylint: disable=no-search-all
        codes = set(checks.mapped("code"))
        return [
            unit
            for code, unit in self._get_units().items()
            if code in codes and unit._check_scope in scope.unit_scopes
        ]

    # Runs

    @api.model
    def run_all(self, partner_ids=None, company_ids=None, heal=False):
        """Run the checks now and return the run with its findings.

        All checks read one snapshot. Checks that only make sense for a whole company
        are left out when partners are given.

        :param list[int] partner_ids: limit to these partners (their commercial
            entities); all partners if not given
        :param list[int] company_ids: limit to these companies; the allowed companies
            of the user if not given
        :param bool heal: repair what may be repaired, see ``guard.heal``
        :return: the ``guard.run``, with ``finding_ids``
        :raise AccessError: the user is no guard auditor (manager, to heal), or may not
            see one of the companies
        :raise UserError: a partner does not exist
        """
        self._check_may_run(heal)
        scope = self._prepare_scope(partner_ids, company_ids)
        # Runs and findings are written by the system only; rights are checked above.
        run_sudo = self.env["guard.run"].sudo()._start("manual", scope)
        run_sudo._run_now(scope)
        if heal:
            run_sudo._heal_findings(dry_run=False)
        run_sudo._finish()
        return run_sudo.with_env(self.env)

    @api.model
    def _check_may_run(self, heal=False):
        group = "group_guard_manager" if heal else "group_guard_auditor"
        if self.env.su or self.env.user.has_group(f"balance_guard.{group}"):
            return
        if heal:
            raise AccessError(self.env._("Only guard managers may heal balances."))
        raise AccessError(self.env._("Only guard auditors may run balance checks."))

    @api.model
    def _prepare_scope(self, partner_ids=None, company_ids=None):
        """Check the ids given by the caller and make a scope of them."""
        companies = self._get_companies(company_ids)
        if partner_ids is None:
            return Scope(tuple(companies.ids))
        return Scope(tuple(companies.ids), self._get_commercial_ids(partner_ids))

    @api.model
    def _get_companies(self, company_ids):
        if company_ids is None:
            return self.env.companies if not self.env.su else self._all_companies()
        companies = self.env["res.company"].browse(self._clean_ids(company_ids))
        if len(companies.exists()) != len(companies):
            raise UserError(self.env._("A company to be checked does not exist."))
        if not self.env.su and companies - self.env.user.company_ids:
            raise AccessError(
                self.env._("You may only check companies you have access to.")
            )
        return companies

    @api.model
    def _all_companies(self):
        return self.env["res.company"].search([])  # pylint: disable=no-search-all

    @api.model
    def _get_commercial_ids(self, partner_ids):
        # Balances are per commercial entity, whoever of its contacts was asked for;
        # names or addresses are not read.
        partners = self.env["res.partner"].sudo().browse(self._clean_ids(partner_ids))
        if len(partners.exists()) != len(partners):
            raise UserError(
                self.env._("A partner to be checked does not exist any more.")
            )
        return tuple(partners.commercial_partner_id.ids)

    @api.model
    def _clean_ids(self, ids):
        if isinstance(ids, models.BaseModel):
            ids = ids.ids
        try:
            return sorted({int(record_id) for record_id in ids})
        except (TypeError, ValueError):
            raise UserError(self.env._("Give the ids as a list of numbers.")) from None
