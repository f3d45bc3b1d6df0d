import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

BATCH_SIZE = 50


class CreditRecheck(models.Model):
    """Customers whose open holds have to be looked at again.

    Whatever lowers an exposure or raises a limit inserts a row, in its own transaction
    and without a lock, and wakes the scheduled action up. Rows, not a flag on the
    hold: two payments of one customer must not wait for each other.
    """

    _name = "credit.recheck"
    _description = "Credit Holds to Look at Again"
    _log_access = False
    _allow_sudo_commands = False

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", required=True, ondelete="cascade")

    @api.model
    def _request(self, company, partners):
        """Ask for the holds of ``partners`` in the company's area, if there are any."""
        commercial = partners.commercial_partner_id
        root = company.root_id
        if not commercial or not self._has_open_holds(root, commercial):
            return
        # sudo: whoever books a payment need not have any credit rights
        self.sudo().create(
            [
                {"company_id": root.id, "partner_id": partner.id}
                for partner in commercial
            ]
        )
        cron = self.env.ref("credit_control.cron_recheck", raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()

    @api.model
    def _has_open_holds(self, root, partners):
        fellow_ids = self.env["credit.group"]._get_fellow_ids(root, partners.ids)
        # sudo: the question must not depend on which holds the user may see
        return bool(
            self.env["credit.hold"]
            .sudo()
            .search_count(
                [
                    ("state", "=", "open"),
                    ("company_id", "child_of", root.id),
                    ("partner_id", "in", fellow_ids),
                ],
                limit=1,
            )
        )

    @api.model
    def _cron_recheck(self):
        """Look at the holds of the customers in the queue, a few at a time.

        Scheduled actions are not repeated by the server when two transactions meet:
        a batch that loses is left for the next tick.
        """
        cron = self.env["ir.cron"]
        remaining = self.search_count([])
        if not cron._commit_progress(remaining=remaining):
            return
        while taken := self._take():
            try:
                self._recheck(taken)
                self.env.flush_all()
            except psycopg2.OperationalError:
                self.env.cr.rollback()
                cron._trigger()
                break
            if not cron._commit_progress(len(taken)):
                break

    @api.model
    def _take(self):
        """Remove up to a batch of rows from the queue and return what they ask for."""
        return self.env.execute_query(
            SQL(
                """
                DELETE FROM credit_recheck
                      WHERE id IN (SELECT id FROM credit_recheck
                                 ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
                  RETURNING company_id, partner_id
                """,
                BATCH_SIZE,
            )
        )

    @api.model
    def _recheck(self, rows):
        Hold = self.env["credit.hold"]
        holds = Hold
        for company_id, partner_id in set(rows):
            root = self.env["res.company"].browse(company_id)
            fellow_ids = self.env["credit.group"]._get_fellow_ids(root, [partner_id])
            holds |= Hold.search(
                [
                    ("state", "=", "open"),
                    ("company_id", "child_of", company_id),
                    ("partner_id", "in", fellow_ids),
                ]
            )
        holds.sorted("id")._recheck()
