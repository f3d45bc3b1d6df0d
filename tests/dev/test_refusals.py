"""What ./dev says when the machine cannot do it: one line, and an exit code."""

import importlib.machinery
import importlib.util
import os
import shutil
import socket
import sys
from collections import namedtuple

import pytest

from devtools import environment, run, system_packages
from devtools.environment import VirtualEnvironment
from devtools.say import DevError
from devtools.workspace import Workspace

from .conftest import complaint, make_odoo

Usage = namedtuple("Usage", "total used free")


def load_launcher():
    """Import the file ``dev``, which has no suffix."""
    path = str(Workspace.from_environment().root / "dev")
    loader = importlib.machinery.SourceFileLoader("launcher", path)
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("launcher", loader)
    )
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", [(3, 9, 2), (3, 14, 0)])
def test_unsupported_python(version, monkeypatch, capsys):
    """Another Python is looked for; without one, the sentence names the good ones."""
    launcher = load_launcher()
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(launcher, "find_python", lambda: None)
    assert launcher.main() == 1
    error = capsys.readouterr().err
    assert "Python {}.{} is not supported".format(*version) in error
    assert error.count("\n") == 1


def test_other_python_takes_over(monkeypatch):
    """If a supported Python is on the path, it runs ./dev instead."""
    launcher = load_launcher()
    calls = []
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    monkeypatch.setattr(launcher, "find_python", lambda: "/usr/bin/python3.12")
    monkeypatch.setattr(os, "execv", lambda *call: calls.append(call))
    monkeypatch.delenv("DEV_PYTHON_TRIED", raising=False)
    launcher.main()
    assert calls[0][0] == "/usr/bin/python3.12"


def test_no_disk_space(workspace, monkeypatch):
    """Too little space is said before anything is made."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10, 9, 10**9))
    with pytest.raises(DevError, match="needs 3.0 GB of disk space.*only 1.0 GB free"):
        VirtualEnvironment(workspace, "venv", "test.txt").ensure()
    assert not (workspace.home / "venv").exists()


def test_home_that_cannot_be_made(dev, tmp_path):
    """A file in the place of the folder is named."""
    (tmp_path / "file").write_text("")
    done = dev("setup", DEV_HOME=str(tmp_path / "file" / "home"))
    assert "cannot write to" in complaint(done)


def fake_pip(monkeypatch, workspace, output, code):
    """Replace the virtual environment's Python by a program that only prints."""

    def make(folder):
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\necho '{output}'\nexit {code}\n")
        python.chmod(0o755)

    monkeypatch.setattr(environment, "make_venv", make)
    return VirtualEnvironment(workspace, "venv", "test.txt")


def test_unreachable_package_index(workspace, monkeypatch):
    """pip's first error is the reason; the next run begins anew."""
    venv = fake_pip(monkeypatch, workspace, "ERROR: No matching distribution", 1)
    with pytest.raises(DevError, match="No matching distribution") as caught:
        venv.ensure()
    assert "\n" not in str(caught.value)
    assert not venv.stamp.exists()
    venv = fake_pip(monkeypatch, workspace, "done", 0).ensure()
    assert venv.stamp.exists()


def test_environment_is_made_once(workspace, monkeypatch):
    """A complete environment is left alone, an interrupted one is made anew."""
    venv = fake_pip(monkeypatch, workspace, "done", 0).ensure()
    (venv.folder / "mark").touch()
    venv.ensure()
    assert (venv.folder / "mark").exists()
    venv.stamp.unlink()
    venv.ensure()
    assert not (venv.folder / "mark").exists()


def test_port_in_use():
    """The line names the port and the option."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(DevError, match=f"port {port} cannot be used.*--port"):
            run.require_free_port(port)
    run.require_free_port(port)


def test_impossible_port():
    """A number that is no port is refused like one in use."""
    with pytest.raises(DevError, match="port 99999 cannot be used"):
        run.require_free_port(99999)


def test_missing_browser_is_an_error(monkeypatch):
    """Without a browser and without rights the line names what to install."""
    monkeypatch.setattr(system_packages, "find_browser", lambda: None)
    monkeypatch.setattr(system_packages, "_privilege", lambda: None)
    with pytest.raises(DevError, match="chromium is missing: install it"):
        system_packages.ensure_browser()


def test_package_that_apt_does_not_have(tmp_path, monkeypatch):
    """apt's own error is the reason."""
    program = tmp_path / "apt-get"
    program.write_text("#!/bin/sh\necho 'E: Unable to locate package'\nexit 100\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(system_packages, "_privilege", list)
    with pytest.raises(DevError, match="could not install foo: E: Unable to locate"):
        system_packages.install("foo")


def test_refusing_server(workspace, dev, tmp_path, monkeypatch):
    """A PostgreSQL named by PGHOST that does not answer is explained."""
    from devtools import postgres

    monkeypatch.setenv("PGHOST", str(tmp_path))
    with pytest.raises(DevError, match="PG\\* variables name refuses") as caught:
        postgres.check_external()
    assert "\n" not in str(caught.value)


def test_unknown_argument_and_help(dev):
    """Mistyped options are refused; each command explains itself."""
    assert dev("setup", "--nonsense").returncode == 2
    for command in ("setup", "run", "test", "lint", "shell", "psql", "reset", "bench"):
        done = dev(command, "--help")
        assert done.returncode == 0
        assert f"./dev {command}" in done.stdout


def test_unknown_benchmark(dev):
    """The known ones are listed."""
    assert "there is no benchmark 'nothing'" in complaint(dev("bench", "nothing"))


def test_reset_without_anything(dev, workspace, tmp_path):
    """Resetting a checkout where nothing was made makes nothing."""
    done = dev("reset", "--all", DEV_HOME=str(tmp_path / "never"))
    assert done.returncode == 0
    assert not (tmp_path / "never").exists()


def test_wrong_home_leaves_nothing_behind(dev, workspace, tmp_path):
    """A refused set-up can be repeated with the right folder."""
    make_odoo(tmp_path / "old", "(17, 0, 0, FINAL, 0, '')")
    complaint(dev("setup", ODOO_HOME=str(tmp_path / "old")))
    assert list(workspace.home.iterdir()) == []
