"""The two virtual environments: one for Odoo and the tests, one for the linters."""

import hashlib
import re
import shutil
import sys
from pathlib import Path

from .processes import capture, is_root, last_line, stream
from .say import DevError, say

LARGE_DOWNLOAD = re.compile(r"^\s*Downloading (\S+)-\d\S* \((\d+(?:\.\d+)? MB)\)")


class VirtualEnvironment:
    """A virtual environment in the home folder with the packages of one file.

    It counts as made only when the stamp is there, which is written last; one that
    was interrupted is made anew.
    """

    def __init__(self, workspace, name, requirements):
        self.workspace = workspace
        self.name = name
        self.folder = workspace.home / name
        self.requirements = workspace.root / "requirements" / requirements
        self.stamp = self.folder / "complete"

    @property
    def python(self):
        """The interpreter of this environment."""
        return self.folder / "bin" / "python"

    @property
    def site_packages(self):
        """The folder that holds the installed packages."""
        version = "python{}.{}".format(*sys.version_info)
        return self.folder / "lib" / version / "site-packages"

    def ensure(self):
        """Make the environment unless it is there with the pinned packages."""
        if self._is_current():
            return self
        with self.workspace.lock(self.name):
            if not self._is_current():
                self._make()
        return self

    def _is_current(self):
        if not self.python.exists() or not self.stamp.is_file():
            return False
        return self.stamp.read_text() == self._fingerprint()

    def _fingerprint(self):
        """A digest of the interpreter and of the requirement files that matter."""
        digest = hashlib.sha256(f"{sys.version_info[:3]} {sys.base_prefix}".encode())
        for path in sorted(self.requirements.parent.glob("*.txt")):
            if path == self.requirements or path.name not in ("lint.txt", "test.txt"):
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def _make(self):
        self.workspace.require_space("installing the Python packages")
        shutil.rmtree(self.folder, ignore_errors=True)
        say(f"Making the virtual environment {self.folder}")
        make_venv(self.folder)
        say(f"Installing the packages of {self.requirements.name} (some minutes)")
        self._install()
        self.stamp.write_text(self._fingerprint())

    def _install(self):
        constraints = self.requirements.parent / "constraints.txt"
        command = [self.python, "-m", "pip", "install", "--retries", "2"]
        command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
        command += ["-r", self.requirements, "-c", constraints]
        code, output = stream(command, say_large_download)
        if code:
            log = self.workspace.home / f"{self.name}-install.log"
            log.write_text(output)
            raise DevError(
                f"the Python packages could not be installed (is the package index "
                f"reachable? see {log}): {first_error(output)}"
            )


def say_large_download(line):
    """Say one line of pip's output if it announces a large download."""
    match = LARGE_DOWNLOAD.match(line)
    if match:
        say(f"  {match[1]} ({match[2]})")


def first_error(output):
    """Return the first error that pip printed, else its last line."""
    for line in output.splitlines():
        if line.startswith("ERROR:"):
            return line.removeprefix("ERROR:").strip()
    return last_line(output)


def make_venv(folder):
    """Make an empty virtual environment with pip; DevError if Python cannot."""
    command = [sys.executable, "-m", "venv", "--clear", folder]
    done = capture(command)
    if done.returncode and "ensurepip" in done.stdout + done.stderr and is_root():
        from .system_packages import install

        install(f"python3.{sys.version_info[1]}-venv")
        done = capture(command)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        hint = f"install the system package python3.{sys.version_info[1]}-venv"
        reason = last_line(done.stderr or done.stdout)
        raise DevError(f"Python cannot make a virtual environment, {hint} ({reason})")


def main_environment(workspace):
    """Return the environment that Odoo and the tests run in."""
    return VirtualEnvironment(workspace, "venv", "test.txt")


def lint_environment(workspace):
    """Return the environment of the linters."""
    return VirtualEnvironment(workspace, "lint", "lint.txt")


def executable(environment, name):
    """Return the path of a program of that environment."""
    return Path(environment.folder) / "bin" / name
