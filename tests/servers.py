"""A server of its own for tests that need one from the outside."""

import contextlib
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from devtools.core_tests import free_port
from devtools.processes import die_with_parent
from devtools.session import session_of_tests

PATIENCE = 60


@contextlib.contextmanager
def running_server(database, *options):
    """Have Odoo's server up on a database meanwhile; yield its address.

    Whatever it logs as an error fails the test; what breaks while the server is being
    stopped does not count.
    """
    odoo, port = session_of_tests().odoo, free_port()
    command = odoo.command(
        "-d", database, f"--db-filter=^{database}$", f"--http-port={port}"
    )
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "odoo.log"
        with (
            open(log, "wb") as output,
            subprocess.Popen(
                [*map(str, command), "--log-level=warn", *options],
                env=odoo.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            ) as server,
        ):
            try:
                yield f"http://127.0.0.1:{port}"
                assert server.poll() is None, log.read_text()
                assert " ERROR " not in log.read_text(), log.read_text()
            finally:
                server.terminate()


def wait_until_healthy(url):
    """Wait until the server answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/web/health", timeout=PATIENCE).close()
            return
        assert time.monotonic() < deadline, f"no server after {PATIENCE} s"
        time.sleep(0.2)
