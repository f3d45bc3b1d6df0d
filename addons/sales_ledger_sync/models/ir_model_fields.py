from odoo import models

from ..fields import KeylessMany2one


class IrModelFields(models.Model):
    _inherit = "ir.model.fields"

    def _reflect_field_params(self, field, model_id):
        # EXTENDS 'base': splitting an account rewrites every stored many2one that this
        # catalogue lists, with raw SQL. A ledger row is to be passed by there as well.
        params = super()._reflect_field_params(field, model_id)
        if isinstance(field, KeylessMany2one):
            params["store"] = False
        return params
