"""A workspace in a temporary folder, and ./dev as its user runs it."""

import os
import subprocess
import sys

import pytest

from devtools.workspace import Workspace

UNSET = ("DEV_HOME", "ODOO_HOME", "ODOO_RC", "PGHOST", "PGPORT", "PGUSER", "PYTHONPATH")


@pytest.fixture
def workspace(tmp_path):
    """An empty home folder for this checkout."""
    real = Workspace.from_environment()
    home = tmp_path / "home"
    home.mkdir()
    return Workspace(real.root, home)


@pytest.fixture
def dev(workspace):
    """Run ./dev with an empty home folder; returns the completed process."""

    def run(*arguments, **variables):
        environment = {k: v for k, v in os.environ.items() if k not in UNSET}
        environment.update({"DEV_HOME": str(workspace.home), **variables})
        return subprocess.run(
            [sys.executable, str(workspace.root / "dev"), *arguments],
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    return run


def complaint(done):
    """Return the one line with which a refused ./dev ended."""
    assert done.returncode not in (0, None), done.stdout
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


def make_odoo(folder, version="(19, 0, 0, FINAL, 0, '')"):
    """Make a folder that looks like an Odoo of that version."""
    (folder / "odoo" / "addons" / "base").mkdir(parents=True)
    (folder / "odoo" / "addons" / "base" / "__manifest__.py").write_text("{}")
    text = f"FINAL = 'final'\nversion_info = {version}\n"
    (folder / "odoo" / "release.py").write_text(text)
    return folder
