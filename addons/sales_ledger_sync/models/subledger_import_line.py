from odoo import fields, models


class SubledgerImportLine(models.Model):
    """A line of the file: waiting, imported whole, or left out with the reason.

    Written by the import only.
    """

    _name = "subledger.import.line"
    _description = "Receivables Import Line"
    _order = "import_id desc, line_number, id"
    _rec_name = "invoice_number"
    _allow_sudo_commands = False

    import_id = fields.Many2one(
        comodel_name="subledger.import",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    line_number = fields.Integer(string="Line", readonly=True, aggregator=None)
    invoice_number = fields.Char(readonly=True)
    customer = fields.Char(readonly=True)
    region = fields.Char(readonly=True)
    invoice_date = fields.Date(readonly=True)
    due_date = fields.Date(readonly=True)
    settled_date = fields.Date(string="Settlement Date", readonly=True)
    amount = fields.Monetary(readonly=True)
    disputed = fields.Boolean(readonly=True)
    state = fields.Selection(
        selection=[
            ("ready", "Waiting"),
            ("done", "Imported"),
            ("known", "Imported Before"),
            ("later", "After the Last Day"),
            ("error", "Error"),
        ],
        required=True,
        readonly=True,
    )
    content = fields.Char(
        readonly=True, help="The line as it stands in the file, if it has errors."
    )
    message = fields.Text(string="Reason", readonly=True)
    move_id = fields.Many2one(
        comodel_name="account.move",
        string="Invoice",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    payment_id = fields.Many2one(
        comodel_name="account.payment",
        string="Payment",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )

    _state_index = models.Index("(import_id, state, line_number)")
    # An invoice that somebody deleted may be imported again.
    _number_unique = models.UniqueIndex(
        "(company_id, invoice_number) WHERE state = 'done' AND move_id IS NOT NULL",
        "This invoice number was imported before.",
    )
