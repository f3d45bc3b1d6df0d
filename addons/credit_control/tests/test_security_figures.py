from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models.res_partner import FIGURE_COLUMNS
from .common_attack import EXTENDED_MODELS, OUR_MODELS, AttackCommon
from .security_values import FLAGS


@tagged("post_install", "-at_install")
class TestFigures(AttackCommon):
    """No way of reading tells figures to those who may not know them."""

    def _get_figure_fields(self):
        """(model, field) of every amount that this addon adds."""
        for model_name in (*OUR_MODELS, *EXTENDED_MODELS):
            for name, field in self.env[model_name]._fields.items():
                is_ours = "credit_control" in field._modules
                if is_ours and field.type in ("float", "monetary", "char", "text"):
                    yield model_name, name

    def _get_readings(self, model_name, name):
        """(method, arguments) of all that reads the field, of all records."""
        ids = self.env[model_name].sudo().with_context(active_test=False).search([]).ids
        figure = {name: {}}
        for id_ in ids[-20:]:
            yield "read", [[id_], [name]]
            yield "web_read", [[id_], figure]
            yield "export_data", [[id_], [name]]
        yield "search_read", [[], [name]]
        yield "web_search_read", [[], figure]
        yield "formatted_read_group", [[], [], [f"{name}:max"]]
        yield "formatted_read_group", [[], [name], ["__count"]]

    @mute_logger("odoo.addons.base.models.ir_rule", "odoo.sql_db")
    def test_nobody_reads_what_others_owe(self):
        figures = list(self._get_figure_fields())
        self.assertIn(("res.partner", "credit_exposure"), figures)
        self.assertIn(("credit.hold", "reasons"), figures)
        found = []
        for model_name, name in figures:
            if self.env[model_name]._abstract or self.env[model_name]._transient:
                continue
            for method, arguments in self._get_readings(model_name, name):
                for user in self.secrets:
                    told = self._read_as(user, model_name, method, arguments)
                    found += [(user.login, model_name, method, arguments, told)] * bool(
                        told
                    )
        self.assertEqual(found, [])

    def _read_as(self, user, model_name, method, arguments):
        """What the user is told, also with forged companies."""
        everywhere = (self.company | self.other_company).ids
        told = []
        for context in ({}, {**FLAGS, "allowed_company_ids": everywhere}):
            try:
                with self.env.cr.savepoint():
                    answer = call_kw(
                        self.env(user=user)[model_name],
                        method,
                        arguments,
                        {"context": context},
                    )
            except (UserError, ValueError, TypeError):
                # A figure that is not stored is neither grouped nor added up
                continue
            text = repr(answer).replace(",", "")
            told += [secret for secret in self.secrets[user] if secret in text]
        self.env.invalidate_all()
        return told

    def test_nobody_finds_out_by_searching(self):
        """Filters and sorting would tell an amount digit by digit."""
        outsiders = self.portal_user | self.warehouse_user
        for name in (*FIGURE_COLUMNS, "exposure_overdue"):
            for user in outsiders:
                partners = self.env["res.partner"].with_user(user)
                with self.subTest(figure=name, user=user.login):
                    with self.assertRaises(AccessError):
                        partners.search([(name, ">", 7000)])
                    with self.assertRaises(AccessError):
                        partners.search([], order=name)
