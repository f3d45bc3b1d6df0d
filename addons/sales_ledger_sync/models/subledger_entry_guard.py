from psycopg2 import errorcodes

from odoo import api, models
from odoo.tools import SQL

# What sealing writes, once; every other column is written by INSERT only.
SEAL_COLUMNS = ("number", "balance_after", "hash")


class SubledgerEntry(models.Model):
    """What keeps the ledger append-only in the database itself, whoever asks."""

    _inherit = "subledger.entry"

    def init(self):
        res = super().init()
        self._create_guard_function()
        self._create_guard_triggers()
        self._create_chain_aggregate()
        # Sealing moves every row once: without an early vacuum the index of the
        # unsealed tail, which every balance reads, fills with dead rows.
        self.env.cr.execute(
            """
            ALTER TABLE subledger_entry SET (
                autovacuum_vacuum_scale_factor = 0.02,
                autovacuum_analyze_scale_factor = 0.02);
            ALTER INDEX subledger_entry_pkey SET (fillfactor = 50)
            """
        )
        return res

    def _create_guard_function(self):
        # Class 23 errors reach the user as a message, by the model of their table;
        # the default class would be an HTTP 500.
        self.env.cr.execute(
            """
            CREATE OR REPLACE FUNCTION subledger_entry_refuse() RETURNS trigger
            LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION
                    'Subledger entries are append-only: % refused.', TG_OP
                    USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME,
                          HINT = 'Correct the journal entry; the ledger follows '
                                 'with a reversal and a new entry.';
            END $$
            """
        )

    @api.model
    def _sql_error_to_message(self, exc):
        # EXTENDS 'base': else the message ends in the trigger's line of code.
        by_trigger = not exc.diag.constraint_name
        if by_trigger and exc.pgcode == errorcodes.RESTRICT_VIOLATION:
            return self._get_refusal()
        return super()._sql_error_to_message(exc)

    def _create_guard_triggers(self):
        # Only NULL -> value of the sealing columns may pass, and only once. The other
        # columns come from the catalogue: one that a later version adds may be
        # filled by the update that adds it, and is guarded from then on.
        changed = self._any_changed_sql(self._get_guarded_columns())
        sealed_again = self._any_changed_sql(SEAL_COLUMNS)
        for name, definition in (
            (
                "subledger_entry_no_update",
                SQL(
                    "BEFORE UPDATE ON subledger_entry FOR EACH ROW WHEN "
                    "(%s OR (OLD.number IS NOT NULL AND (%s)))",
                    changed,
                    sealed_again,
                ),
            ),
            (
                "subledger_entry_no_delete",
                SQL("BEFORE DELETE ON subledger_entry FOR EACH ROW"),
            ),
            (
                "subledger_entry_no_truncate",
                SQL("BEFORE TRUNCATE ON subledger_entry FOR EACH STATEMENT"),
            ),
        ):
            trigger = SQL.identifier(name)
            self.env.cr.execute(
                SQL("DROP TRIGGER IF EXISTS %s ON subledger_entry", trigger)
            )
            self.env.cr.execute(
                SQL(
                    "CREATE TRIGGER %s %s EXECUTE FUNCTION subledger_entry_refuse()",
                    trigger,
                    definition,
                )
            )
            # ALWAYS: also in a session that plays a replica (restore, populate).
            self.env.cr.execute(
                SQL("ALTER TABLE subledger_entry ENABLE ALWAYS TRIGGER %s", trigger)
            )

    @staticmethod
    def _any_changed_sql(columns):
        return SQL(" OR ").join(
            SQL(
                "OLD.%(column)s IS DISTINCT FROM NEW.%(column)s",
                column=SQL.identifier(column),
            )
            for column in columns
        )

    def _get_guarded_columns(self):
        rows = self.env.execute_query(
            SQL(
                """
                SELECT attname FROM pg_attribute
                 WHERE attrelid = 'subledger_entry'::regclass
                   AND attnum > 0 AND NOT attisdropped
                   AND attname <> ALL(%s)
              ORDER BY attnum
                """,
                list(SEAL_COLUMNS),
            )
        )
        return [column for (column,) in rows]

    def _create_chain_aggregate(self):
        # As a window aggregate it chains a whole batch in one statement.
        self.env.cr.execute(
            """
            CREATE OR REPLACE FUNCTION subledger_chain_step(
                state text, seed text, payload text
            ) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
            BEGIN
                RETURN '1$' || encode(sha256(convert_to(
                    COALESCE(state, seed, '') || payload, 'UTF8')), 'hex');
            END $$
            """
        )
        self.env.cr.execute(
            """
            DO $$
            BEGIN
                CREATE AGGREGATE subledger_chain(text, text) (
                    SFUNC = subledger_chain_step, STYPE = text
                );
            EXCEPTION WHEN duplicate_function THEN NULL;
            END $$
            """
        )

    @api.model
    def _drop_database_objects(self):
        """Remove what dropping the table leaves behind; for uninstallation."""
        self.env.cr.execute(
            """
            DROP AGGREGATE IF EXISTS subledger_chain(text, text);
            DROP FUNCTION IF EXISTS subledger_chain_step(text, text, text);
            DROP FUNCTION IF EXISTS subledger_entry_refuse() CASCADE;
            """
        )
