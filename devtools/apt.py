"""Fetching Debian packages without installing them, from the machine's own mirror."""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .processes import capture, is_root, last_line, stream
from .say import DevError, say

SOURCES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d")
ONE_LINE = re.compile(
    r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<rest>.+)"
)
OPTION_FIELDS = {"signed-by": "Signed-By", "trusted": "Trusted"}
FETCHED = re.compile(r"^Get:\d+ \S+ (?:\S+ )*?(\S+) (\S+) (\S+) \[(.+)\]$")


@dataclass
class Mirror:
    """An archive of Debian packages: its address and how it is signed."""

    uri: str
    suites: list
    components: list
    signing: dict = field(default_factory=dict)


def parse_deb822(text):
    """Return the mirrors that a ``.sources`` file names and does not switch off."""
    mirrors = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if (
            fields.get("enabled", "yes") == "no"
            or "deb" not in fields.get("types", "").split()
        ):
            continue
        signing = {
            name: fields[key] for key, name in OPTION_FIELDS.items() if key in fields
        }
        for uri in fields.get("uris", "").split():
            suites = fields.get("suites", "").split()
            components = fields.get("components", "").split()
            mirrors.append(Mirror(uri, suites, components, signing))
    return mirrors


def _fields(stanza):
    """Return the fields of one stanza; continuation lines keep their form."""
    fields, name = {}, None
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace() and name:
            fields[name] += "\n" + line
        elif ":" in line:
            name, _colon, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def parse_one_line(text):
    """Return the mirrors that a ``.list`` file names."""
    mirrors = []
    for line in text.splitlines():
        match = ONE_LINE.match(line.split("#")[0].strip())
        if match:
            suite, *components = match["rest"].split()
            signing = _one_line_options(match["options"] or "")
            mirrors.append(Mirror(match["uri"], [suite], components, signing))
    return mirrors


def _one_line_options(text):
    pairs = (word.split("=", 1) for word in text.split() if "=" in word)
    return {OPTION_FIELDS[key]: value for key, value in pairs if key in OPTION_FIELDS}


def read_mirrors(sources=SOURCES):
    """Return all mirrors of the machine's apt sources."""
    paths = []
    for source in map(Path, sources):
        paths += sorted(source.iterdir()) if source.is_dir() else [source]
    mirrors = []
    for path in paths:
        if path.suffix in (".list", ".sources") and path.is_file():
            parse = parse_deb822 if path.suffix == ".sources" else parse_one_line
            mirrors += parse(path.read_text(errors="replace"))
    return mirrors


def debian_mirror(mirrors, codename):
    """Return the mirror of Debian's main archive, or None (other distributions)."""
    for mirror in mirrors:
        if "main" in mirror.components and codename in mirror.suites:
            return mirror
    return None


def machine_mirror():
    """Return this machine's Debian mirror; DevError if it has none."""
    release = {}
    if os.path.exists("/etc/os-release"):
        lines = Path("/etc/os-release").read_text().splitlines()
        release = dict(line.split("=", 1) for line in lines if "=" in line)
    codename = release.get("VERSION_CODENAME", "").strip('"')
    mirror = debian_mirror(read_mirrors(), codename) if codename else None
    if not mirror or release.get("ID", "").strip('"') != "debian":
        raise DevError("this machine's apt sources name no Debian archive")
    return mirror


class PrivateApt:
    """An apt of our own: other suites, own lists, nothing of the system changes."""

    def __init__(self, folder, mirror, suites):
        self.folder = Path(folder)
        for name in ("lists/partial", "cache/archives/partial", "parts", "debs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._write_sources(mirror, suites)

    def _write_sources(self, mirror, suites):
        fields = {"Types": "deb", "URIs": mirror.uri, "Suites": " ".join(suites)}
        fields.update({"Components": "main", **mirror.signing})
        text = "".join(f"{name}: {value}\n" for name, value in fields.items())
        (self.folder / "parts" / "debian.sources").write_text(text)

    def _command(self, *arguments):
        options = {
            "Dir::Etc::SourceList": "/dev/null",
            "Dir::Etc::SourceParts": self.folder / "parts",
            "Dir::State::Lists": self.folder / "lists",
            "Dir::Cache": self.folder / "cache",
            "Acquire::Retries": "2",
            "Acquire::Languages": "none",
        }
        if is_root():
            options["APT::Sandbox::User"] = "root"
        flags = [f"-o{name}={value}" for name, value in options.items()]
        return ["apt-get", *flags, *arguments]

    def download(self, packages):
        """Download `packages` and return the paths of the files.

        :raises DevError: with apt's own first error
        """
        self._run("update")
        self._run("download", *packages)
        return sorted((self.folder / "debs").glob("*.deb"))

    def _run(self, *arguments):
        code, output = stream(
            self._command(*arguments), say_fetched, cwd=self.folder / "debs"
        )
        errors = [line for line in output.splitlines() if line.startswith("E:")]
        if code or errors:
            reason = errors[0] if errors else last_line(output)
            raise DevError(f"the Debian archive did not deliver: {reason}")


def say_fetched(line):
    """Say which package apt is fetching, and its size."""
    match = FETCHED.match(line)
    if match and "Packages" not in line:
        say(f"  {match[1]} {match[3]} ({match[4]})")


def unpack(packages, folder):
    """Unpack package files into `folder` without installing them."""
    for package in packages:
        done = capture(["dpkg", "-x", package, folder])
        if done.returncode:
            raise DevError(
                f"{package.name} cannot be unpacked: {last_line(done.stderr)}"
            )


def fetch_and_unpack(packages, suites, target, complete):
    """Download `packages` of `suites` and unpack them; `target` appears when done.

    :param complete: called with the unpacked folder before it gets its final name
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise DevError("apt-get and dpkg are missing")
    mirror = machine_mirror()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="unpack-") as folder:
        files = PrivateApt(folder, mirror, suites).download(packages)
        tree = Path(folder) / "tree"
        tree.mkdir(mode=0o755)
        unpack(files, tree)
        complete(tree)
        tree.rename(target)
