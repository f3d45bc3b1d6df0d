"""./dev test: pytest on clones of the template database."""

import contextlib
import os

from .processes import attached
from .say import say
from .system_packages import ensure_browser, ensure_wkhtmltopdf
from .workspace import ADDONS

DEFAULT_WORKERS = 2


def run(session, arguments, workers=None):
    """Run pytest with `arguments` (nothing: all tests); return its exit code.

    Each worker process has a clone of its own. The environment tells tests that start
    Odoo themselves where everything is (see `devtools.session_from_environment`).
    """
    ensure_browser()
    ensure_wkhtmltopdf()
    if workers is None:
        workers = 1 if arguments else DEFAULT_WORKERS
    template = session.templates.addons()
    with contextlib.ExitStack() as stack:
        names = [
            stack.enter_context(session.databases.clone(template, f"gw{number}"))
            for number in range(workers)
        ]
        for name in names:
            session.databases.stop_autovacuum(name)
        say(f"Testing on {workers} clone(s) of {template}")
        command = pytest_command(session, arguments, names)
        environment = session.odoo.environment(DEV_TEST_DATABASES=",".join(names))
        environment["PYTHONPATH"] += os.pathsep + str(session.workspace.root)
        return attached(command, env=environment, cwd=session.workspace.root)


def pytest_command(session, arguments, databases):
    """Return the command line of pytest for a run on `databases`."""
    command = [session.odoo.python, "-m", "pytest", "-p", "devtools.pytest_plugin"]
    command += ["--odoo-http", f"--odoo-config={session.workspace.config}"]
    command += [f"--odoo-database={databases[0]}"]
    if len(databases) > 1:
        command += ["-n", len(databases), "--dist=loadscope"]
        # A worker that dies ends the run: another one would have no database.
        command += ["--max-worker-restart=0"]
    if not any(is_path(session.workspace.root, word) for word in arguments):
        command += default_paths(session.workspace)
    return [*map(str, command), *arguments]


def is_path(root, word):
    """Tell whether an argument of pytest is a file, a folder or a test in a file."""
    return not word.startswith("-") and (root / word.split("::")[0]).exists()


def default_paths(workspace):
    """Return the folders with tests, those of the addons first."""
    folders = [workspace.addons / name / "tests" for name in ADDONS]
    folders.append(workspace.root / "tests")
    return [str(path.relative_to(workspace.root)) for path in folders if path.is_dir()]
