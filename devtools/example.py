"""./dev run --example: a company's year of receivables, replayed into a database."""

import hashlib
import os
import resource
import time
from pathlib import Path

from .databases import PREFIX
from .fingerprint import addons_fingerprint
from .processes import attached
from .say import DevError, say
from .workspace import ADDONS

SAMPLE = "sales_ledger_sync/data/example/receivables_sample.csv"
BILLS = "sales_ledger_sync/tests/data/peppol_*.xml"


def ensure_example(session, path=None, fresh=False):
    """Return the name of the database that holds the example; make it if need be.

    :param path: CSV file of receivables; the shipped sample if None
    :param bool fresh: replay again even if the database is there
    :raises DevError: no such file, or Odoo cannot replay it
    """
    workspace = session.workspace
    name = f"{PREFIX}example_{workspace.key}"
    path = find_file(workspace, path)
    told = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    schema = addons_fingerprint(workspace.addons, ADDONS)
    note = session.databases.read_note(name)
    if fresh or note.get("example") != told:
        session.databases.drop(name)
        session.databases.create(name, session.templates.addons())
        load_example(session, name, path)
    elif note.get("schema") != schema:
        say("The addons have changed: updating the database")
        session.odoo.update(name)
    session.databases.note(name, schema=schema, example=told)
    return name


def find_file(workspace, path):
    """Return the file to replay: the one asked for, or the shipped sample."""
    path = Path(path).expanduser() if path else workspace.addons / SAMPLE
    if not path.is_file():
        raise DevError(f"there is no file {path}: name a CSV file of receivables")
    return path.resolve()


def load_example(session, database, path):
    """Replay a file of receivables in a database without invoices.

    Prints a summary, and how long it took.

    :raises DevError: Odoo refused the file or one of the documents
    """
    bills = sorted(session.workspace.addons.glob(BILLS))
    options = [f"--config={session.workspace.config}", f"--database={database}"]
    quiet = ["--log-level=warn", "--log-handler=py.warnings:ERROR"]
    command = [session.odoo.python, "-m", "devtools.example_story"]
    paths = filter(None, [session.workspace.root, session.odoo.source.folder])
    python_path = os.pathsep.join(map(str, paths))
    started, worked = time.monotonic(), processor_seconds()
    code = attached(
        [*command, *options, *quiet, path, *bills],
        env=session.odoo.environment(PYTHONPATH=python_path),
        cwd=session.workspace.root,
    )
    if code:
        raise DevError(f"the example could not be loaded from {path}", code=abs(code))
    elapsed, worked = time.monotonic() - started, processor_seconds() - worked
    say(f"The replay took {elapsed:.0f} s; {worked:.0f} s was Odoo's processor time")


def processor_seconds():
    """Return the processor time of all programs that were started and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
