from odoo import fields, models

from ..receivables_messages import field_names


class SubledgerImportColumn(models.Model):
    """A column of the file, and what it means."""

    _name = "subledger.import.column"
    _description = "Receivables Import Column"
    _order = "sequence, id"

    import_id = fields.Many2one(
        comodel_name="subledger.import",
        required=True,
        ondelete="cascade",
        index=True,
    )
    sequence = fields.Integer()
    name = fields.Char(string="Column in the File", required=True, readonly=True)
    sample = fields.Char(string="First Values", readonly=True)
    meaning = fields.Selection(
        selection=lambda self: self._get_meanings(),
        help="Columns without a meaning are not imported.",
    )

    def _get_meanings(self):
        return list(field_names(self.env).items())
