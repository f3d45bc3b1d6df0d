"""The subcommands of ./dev; what they do is in the modules that they call."""

import shutil

from . import bench, core_tests, lint, pictures, run, testing
from .environment import lint_environment
from .processes import attached
from .say import say, warn
from .session import open_session


class Command:
    """One subcommand; `run`'s docstring is its help text."""

    name = help = ""
    passes_arguments = False

    def add_arguments(self, parser):
        """Declare the options of this subcommand."""

    def run(self, workspace, options):
        """Do it and return the exit code."""
        raise NotImplementedError


class Setup(Command):
    """Fetch everything."""

    name = "setup"
    help = "fetch Odoo and the packages, build the template databases"

    def run(self, workspace, options):
        """Fetch Odoo, the Python packages and the linters, start PostgreSQL once and
        build the template databases. The other commands do the part they need."""
        with open_session(workspace) as session:
            lint_environment(workspace).ensure()
            session.templates.addons()
        say(f"Ready: everything is in {workspace.home}")


class Run(Command):
    """Serve the web client."""

    name = "run"
    help = "serve the web client with demo data"

    def add_arguments(self, parser):
        """Declare the port and the wish for a new database."""
        parser.add_argument("--port", type=int, default=8069, help="default: 8069")
        parser.add_argument(
            "--fresh", action="store_true", help="start from a new database"
        )
        parser.add_argument(
            "--example",
            nargs="?",
            const="",
            metavar="FILE",
            help="serve a company's year of receivables, replayed from a CSV file",
        )

    def run(self, workspace, options):
        """Serve Odoo with demo data and the three addons at http://localhost:8069.

        With --example it is a database of its own, without demo data: the invoices
        and payments of a file of receivables (a small one comes with the project),
        credit limits and orders that follow from them, and a few planted faults.

        The database is kept between runs; changed addons are updated at the start.
        Ctrl-C stops."""
        with open_session(workspace) as session:
            return run.serve(session, options.port, options.fresh, options.example)


class Test(Command):
    """Run the tests."""

    name = "test"
    help = "run the linters and all tests"
    passes_arguments = True

    def add_arguments(self, parser):
        """Declare our own options; the others are pytest's."""
        parser.usage = "./dev test [-h] [--core] [--workers N] [PATH ...] [-k WORD ...]"
        parser.add_argument(
            "--core",
            action="store_true",
            help="run Odoo's own tests of the modules below, our addons installed",
        )
        parser.add_argument(
            "--workers", type=int, help="parallel processes, each with its database"
        )

    def run(self, workspace, options):
        """Run the linters, the tests of the three addons and those in tests/.

        Paths, -k and all other options go to pytest; with any of them the linters
        are left out. Each run works on clones of a template database. Browser tests
        are included; a missing browser is a failure."""
        if options.core:
            with open_session(workspace) as session:
                return core_tests.run(session, options.workers or 2, options.rest)
        lint_code = 0 if options.rest else lint.run(workspace)
        with open_session(workspace) as session:
            code = testing.run(session, options.rest, options.workers)
        return code or lint_code


class Lint(Command):
    """Run the linters."""

    name = "lint"
    help = "run the linters (--fix repairs what it can)"

    def add_arguments(self, parser):
        """Declare the wish to repair."""
        parser.add_argument(
            "--fix", action="store_true", help="let ruff repair and format first"
        )

    def run(self, workspace, options):
        """Run ruff, pylint-odoo and the community's module checks, offline."""
        return lint.run(workspace, options.fix)


class Shell(Command):
    """Odoo's shell."""

    name = "shell"
    help = "open Odoo's Python shell on the database of ./dev run"
    passes_arguments = True

    def run(self, workspace, options):
        """Open Odoo's Python shell on the database of ./dev run.

        Further options go to Odoo."""
        with open_session(workspace) as session:
            database = run.ensure_database(session)
            arguments = ["shell", "-d", database, "--no-http", *options.rest]
            return session.odoo.run(*arguments)


class Psql(Command):
    """PostgreSQL's terminal."""

    name = "psql"
    help = "open psql on the database of ./dev run"
    passes_arguments = True

    def run(self, workspace, options):
        """Open psql on the database of ./dev run; further options go to psql, for
        instance "-l" (list the databases) or "-c 'SELECT 1'"."""
        with open_session(workspace) as session:
            command = ["psql"]
            if not {"-d", "-l", "--list"}.intersection(options.rest):
                command += ["-d", run.ensure_database(session)]
            return attached([*command, *options.rest])


class Reset(Command):
    """Throw away."""

    name = "reset"
    help = "drop the databases (--all: remove everything that ./dev made)"

    def add_arguments(self, parser):
        """Declare how much is to go."""
        parser.add_argument(
            "--all", action="store_true", help="remove downloads and environments too"
        )

    def run(self, workspace, options):
        """Drop all databases that ./dev made, their attachments included.

        With --all also remove everything else: packages, Odoo, PostgreSQL."""
        if workspace.home.is_dir():
            run.reset(workspace, options.all)
        if options.all:
            shutil.rmtree(workspace.home, ignore_errors=True)
            if workspace.home.exists():
                warn(f"{workspace.home} could not be removed completely")
                return 1
        say("Done")


class Bench(Command):
    """Benchmarks."""

    name = "bench"
    help = "list or run the benchmarks of tests/bench"
    passes_arguments = True

    def add_arguments(self, parser):
        """Declare which benchmark."""
        parser.add_argument("script", nargs="?", help="a name from the list")

    def run(self, workspace, options):
        """Without a name: list the benchmarks. With one: run tests/bench/NAME.py
        on a new clone of the database; further options go to the script."""
        if not options.script:
            return bench.show(workspace)
        script = bench.find(workspace, options.script)
        with open_session(workspace) as session:
            return bench.run(session, script, options.rest)


class Pictures(Command):
    """Screenshots."""

    name = "pictures"
    help = "take the README's and the Apps pages' pictures anew"

    def add_arguments(self, parser):
        """Declare which pictures, and of which file's example."""
        parser.add_argument("names", nargs="*", help="only these pictures")
        parser.add_argument(
            "--example", default="", metavar="FILE", help="file of receivables"
        )

    def run(self, workspace, options):
        """Replay the example of ./dev run --example anew, and take the pictures that
        devtools/screenshots.json lists."""
        with open_session(workspace) as session:
            return pictures.take(session, options.example, options.names)


ALL = [Setup(), Run(), Test(), Lint(), Shell(), Psql(), Reset(), Bench(), Pictures()]
