from odoo import api, models


class GuardCheckExternal(models.AbstractModel):
    """Checks of addons that do not depend on balance_guard.

    Any model may define ``_balance_guard_checks(self)``, returning a list of dicts:

    - ``code``: unique and stable;
    - ``name`` and ``explanation``: in the user's language;
    - ``find``: callable, given the list of company ids and the list of partner ids (or
      None for all), returning dicts with company_id, expected, actual, cause_code and,
      where known, partner_id, account_id, res_model, res_id, field_name,
      value_expected and value_found;
    - ``heal`` (optional): callable, given the recordset of ``guard.finding``; works in
      the transaction of the run. Findings whose document (res_model, res_id) somebody
      is using at that moment are not among them.
    """

    _name = "guard.check.external"
    _description = "Balance check of another addon"
    _inherit = "guard.check.unit"

    @api.model
    def _discover(self):
        """One unit per check that a model of the registry offers."""
        units = []
        for name in sorted(self.env.registry):
            model = self.env[name]
            if hasattr(type(model), "_balance_guard_checks"):
                units += [ExternalUnit(self, c) for c in model._balance_guard_checks()]
        return units

    def _find_external(self, spec, scope):
        companies = list(scope.company_ids)
        partners = scope.partner_ids and list(scope.partner_ids)
        rows = spec["find"](companies, partners)
        return [self._complete(self._pad(dict(row))) for row in rows]

    def _pad(self, row):
        for name in ("partner_id", "account_id", "entry_id", "res_model", "res_id"):
            row.setdefault(name, None)
        for name in ("field_name", "value_expected", "value_found"):
            row.setdefault(name, None)
        return row


class ExternalUnit:
    """Gives the dict of another addon the interface of ``guard.check.unit``."""

    _check_family = "other"
    _check_healable = None
    _check_often = True

    def __init__(self, model, spec):
        self._model = model
        self._spec = spec
        self._check_code = spec["code"]
        self._check_sequence = spec.get("sequence", 200)
        self._check_scope = spec.get("scope", "listed")
        self._check_heals = "cache" if spec.get("heal") else "none"

    def with_context(self, *args, **kwargs):
        """The texts come from the other addon as they are."""
        return self

    def with_env(self, env):
        """The same check, read through another environment."""
        model = env[self._model._name]
        for unit in model._discover():
            if unit._check_code == self._check_code:
                return unit
        return self

    def _get_title(self):
        return self._spec["name"]

    def _get_explanation(self):
        return self._spec.get("explanation", "")

    def _find(self, scope):
        return self._model._find_external(self._spec, scope)

    def _fingerprint(self, row):
        document = f"{row['res_model'] or ''},{row['res_id'] or 0}"
        keys = (row["company_id"], row["partner_id"] or 0, row["account_id"] or 0)
        return ":".join(map(str, (self._check_code, *keys, document)))

    def _find_after_healing(self, scope):
        return self._find(scope)

    def _can_heal(self, cause_code):
        return self._check_heals != "none"

    def _heal(self, findings):
        """Heal what nobody is using; return the rest."""
        taken = self._model.env["guard.take"]._take_documents(findings)
        if taken:
            self._spec["heal"](taken)
        return findings - taken
