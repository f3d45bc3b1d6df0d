from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class GuardFinding(models.Model):
    """What a guard manager decides about findings: accept, reopen, heal."""

    _inherit = "guard.finding"

    can_heal = fields.Boolean(
        compute="_compute_can_heal", help="The check may repair differences like this."
    )

    @api.depends("check_id", "cause_code")
    def _compute_can_heal(self):
        units = self.env["guard.check"]._get_units()
        for finding in self:
            unit = units.get(finding.check_code)
            finding.can_heal = unit is not None and unit._can_heal(finding.cause_code)

    def _check_may_decide(self):
        if not self.env.su and not self.env.user.has_group(
            "balance_guard.group_guard_manager"
        ):
            raise AccessError(
                self.env._("Only guard managers may decide about findings.")
            )
        self.check_access("read")

    def action_accept(self, reason=None):
        """Accept the differences as they are; a change of the amount reopens them.

        :param str reason: why; shown on the finding
        :raise AccessError: the user is no guard manager
        :raise UserError: a finding is already closed
        """
        self._check_may_decide()
        if self.filtered(lambda finding: finding.state == "healed"):
            raise UserError(self.env._("A healed finding needs no acceptance."))
        # Findings are written by the system only; the right is checked above.
        findings_sudo = self.sudo()
        findings_sudo.write({"state": "accepted", "accept_reason": reason or False})
        findings_sudo.activity_unlink(["balance_guard.activity_finding"])
        return True

    def action_reopen(self):
        """Take back an acceptance.

        :raise AccessError: the user is no guard manager
        """
        self._check_may_decide()
        accepted = self.filtered(lambda finding: finding.state == "accepted")
        # Findings are written by the system only; the right is checked above.
        accepted.sudo().write({"state": "reopened", "accept_reason": False})
        return True

    def action_heal(self):
        """Repair what may be repaired; the rest says why it was refused.

        :raise AccessError: the user is no guard manager
        """
        return self._heal_by_hand(dry_run=False)

    def action_heal_dry_run(self):
        """Show what healing would do, and change nothing but the healing log.

        :raise AccessError: the user is no guard manager
        """
        return self._heal_by_hand(dry_run=True)

    def _heal_by_hand(self, dry_run):
        self._check_may_decide()
        # Healing writes caches and, by the engine, entries; the right is checked above.
        heals_sudo = self.env["guard.heal"].sudo()._heal(self.sudo(), dry_run)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Healing"),
            "res_model": "guard.heal",
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", heals_sudo.ids)],
        }
