from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        # EXTENDS 'base': the merge rewrites journal items with raw SQL.
        res = super()._merge(partner_ids, dst_partner, extra_checks)
        self.env["subledger.sync"]._sync_partners(list(partner_ids))
        return res
