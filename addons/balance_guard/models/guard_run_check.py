from odoo import fields, models


class GuardRunCheck(models.Model):
    """How one check went within a run (or within one part of a sweep)."""

    _name = "guard.run.check"
    _description = "Balance Check Result"
    _order = "id"
    _allow_sudo_commands = False
    _rec_name = "check_id"

    run_id = fields.Many2one(
        "guard.run", required=True, index=True, ondelete="cascade", readonly=True
    )
    check_id = fields.Many2one(
        "guard.check", required=True, ondelete="cascade", readonly=True
    )
    state = fields.Selection(
        [("done", "Done"), ("failed", "Failed")], required=True, readonly=True
    )
    error = fields.Text(readonly=True)
    seconds = fields.Float(digits=(16, 3), readonly=True)
    found_count = fields.Integer(string="Differences", readonly=True)
