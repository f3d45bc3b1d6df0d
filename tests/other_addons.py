"""Runs tests in a database with addons of Odoo that ours do not depend on.

They run in a process of their own: their modules must not be imported by the one that
tests the other addons.
"""

import subprocess
import sys

from devtools.session import session_of_tests


def run_with(modules, variable, *paths):
    """Run the tests of ``paths`` with ``modules`` installed; return pytest's output.

    :param list modules: technical names
    :param str variable: environment variable by which the tests know their database
    """
    [output] = run_in_turn((modules, variable, *paths))
    return output


def run_in_turn(*stages):
    """Same as :func:`run_with`, one stage after the other in the same database.

    :param stages: ``(modules, variable, *paths)``; the modules stay for the next one
    :return: the output of each
    """
    session = session_of_tests()
    label = stages[0][0][0]
    outputs = []
    with session.databases.clone(session.templates.addons(), label) as database:
        for modules, variable, *paths in stages:
            session.odoo.install(database, modules)
            outputs.append(_run_tests(session, database, variable, paths))
    return outputs


def _run_tests(session, database, variable, paths):
    command = [
        sys.executable,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("-p", "devtools.pytest_plugin", "--odoo-http"),
        f"--odoo-config={session.workspace.config}",
        f"--odoo-database={database}",
        *paths,
    ]
    variables = {variable: database, "DEV_TEST_DATABASES": database}
    environment = session.odoo.environment(**variables)
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
    return run.stdout
