"""Making, cloning and dropping databases together with their attachments."""

import json
import os
import re
import shutil
import time
from contextlib import contextmanager

from .processes import capture, check, last_line
from .say import DevError, say

PREFIX = "subledger_dev_"
CLONE = re.compile(rf"^{PREFIX}clone_(\d+)_")

# Tests roll back. Autovacuum would count no row in tables full of rolled-back ones,
# and PostgreSQL then plans Odoo's joins for empty tables: minutes instead of seconds.
# A table never counted is planned for by its size. Only a superuser may also say so
# for the tables that installing modules will make.
NO_AUTOVACUUM = """
    CREATE FUNCTION pg_temp.leave_alone(regclass) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', $1);
    END $$;
    SELECT pg_temp.leave_alone(oid) FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace;
    DO $do$
    BEGIN
        IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
            RETURN;
        END IF;
        CREATE FUNCTION leave_new_tables_alone() RETURNS event_trigger
        LANGUAGE plpgsql AS $$
        DECLARE made record;
        BEGIN
            FOR made IN SELECT * FROM pg_event_trigger_ddl_commands()
                         WHERE command_tag = 'CREATE TABLE'
            LOOP
                EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)',
                               made.object_identity);
            END LOOP;
        END $$;
        CREATE EVENT TRIGGER new_tables ON ddl_command_end
            WHEN TAG IN ('CREATE TABLE')
            EXECUTE FUNCTION leave_new_tables_alone();
    END $do$;
"""


def query(sql, database="postgres"):
    """Run `sql` and return the rows as lists of strings."""
    command = ["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]
    done = capture(command)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
        reason = errors[0] if errors else last_line(done.stderr)
        raise DevError(f"PostgreSQL refused a statement: {reason}")
    return [line.split("|") for line in done.stdout.splitlines()]


class Databases:
    """The databases of ./dev, all of them named with one prefix."""

    def __init__(self, workspace):
        self.filestore = workspace.data_dir / "filestore"
        self._clones = 0

    def names(self, prefix=""):
        """Return the names of our databases that go on with `prefix`."""
        pattern = (PREFIX + prefix).replace("_", r"\_") + "%"
        return [
            row[0]
            for row in query(
                f"SELECT datname FROM pg_database WHERE datname LIKE '{pattern}'"
            )
        ]

    def exists(self, name):
        """Tell whether the database `name` is there."""
        return name in self.names()

    def create(self, name, template="template0"):
        """Create `name` as a copy of `template`, attachments included."""
        command = ["createdb", "-w", "-T", template]
        if template == "template0":
            command += ["-E", "UTF8", "--lc-collate=C"]
        check([*command, name], f"the database {name} cannot be created")
        source = self.filestore / template
        if source.is_dir():
            # Attachments are named by content and never rewritten: links are enough.
            copy = self.filestore / name
            shutil.copytree(source, copy, copy_function=os.link, dirs_exist_ok=True)

    def drop(self, name):
        """Drop `name` if it is there, and its attachments."""
        capture(["dropdb", "-w", "--if-exists", "--force", name])
        shutil.rmtree(self.filestore / name, ignore_errors=True)

    def rename(self, old, new):
        """Give a database and its attachments another name."""
        query(f'ALTER DATABASE "{old}" RENAME TO "{new}"')
        shutil.rmtree(self.filestore / new, ignore_errors=True)
        if (self.filestore / old).is_dir():
            (self.filestore / old).rename(self.filestore / new)

    def stop_autovacuum(self, name):
        """Keep autovacuum off the tables of `name`, and off those it gets later."""
        query(NO_AUTOVACUUM, name)

    @contextmanager
    def clone(self, template, label="tests"):
        """Have a throw-away copy of `template` meanwhile; yields its name."""
        self._clones += 1
        name = f"{PREFIX}clone_{os.getpid()}_{self._clones}_{label}"
        self.create(name, template)
        try:
            yield name
        finally:
            self.drop(name)

    def drop_abandoned(self):
        """Drop the clones of processes that no longer run."""
        for name in self.names("clone_"):
            match = CLONE.match(name)
            if match and not os.path.exists(f"/proc/{match[1]}"):
                self.drop(name)

    def note(self, name, **values):
        """Write `values` into the comment of a database, with the present time."""
        text = json.dumps({**values, "used": int(time.time())}).replace("'", "''")
        query(f"COMMENT ON DATABASE \"{name}\" IS '{text}'")

    def read_note(self, name):
        """Return what `note` wrote, or an empty dict."""
        rows = query(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
            f"WHERE datname = '{name}'"
        )
        try:
            return json.loads("|".join(rows[0])) if rows else {}
        except ValueError:
            return {}

    def keep_recent(self, prefix, number):
        """Drop all but the `number` most recently used databases with `prefix`."""
        age = {name: self.read_note(name).get("used", 0) for name in self.names(prefix)}
        for name in sorted(age, key=age.get, reverse=True)[number:]:
            say(f"Dropping the old template {name}")
            capture(["dropdb", "-w", "--if-exists", name])
            if not self.exists(name):
                shutil.rmtree(self.filestore / name, ignore_errors=True)
