from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        # EXTENDS 'account': a new commercial entity takes its items along.
        if not {"parent_id", "is_company"} & vals.keys():
            return super().write(vals)
        owners = self._get_commercial_owners()
        res = super().write(vals)
        self._sync_moved(owners)
        return res

    def unlink(self):
        # EXTENDS 'account': contacts below become commercial entities of their own.
        owners = self._get_commercial_owners()
        res = super().unlink()
        self._sync_moved(owners)
        return res

    def _sync_moved(self, owners):
        """Let the entries follow the contacts whose commercial entity changed."""
        moved = [
            partner.id
            for partner, owner in owners.items()
            if partner.exists() and partner.commercial_partner_id != owner
        ]
        if moved:
            self.env["subledger.sync"]._sync_partners(moved)

    def _get_commercial_owners(self):
        """Commercial entity of these contacts and of all contacts below them."""
        # As superuser: contacts below may be hidden from whoever moves the parent.
        partners_sudo = self.sudo().with_context(active_test=False)
        below = partners_sudo.search([("id", "child_of", self.ids)])
        return {partner: partner.commercial_partner_id for partner in below}
