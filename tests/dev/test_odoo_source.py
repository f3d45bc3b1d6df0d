"""Which Odoo is used, and what is said when there is none."""

import os

import pytest

from devtools import apt, odoo_source
from devtools.say import DevError

from .conftest import complaint, make_odoo


@pytest.mark.parametrize("below", ["", "odoo", "usr/lib/python3/dist-packages"])
def test_home_may_be_tree_package_or_installation(tmp_path, below):
    """ODOO_HOME may name any folder that a user would call "my Odoo"."""
    site = tmp_path / (below if below.startswith("usr") else "")
    make_odoo(site)
    home = tmp_path / "odoo" if below == "odoo" else tmp_path
    assert odoo_source.locate(home).folder == site


@pytest.mark.parametrize(
    ("version", "name"),
    [("(18, 0, 0, FINAL, 0, '')", "18.0"), ("('saas~18', 4, 0, FINAL, 0, '')", "saas")],
)
def test_other_version_is_named(dev, tmp_path, version, name):
    """A wrong ODOO_HOME is explained with the version that was found."""
    make_odoo(tmp_path / "other", version)
    line = complaint(dev("setup", ODOO_HOME=str(tmp_path / "other")))
    assert f"is Odoo {name}" in line
    assert "19.0 is needed" in line


def test_home_without_odoo(dev, tmp_path):
    """A folder that holds no Odoo is named."""
    line = complaint(dev("setup", ODOO_HOME=str(tmp_path)))
    assert str(tmp_path) in line


def test_sibling_called_odoo_is_not_taken(tmp_path):
    """Only the named folder counts, not one beside it."""
    make_odoo(tmp_path)
    (tmp_path / "typo").mkdir()
    with pytest.raises(DevError):
        odoo_source.locate(tmp_path / "typo")


def test_installed_odoo_does_not_bring_its_neighbours(workspace, tmp_path, monkeypatch):
    """Of a site folder only the package ``odoo`` gets on the path."""
    site = make_odoo(tmp_path / "dist-packages")
    (site / "psycopg2").mkdir()
    monkeypatch.setenv("ODOO_HOME", str(site))
    for _time in range(2):
        source = odoo_source.ensure(workspace)
        assert os.listdir(source.folder) == ["odoo"]
        assert source.package.resolve() == (site / "odoo").resolve()


def fake_git(folder, script):
    """Put a program called git first on the path."""
    program = folder / "git"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_upstream_comes_first(workspace, tmp_path, monkeypatch):
    """Where upstream answers, its branch is cloned and nothing else is asked."""
    sample = make_odoo(tmp_path / "sample")
    script = f'case $1 in ls-remote) echo x;; *) cp -r {sample} "$8";; esac'
    monkeypatch.setenv("PATH", fake_git(tmp_path, script))
    monkeypatch.delenv("ODOO_HOME", raising=False)
    source = odoo_source.ensure(workspace)
    assert source.folder == workspace.home / "odoo"


def test_broken_clone_leaves_nothing(workspace, tmp_path, monkeypatch):
    """A clone that breaks off is removed, and Debian's package is tried."""
    script = 'case $1 in ls-remote) echo x;; *) mkdir "$8"; exit 128;; esac'
    monkeypatch.setenv("PATH", fake_git(tmp_path, script))
    monkeypatch.delenv("ODOO_HOME", raising=False)

    def unpack(packages, suites, target, complete):
        make_odoo(target)

    monkeypatch.setattr(apt, "fetch_and_unpack", unpack)
    source = odoo_source.ensure(workspace)
    assert source.folder.name == "odoo-debian"
    assert not list(workspace.home.glob("odoo.new"))


def test_no_network(workspace, tmp_path, monkeypatch):
    """Neither upstream nor a mirror: one line that says what to do."""
    monkeypatch.setenv("PATH", fake_git(tmp_path, "exit 128"))
    monkeypatch.delenv("ODOO_HOME", raising=False)

    def fail(*arguments):
        raise DevError("the Debian archive did not deliver: E: no route")

    monkeypatch.setattr(apt, "fetch_and_unpack", fail)
    with pytest.raises(DevError, match="set ODOO_HOME") as caught:
        odoo_source.ensure(workspace)
    assert "no route" in str(caught.value)
    assert not list(workspace.home.glob("odoo*/"))
