"""Mail creates nothing that decides about credit.

``message_process`` is open to everybody who has a login, and creates as superuser what
it is asked for, with the values it is given: it would be a way to release a hold, to
give oneself an authority or a customer a limit.
"""

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.tools.misc import clean_context

from .res_partner_credit_limit import LIMIT_FIELDS


@api.model
def refuse_mail(self, msg_dict, custom_values=None):
    """Refuse to make a record of a mail.

    :raise AccessError: always
    """
    raise AccessError(
        self.env._("No %(records)s is created by mail.", records=self._description)
    )


class CreditAuthority(models.Model):
    _inherit = "credit.authority"

    message_new = refuse_mail


class CreditGroup(models.Model):
    _inherit = "credit.group"

    message_new = refuse_mail


class CreditHold(models.Model):
    _inherit = "credit.hold"

    message_new = refuse_mail


class CreditLimit(models.Model):
    _inherit = "credit.limit"

    message_new = refuse_mail


class ResPartner(models.Model):
    _inherit = "res.partner"

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        # EXTENDS 'mail': a contact that writes gets no limit with it
        values = {
            name: value
            for name, value in (custom_values or {}).items()
            if name not in LIMIT_FIELDS
        }
        # pylint: disable-next=context-overridden
        partners = self.with_context(clean_context(self.env.context))
        return super(ResPartner, partners).message_new(msg_dict, values)
