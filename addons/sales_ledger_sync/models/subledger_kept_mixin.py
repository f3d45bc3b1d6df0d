from odoo import api, models
from odoo.exceptions import UserError


class SubledgerKeptMixin(models.AbstractModel):
    """Rows that only the engine writes, by SQL; the ORM refuses everybody else, a
    superuser's code included."""

    _name = "subledger.kept.mixin"
    _description = "Kept by the Subledger"

    @api.model_create_multi
    def create(self, vals_list):
        if vals_list:
            raise UserError(self._get_refusal())
        return super().create(vals_list)

    def write(self, vals):
        if vals:
            raise UserError(self._get_refusal())
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self._get_refusal())

    @api.model
    def _get_refusal(self):
        return self.env._("These records are kept by the system.")
