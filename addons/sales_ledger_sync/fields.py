from odoo import fields


class KeylessMany2one(fields.Many2one):
    """A many2one whose column has no foreign key in the database.

    Merging contacts or accounts rewrites every column that has a foreign key to
    the merged record, with raw SQL, and deletes rows that then break a
    constraint. Deleting a record cascades or nulls along foreign keys. Splitting
    an account rewrites every many2one that the catalogue of fields calls stored;
    there it is not called so. A ledger row must never follow such a change: it
    says who and what it was then. The id may therefore outlive the record it
    names; beside it stands a snapshot of what a reader needs.
    """

    def update_db_foreign_key(self, model, column):
        # OVERRIDE: the column is an integer to the database, on purpose.
        return
