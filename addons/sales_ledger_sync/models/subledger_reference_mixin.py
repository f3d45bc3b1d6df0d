from odoo import api, models
from odoo.tools import SQL

from ..fields import KeylessMany2one


class SubledgerReferenceMixin(models.AbstractModel):
    """Rows whose references may outlive what they name.

    A ledger row keeps the id of a document or contact that was deleted or merged
    away. Screens read names through these references, and one missing record would
    make a whole list unreadable; here the missing ones get a name to be shown by.
    """

    _name = "subledger.reference.mixin"
    _description = "Names of Deleted References"

    def web_read(self, specification):
        # EXTENDS 'web'
        for field_name, field_spec in specification.items():
            if "fields" in field_spec and self._is_keyless(field_name):
                records = self.with_context(**field_spec.get("context", {}))
                self._name_missing(field_name, records[field_name])
        return super().web_read(specification)

    def _export_rows(self, fields, *, _is_toplevel_call=True):
        # EXTENDS 'base'
        for field_name in {path[0] for path in fields if path}:
            if self._is_keyless(field_name):
                self._name_missing(field_name, self[field_name])
        return super()._export_rows(fields, _is_toplevel_call=_is_toplevel_call)

    @api.model
    def _read_group_postprocess_groupby(self, groupby_spec, raw_values):
        # EXTENDS 'base'
        column = list(super()._read_group_postprocess_groupby(groupby_spec, raw_values))
        if self._is_keyless(groupby_spec):
            comodel = self.env[self._fields[groupby_spec].comodel_name]
            self._name_missing(groupby_spec, comodel.union(*column))
        return column

    @api.model
    def _is_keyless(self, field_name):
        return isinstance(self._fields.get(field_name), KeylessMany2one)

    @api.model
    def _name_missing(self, field_name, records):
        """Put a name into the cache for those of the records that do not exist."""
        missing = records - records.exists()
        if not missing:
            return
        names = self._get_missing_names(field_name, missing.ids)
        display_name = missing._fields["display_name"]
        for record in missing:
            name = names.get(record.id)
            label = (
                self.env._("%(name)s (deleted)", name=name)
                if name
                else self.env._("Deleted")
            )
            display_name._update_cache(record, label)

    @api.model
    def _get_missing_names(self, field_name, ids):
        """What the rows themselves say of these records.

        :return: ``{id: name}``; may lack some
        """
        if field_name != "partner_id":
            return {}
        table = SQL.identifier(self._table)
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT DISTINCT ON (partner_id) partner_id, partner_name
                         FROM %s WHERE partner_id = ANY(%s)
                     ORDER BY partner_id, id DESC""",
                    table,
                    list(ids),
                )
            )
        )
