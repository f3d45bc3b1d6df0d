"""Getting hold of Odoo 19: the user's own, upstream's branch, or Debian's package."""

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import apt
from .processes import attached, capture
from .say import DevError, say, warn

SERIES = "19.0"
UPSTREAM = "https://github.com/odoo/odoo.git"
ANSWER_SECONDS = 20
DEBIAN_SUITES = ("bookworm", "sid")
# The package links to files of the others: without jQuery every page is an error 500,
# and a newer Font Awesome has other file names, so that the icons vanish.
DEBIAN_PACKAGES = (
    "odoo-19/sid",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-font-awesome/bookworm",
    "fonts-glyphicons-halflings",
    "fonts-inconsolata/bookworm",
    "fonts-montserrat",
    "fonts-ocr-b",
    "fonts-roboto-unhinted",
)
DEBIAN_SITE = "usr/lib/python3/dist-packages"
VERSION = re.compile(
    r"^version_info = \((\d+), (\d+)|^version_info = \('([^']+)', (\d+)"
)


@dataclass(frozen=True)
class OdooSource:
    """An Odoo 19 on disk: the folder that holds the Python package ``odoo``."""

    folder: Path

    @property
    def package(self):
        """The folder of the Python package."""
        return self.folder / "odoo"

    @property
    def addons_paths(self):
        """The folders with Odoo's own addons; a source tree has two."""
        return [p for p in (self.package / "addons", self.folder / "addons") if _has(p)]

    @property
    def fingerprint(self):
        """Eight digits that change when this Odoo is another one or was updated."""
        stat = (self.package / "release.py").stat()
        head = self.folder / ".git" / "FETCH_HEAD"
        git = head.stat().st_mtime_ns if head.is_file() else 0
        text = f"{self.package.resolve()} {stat.st_mtime_ns} {git}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def _has(folder):
    return folder.is_dir() and any(folder.glob("*/__manifest__.py"))


def read_version(package):
    """Return the series that an ``odoo`` package says it is, e.g. ``19.0``."""
    for line in (package / "release.py").read_text().splitlines():
        match = VERSION.match(line)
        if match:
            return ".".join(part for part in match.groups() if part)
    return "unknown"


def locate(home):
    """Return the source in `home`: a source tree, a site folder or the package.

    :raises DevError: when there is no Odoo, or one of another version
    """
    home = Path(home).expanduser().absolute()
    places = [home, home / DEBIAN_SITE]
    if home.name == "odoo":
        places.append(home.parent)
    for folder in places:
        if (folder / "odoo" / "release.py").is_file():
            break
    else:
        raise DevError(f"ODOO_HOME={home} holds no Odoo (no file odoo/release.py)")
    version = read_version(folder / "odoo")
    if version != SERIES:
        raise DevError(f"ODOO_HOME={home} is Odoo {version}, but {SERIES} is needed")
    return OdooSource(folder)


def ensure(workspace):
    """Return an Odoo 19, fetching it first if the user has none."""
    home = os.environ.get("ODOO_HOME")
    if home:
        return _isolated(workspace, locate(home))
    for folder in (workspace.home / "odoo", workspace.home / "odoo-debian"):
        if folder.is_dir():
            return locate(folder)
    with workspace.lock("odoo"):
        workspace.require_space("fetching Odoo")
        _clone(workspace.home / "odoo") or _debian(workspace.home / "odoo-debian")
    return ensure(workspace)


def _isolated(workspace, source):
    """Shield us from the packages that live beside an installed Odoo.

    Putting a site folder on the path would replace our pinned packages by whatever
    the system has, so a link to the one package is used instead.
    """
    if source.folder.name not in ("dist-packages", "site-packages"):
        return source
    link = workspace.home / f"odoo-installed-{source.fingerprint}" / "odoo"
    if not link.is_symlink():
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(source.package)
    return OdooSource(link.parent)


def _clone(target):
    """Clone upstream's branch; return False if upstream cannot be reached."""
    if target.is_dir():
        return True
    if not shutil.which("git") or not _upstream_answers():
        return False
    say(f"Cloning Odoo {SERIES} from {UPSTREAM} (about 350 MB)")
    temporary = target.with_name("odoo.new")
    shutil.rmtree(temporary, ignore_errors=True)
    command = ["git", "clone", "--progress", "--depth", "1", "--branch", SERIES]
    environment = {**_quiet_git(), "GIT_HTTP_LOW_SPEED_LIMIT": "1000"}
    environment["GIT_HTTP_LOW_SPEED_TIME"] = "60"
    if attached([*command, UPSTREAM, temporary], env=environment):
        shutil.rmtree(temporary, ignore_errors=True)
        warn("the clone broke off, trying Debian's package")
        return False
    temporary.rename(target)
    return True


def _upstream_answers():
    say("Looking for Odoo's own repository")
    command = ["timeout", str(ANSWER_SECONDS), "git", "ls-remote", UPSTREAM]
    done = capture([*command, f"refs/heads/{SERIES}"], env=_quiet_git())
    return done.returncode == 0 and bool(done.stdout)


def _quiet_git():
    return {**os.environ, "GIT_TERMINAL_PROMPT": "0"}


def _debian(target):
    """Fetch Debian's package; DevError if that fails too."""
    if target.is_dir():
        return
    say("It cannot be reached: downloading Debian's package of Odoo 19 (about 125 MB)")
    try:
        apt.fetch_and_unpack(DEBIAN_PACKAGES, DEBIAN_SUITES, target, _add_stub)
    except DevError as error:
        raise DevError(
            f"Odoo {SERIES} cannot be had: {UPSTREAM} does not answer and {error}; "
            f"set ODOO_HOME to an Odoo {SERIES} of yours"
        ) from None


def _add_stub(tree):
    """Put an empty file where the package lacks one that the web client asks for.

    Without it each page logs an error in the browser, which fails every browser test.
    """
    library = tree / DEBIAN_SITE / "odoo/addons/mail/static/lib/selfie_segmentation"
    library.mkdir(exist_ok=True)
    (library / "selfie_segmentation.js").touch()
