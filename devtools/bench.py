"""./dev bench: runs the scripts of tests/bench, each on new clones.

A benchmark is a file ``tests/bench/NAME.py`` whose module docstring's first line says
what it measures. It runs in the Odoo environment with these variables:

- ``BENCH_DATABASE``: a clone with the three addons installed;
- ``BENCH_STOCK_DATABASE``: a clone of the same database without them;
- ``ODOO_RC``, ``PYTHONPATH`` and the ``PG*`` variables, so that ``import odoo``,
  ``import tests`` and ``psql`` work.

Both databases are dropped afterwards. What the script prints is the result; a number
that misses its target is a non-zero exit code.
"""

import ast
import os

from .processes import attached
from .say import DevError, say


def scripts(workspace):
    """Return the benchmark scripts by name."""
    paths = sorted((workspace.root / "tests" / "bench").glob("*.py"))
    return {path.stem: path for path in paths if not path.stem.startswith("_")}


def show(workspace):
    """Print the names and first lines of all benchmarks."""
    for name, path in scripts(workspace).items():
        text = ast.get_docstring(ast.parse(path.read_text())) or "no description"
        say(f"{name:24} {text.splitlines()[0]}")
    return 0


def find(workspace, name):
    """Return the script called `name`; DevError if there is none."""
    known = scripts(workspace)
    if name not in known:
        names = ", ".join(known) or "none yet"
        raise DevError(f"there is no benchmark {name!r}; known: {names}")
    return known[name]


def run(session, script, arguments):
    """Run one benchmark; return its exit code."""
    databases, templates = session.databases, session.templates
    with (
        databases.clone(templates.addons(), "bench") as database,
        databases.clone(templates.base(), "stock") as stock,
    ):
        environment = session.odoo.environment(
            BENCH_DATABASE=database, BENCH_STOCK_DATABASE=stock
        )
        environment["PYTHONPATH"] += os.pathsep + str(session.workspace.root)
        command = [session.odoo.python, script, *arguments]
        return attached(command, env=environment, cwd=session.workspace.root)
