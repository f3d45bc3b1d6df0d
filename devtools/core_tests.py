"""./dev test --core: Odoo's own tests with our three addons installed.

Odoo's own runner does it, and it installs all modules for it, ours included: tests
marked ``at_install`` are made to run when their module has just been installed, before
those that come later have added their columns. All others run, with our addons at
work, when everything is installed.
"""

import contextlib
import re
import socket
import subprocess
import time
from dataclasses import dataclass, field

from .processes import die_with_parent
from .say import DevError, say
from .system_packages import ensure_browser, ensure_wkhtmltopdf
from .workspace import ADDONS

# Two groups of about the same duration; each runs in a process of its own.
GROUPS = (
    ("account", "account_payment", "payment"),
    ("sale", "sale_management", "sale_stock", "stock_account", "purchase_stock"),
)
FAILURE = re.compile(r" (?:ERROR|FAIL).*?: (?:FAIL|ERROR): (.+?)\s*$")
TOTAL = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading")
POLL_SECONDS = 2


@dataclass
class Outcome:
    """What one run of Odoo's runner reported."""

    tests: int = 0
    failed: list = field(default_factory=list)
    finished: bool = False

    @property
    def good(self):
        """Tell whether the run came to its end without a failed test."""
        return self.finished and self.tests > 0 and not self.failed


def read_log(text):
    """Return the outcome that a log of Odoo tells."""
    outcome = Outcome()
    for line in text.splitlines():
        failure = FAILURE.search(line)
        if failure and failure[1] not in outcome.failed:
            outcome.failed.append(failure[1])
        total = TOTAL.search(line)
        if total:
            outcome.finished = True
            outcome.tests = int(total[3])
            if int(total[1]) + int(total[2]) and not outcome.failed:
                outcome.failed.append("a test that the log does not name")
    return outcome


def run(session, workers, tags):
    """Run Odoo's suites in `workers` (1 or 2) processes; return the exit code.

    :param list tags: tests to run instead, in the notation of Odoo's ``--test-tags``
    """
    ensure_browser()
    ensure_wkhtmltopdf()
    groups = split(workers, tags)
    template = session.templates.empty()
    with contextlib.ExitStack() as stack:
        runs = []
        for number, selection in enumerate(groups):
            database = session.databases.clone(template, f"core{number}")
            database = stack.enter_context(database)
            session.databases.stop_autovacuum(database)
            runs.append(CoreRun(session, database, selection, number))
        for core_run in runs:
            stack.callback(core_run.stop)
            core_run.start()
        wait(runs)
    return report([core_run.outcome() for core_run in runs])


def split(workers, tags):
    """Return the ``--test-tags`` of each process."""
    if tags:
        return [",".join(tags)]
    groups = GROUPS if workers > 1 else [sum(GROUPS, ())]
    return [",".join(f"/{module}" for module in group) for group in groups]


class CoreRun:
    """One process of Odoo's runner on a database of its own."""

    def __init__(self, session, database, tags, number):
        self.tags = tags
        self.log = session.workspace.home / f"core-{number}.log"
        self.process = None
        self._environment = session.odoo.environment()
        modules = ",".join([*sum(GROUPS, ()), *ADDONS])
        self._command = session.odoo.command(
            *("-d", database, f"--db-filter=^{database}$", "-i", modules),
            *("--stop-after-init", f"--test-tags={tags}", f"--http-port={free_port()}"),
            *("--max-cron-threads=0", "--log-handler=py.warnings:ERROR"),
        )

    def start(self):
        """Start it; the log goes to a file."""
        say(f"Odoo's tests {self.tags}: log in {self.log}")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self._command],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )

    def stop(self):
        """End it if it still runs."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def outcome(self):
        """Return what the log tells so far."""
        return read_log(self.log.read_text(errors="replace"))


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(runs):
    """Wait for all processes, saying each failed test when it happens."""
    said = set()
    while True:
        running = any(core_run.process.poll() is None for core_run in runs)
        for core_run in runs:
            for name in core_run.outcome().failed:
                if name not in said:
                    said.add(name)
                    say(f"  FAILED {name}")
        if not running:
            return
        time.sleep(POLL_SECONDS)


def report(outcomes):
    """Print the summary of a list of outcomes and return the exit code."""
    failed = [name for outcome in outcomes for name in outcome.failed]
    if not all(outcome.finished for outcome in outcomes):
        raise DevError("Odoo's runner did not come to its end, see the log")
    for name in failed:
        say(f"FAILED {name}")
    total = sum(outcome.tests for outcome in outcomes)
    say(f"{total - len(failed)} passed, {len(failed)} failed")
    return 0 if all(outcome.good for outcome in outcomes) else 1
