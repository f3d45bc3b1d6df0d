from odoo import models
from odoo.tools import SQL


class AccountMove(models.Model):
    _inherit = "account.move"

    def _claim_for_payment(self):
        """Make two payments of one document follow each other.

        Both would read the open amount as it was when they began. The second one that
        writes the document's row fails with a serialization error, which the server
        repeats: then it reads what the first one left open.
        """
        if not self.ids:
            return
        self.env.cr.execute(
            SQL(
                """
                UPDATE account_move
                   SET write_date = write_date
                 WHERE id IN (
                           SELECT id
                             FROM account_move
                            WHERE id IN %s
                         ORDER BY id
                              FOR NO KEY UPDATE
                       )
                """,
                tuple(self.ids),
            )
        )
