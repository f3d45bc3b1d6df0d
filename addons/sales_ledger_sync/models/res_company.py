from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class ResCompany(models.Model):
    _inherit = "res.company"

    subledger_apply_credit = fields.Boolean(
        string="Apply Open Customer Credit",
        help="When a customer invoice is posted, settle it with the customer's open "
        "payments and credit notes, oldest first.",
    )
    subledger_start_date = fields.Date(
        string="Ledger Start Date",
        default=lambda self: fields.Date.today(),
        help="Documents dated or posted from this day on have ledger entries. "
        "Empty: all documents.",
    )
    subledger_manual_policy = fields.Selection(
        [("skip", "Leave out"), ("record", "Record as adjustment")],
        string="Manual Journal Items",
        required=True,
        default="skip",
        help="Receivable and payable journal items without a source document: left "
        "out of the ledger (and named as a cause when it differs from the control "
        "account), or recorded as adjustments.",
    )
    subledger_history = fields.Selection(
        [
            ("none", "Leave out"),
            ("full", "Full history"),
            ("opening", "One opening entry per account"),
        ],
        string="Ledger History",
        required=True,
        default="none",
        help="What the ledger holds of the time before its start date.",
    )

    def write(self, vals):
        # The settings screen writes every setting, whether it changed or not.
        before = [company._get_history_settings() for company in self]
        res = super().write(vals)
        # A backfill has written what its settings ask for; it writes as superuser,
        # which no client can be.
        if not self.env.su:
            for company, settings in zip(self, before, strict=True):
                if company._get_history_settings() != settings:
                    company._check_ledger_holds_history()
        if vals.get("subledger_manual_policy") == "record":
            self._sync_manual_items()
        return res

    def _get_history_settings(self):
        """What decides which items of the past the ledger holds."""
        return self.subledger_start_date, self.subledger_history

    def _check_ledger_holds_history(self):
        """Refuse settings under which posted items lack their entries.

        :raise UserError: a backfill has to write them first
        """
        # The ledger is the system's; whether the person may write the company was
        # decided before.
        sync = self.env["subledger.sync"].sudo()
        sync._flush_what_is_read()
        missing = SQL(
            """SELECT EXISTS (SELECT FROM (%s) AS engine WHERE difference = 'missing')
                   OR EXISTS (%s)""",
            sync._difference_query(sync._candidates_of_companies(self.ids)),
            self.env["subledger.verify"].sudo()._opening_difference_sql(self.ids),
        )
        [(is_missing,)] = self.env.execute_query(missing)
        if is_missing:
            raise UserError(
                self.env._(
                    "With this setting the ledger of %(company)s would lack posted "
                    "receivable or payable items, or hold them twice. Start a backfill "
                    "with it instead (Subledger, Backfills): it writes their entries "
                    "and then changes the setting.",
                    company=self.name,
                )
            )

    def _sync_manual_items(self):
        """Record the manual items since the start date."""
        sync = self.env["subledger.sync"]
        sync._sync(sync._candidates_of_manual_items(self.ids))
