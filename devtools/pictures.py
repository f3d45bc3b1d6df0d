"""./dev pictures: the README's and the Apps pages' pictures, of the example."""

import contextlib
import subprocess
import time
import urllib.request

from .core_tests import free_port
from .example import ensure_example
from .processes import attached, die_with_parent
from .run import LOG_HANDLERS
from .say import DevError, say
from .system_packages import ensure_browser

SHOTS = "devtools/screenshots.json"
START_SECONDS = 120


def take(session, path="", names=()):
    """Take the pictures and put them where they are shown; return an exit code.

    :param path: CSV file of receivables for the example; "" for the shipped one
    :param names: only these pictures; all if empty
    """
    ensure_browser()
    database = ensure_example(session, path, fresh=True)
    root = session.workspace.root
    with serving(session.odoo, database) as url:
        say("Taking the pictures")
        command = [session.odoo.python, root / "devtools/screenshots.py"]
        options = ["--url", url, "--db", database, "--out", root]
        return attached([*command, *options, root / SHOTS, *names])


@contextlib.contextmanager
def serving(odoo, database):
    """Have a server without scheduled actions meanwhile; yield its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = [f"--db-filter=^{database}$", f"--http-port={port}", "--log-level=error"]
    options += ["--max-cron-threads=0", *LOG_HANDLERS]
    command = odoo.command("-d", database, *options)
    with subprocess.Popen(
        [*map(str, command)], env=odoo.environment(), preexec_fn=die_with_parent
    ) as server:
        try:
            wait_until_healthy(server, url)
            yield url
        finally:
            server.terminate()


def wait_until_healthy(server, url):
    """Wait until the server answers; DevError if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/web/health", timeout=START_SECONDS).close()
            return
        time.sleep(0.2)
    raise DevError("the server for the pictures did not start")
