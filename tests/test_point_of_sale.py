"""The point of sale with ledger and credit, in a database with ``point_of_sale``.

The tests proper are in ``tests/pos``: they import the point of sale, which must not
happen in the process that tests the other addons.
"""

import subprocess
import sys

from devtools.session import session_of_tests
from devtools.workspace import ADDONS


def test_point_of_sale_with_ledger_and_credit():
    session = session_of_tests()
    with session.databases.clone(session.templates.addons(), "pos") as database:
        session.odoo.install(database, ["point_of_sale"])
        command = [
            sys.executable,
            *("-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-p", "devtools.pytest_plugin", "--odoo-http"),
            f"--odoo-config={session.workspace.config}",
            f"--odoo-database={database}",
            "tests/pos",
        ]
        environment = session.odoo.environment(
            LEDGER_POS_DATABASE=database, DEV_TEST_DATABASES=database
        )
        # A worker of pytest-xdist hands its role on to its children.
        environment.pop("PYTEST_XDIST_WORKER", None)
        run = subprocess.run(
            list(map(str, command)),
            cwd=session.workspace.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "12 passed" in run.stdout, f"{ADDONS}: {run.stdout}"
