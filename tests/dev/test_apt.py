"""Reading the machine's apt sources, and asking its mirror for packages."""

import os

import pytest

from devtools import apt
from devtools.say import DevError

DEB822 = """
Types: deb
# a comment in the middle
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/some.gpg

Types: deb
URIs: http://mirror.test/off
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://mirror.test/source
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.test/inline
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
"""
ONE_LINE = """
# deb http://mirror.test/commented bookworm main
deb [arch=amd64 signed-by=/key.gpg] http://mirror.test/debian bookworm main non-free
deb-src http://mirror.test/debian bookworm main
deb http://mirror.test/security bookworm-security main # why
"""


def test_deb822():
    """Stanzas that are switched off or are for sources do not count."""
    mirrors = apt.parse_deb822(DEB822)
    assert [mirror.uri[19:] for mirror in mirrors] == ["debian", "inline"]
    assert mirrors[0].suites == ["bookworm", "bookworm-updates"]
    assert mirrors[0].signing == {"Signed-By": "/usr/share/keyrings/some.gpg"}
    assert "abc" in mirrors[1].signing["Signed-By"]


def test_one_line():
    """Options and comments are understood."""
    mirrors = apt.parse_one_line(ONE_LINE)
    assert sum([mirror.suites for mirror in mirrors], []) == [
        "bookworm",
        "bookworm-security",
    ]
    assert mirrors[0].signing == {"Signed-By": "/key.gpg"}
    assert mirrors[0].components == ["main", "non-free"]


def test_sources_are_files_and_folders(tmp_path):
    """Both kinds of file are read, others are left alone."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "debian.sources").write_text(DEB822)
    (tmp_path / "parts" / "old.list.save").write_text(ONE_LINE)
    (tmp_path / "sources.list").write_text(ONE_LINE)
    paths = [tmp_path / "sources.list", tmp_path / "parts", tmp_path / "missing"]
    mirrors = apt.read_mirrors([path for path in paths])
    assert len(mirrors) == 4
    assert apt.debian_mirror(mirrors, "bookworm").uri == "http://mirror.test/debian"
    assert apt.debian_mirror(mirrors, "sid") is None


def fake_apt(folder, monkeypatch, script):
    """Put a program called apt-get first on the path."""
    program = folder / "apt-get"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


MIRROR = apt.Mirror("http://mirror.test/debian", ["bookworm"], ["main"])


def test_unreachable_mirror_is_one_line(tmp_path, monkeypatch):
    """apt's own first error is the reason."""
    fake_apt(tmp_path, monkeypatch, "echo 'E: Could not resolve'; echo more; exit 100")
    with pytest.raises(DevError, match=r"did not deliver: E: Could not resolve$"):
        apt.PrivateApt(tmp_path / "apt", MIRROR, ["sid"]).download(["odoo-19/sid"])


def test_error_with_exit_code_zero_counts(tmp_path, monkeypatch):
    """apt-get update may fail and still exit with 0."""
    fake_apt(tmp_path, monkeypatch, "echo 'E: Some index files failed'")
    with pytest.raises(DevError, match="Some index files failed"):
        apt.PrivateApt(tmp_path / "apt", MIRROR, ["sid"]).download(["odoo-19/sid"])


def test_interrupted_download_leaves_no_target(tmp_path, monkeypatch):
    """The target appears only when everything is unpacked."""
    fake_apt(tmp_path, monkeypatch, "echo 'E: broke off'; exit 100")
    monkeypatch.setattr(apt, "machine_mirror", lambda: MIRROR)
    target = tmp_path / "home" / "odoo-debian"
    target.parent.mkdir()
    with pytest.raises(DevError):
        apt.fetch_and_unpack(["odoo-19"], ["sid"], target, lambda tree: None)
    assert list(target.parent.iterdir()) == []
