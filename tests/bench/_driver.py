"""What the benchmarks with Odoo processes have in common."""

import json
import subprocess
import sys
from pathlib import Path


class Process:
    """An Odoo process and its protocol: a JSON line each for question and answer.

    :param str worker: file name of the script that the process runs
    :param options: its command-line options, ``database`` among them
    """

    def __init__(self, worker, **options):
        self.database = options["database"]
        command = [sys.executable, str(Path(__file__).with_name(worker))]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", value]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.answer()

    def send(self, name, *args):
        self.process.stdin.write(json.dumps([name, *args]) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(
                f"The process on {self.database} ended early; see its error above."
            )
        return json.loads(line)

    def ask(self, name, *args):
        self.send(name, *args)
        return self.answer()

    def sql(self, statement):
        """Run a statement in the process's database, outside of Odoo."""
        subprocess.run(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.database],
            input=statement,
            check=True,
            text=True,
        )

    def close(self):
        """At the end of its standard input a worker ends."""
        self.process.communicate(timeout=60)


class Report:
    """Prints figures beside their bounds and tells how many were missed."""

    def __init__(self):
        self.missed = 0

    def add(self, what, value, bound, *, at_least=False, digits=2):
        met = value >= bound if at_least else value <= bound
        self.missed += not met
        sign = "at least" if at_least else "at most"
        print(
            f"{what:<58}{value:>14,.{digits}f}   {sign} {bound:,.{digits}f}"
            + ("" if met else "   MISSED"),
            flush=True,
        )
