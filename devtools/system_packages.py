"""What only the system's package manager can give: a browser and a PDF printer."""

import os
import shutil

from .processes import capture, is_root, stream
from .say import DevError, say

BROWSERS = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")


def find_browser():
    """Return the path of the browser that Odoo will find, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def ensure_browser():
    """Make sure that there is a browser for the tests, else DevError."""
    if not find_browser():
        install("chromium")
    if not find_browser():
        raise DevError("no browser found: install chromium or google-chrome")


def ensure_wkhtmltopdf():
    """Make sure that Odoo can print PDF documents, else DevError."""
    if not shutil.which("wkhtmltopdf"):
        install("wkhtmltopdf")


def install(package):
    """Install a Debian package with the system's package manager, saying so.

    :raises DevError: naming the package, when we may not or it does not exist
    """
    prefix = _privilege()
    if prefix is None:
        raise DevError(
            f"{package} is missing: install it with the system's package manager "
            f"(apt-get install {package})"
        )
    say(f"Asking the system's package manager for {package} (apt-get install)")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = [*prefix, "apt-get", "-q", "-y", "--no-install-recommends"]
    stream([*apt, "update"], lambda line: None, env=environment)
    code, output = stream([*apt, "install", package], _say_size, env=environment)
    if code:
        errors = [line for line in output.splitlines() if line.startswith("E:")]
        reason = errors[0] if errors else "see apt-get"
        raise DevError(f"apt-get could not install {package}: {reason}")


def _say_size(line):
    if line.startswith("Need to get"):
        say(f"  {line}")


def _privilege():
    """Return the command prefix that makes apt-get work, or None."""
    if not shutil.which("apt-get"):
        return None
    if is_root():
        return []
    if shutil.which("sudo") and capture(["sudo", "-n", "true"]).returncode == 0:
        return ["sudo", "-n"]
    return None
