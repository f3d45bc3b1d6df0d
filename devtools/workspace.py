"""Where everything is: the checkout, and the one folder that ./dev fills."""

import fcntl
import hashlib
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .say import DevError, human_size

ADDONS = ("sales_ledger_sync", "credit_control", "balance_guard")
MINIMUM_FREE = 3 * 10**9


@dataclass(frozen=True)
class Workspace:
    """Paths of one checkout (`root`) and of the folder with all made things (`home`).

    Several checkouts may share a `home` (environment variable DEV_HOME); whatever
    belongs to one checkout carries its `key`.
    """

    root: Path
    home: Path

    @classmethod
    def from_environment(cls):
        """Return the workspace of the checkout that this file belongs to."""
        root = Path(__file__).resolve().parent.parent
        home = os.environ.get("DEV_HOME")
        return cls(root, Path(home).expanduser().resolve() if home else root / ".dev")

    @property
    def key(self):
        """Six hexadecimal digits that tell this checkout from others."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:6]

    @property
    def addons(self):
        """The folder with the three addons."""
        return self.root / "addons"

    @property
    def data_dir(self):
        """Odoo's data folder: attachments and sessions."""
        return self.home / "data"

    @property
    def config(self):
        """Odoo's configuration file for this checkout."""
        return self.home / f"odoo-{self.key}.conf"

    def prepare(self):
        """Make the home folder; DevError if that is impossible."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DevError(f"cannot write to {self.home}: {error.strerror}") from None

    def require_space(self, purpose, needed=MINIMUM_FREE):
        """Raise DevError unless `needed` bytes are free for `purpose`."""
        free = shutil.disk_usage(self.home).free
        if free < needed:
            raise DevError(
                f"{purpose} needs {human_size(needed)} of disk space, "
                f"{self.home} has only {human_size(free)} free"
            )

    @contextmanager
    def lock(self, name):
        """Hold an exclusive lock, so that two ./dev do not make the same thing."""
        with open(self.home / f"{name}.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
