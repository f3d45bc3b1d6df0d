"""A PostgreSQL of our own, driven by PostgreSQL's own tools.

The programs come with a Python package, but not its Python wrapper, which believes
whatever a stale ``postmaster.pid`` says. The server listens on a Unix socket only, so
it needs no port, and only its owner reaches the folder with the socket.
"""

import fcntl
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from .processes import check, is_root
from .say import DevError, say

SUPERUSER = "odoo"
LONGEST_SOCKET_FOLDER = 85
START_SECONDS = 60
# A developer's server: nothing on it is worth a disk flush. The last four lines let a
# test bring up a streaming replica with pg_basebackup.
SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0777
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
shared_buffers = 512MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
checkpoint_timeout = 30min
autovacuum_naptime = 30s
timezone = 'UTC'
log_timezone = 'UTC'
wal_level = replica
max_wal_senders = 4
max_replication_slots = 4
hot_standby = on
"""


class EmbeddedPostgres:
    """The server in the home folder; shared by all ./dev that run at the same time."""

    def __init__(self, workspace, programs):
        self.workspace = workspace
        self.programs = Path(programs)
        self.folder = workspace.home / "postgres"
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.owner = find_owner() if is_root() else None

    # -- life cycle ---------------------------------------------------------

    @contextmanager
    def running(self):
        """Have the server up meanwhile; whoever leaves last stops it.

        Each user holds a shared lock, which the kernel frees even when ./dev is
        killed, so no count of users can go wrong.
        """
        with open(self.workspace.home / "postgres.lock", "w") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            with self.workspace.lock("postgres-start"):
                self._start()
            try:
                yield self.environment()
            finally:
                self._leave(users)

    def _leave(self, users):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        self.stop()

    def _start(self):
        if self.is_running():
            return
        self._make_data()
        self._remove_stale_files()
        self.log.unlink(missing_ok=True)
        self._make_socket_folder()
        self.workspace.require_space("PostgreSQL", 5 * 10**8)
        arguments = ["start", "-w", "-t", START_SECONDS, "-l", self.log]
        done = self._control(*arguments, "-o", f"-k '{self.socket_folder}'")
        if done.returncode or not self.is_running():
            raise DevError(
                f"PostgreSQL does not start, see {self.log}: {self._reason()}"
            )

    def stop(self):
        """Stop the server if it runs; clients that are still there lose it."""
        if self.is_running():
            self._control("stop", "-m", "fast", "-w", "-t", START_SECONDS)
        if self._short_folder_note.is_file():
            shutil.rmtree(self.socket_folder, ignore_errors=True)
            self._short_folder_note.unlink()

    def is_running(self):
        """Tell whether the process of ``postmaster.pid`` really is our server."""
        pid = self._recorded_pid()
        if not pid:
            return False
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(self.data) in command

    def _recorded_pid(self):
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n")[0])
        except (OSError, ValueError):
            return None

    def _remove_stale_files(self):
        """Remove what a killed server left, which might stop the next one."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        if self.socket_folder.is_dir():
            for path in self.socket_folder.glob(".s.PGSQL.*"):
                path.unlink()

    def _reason(self):
        if not self.log.is_file():
            return "no message"
        lines = self.log.read_text(errors="replace").splitlines()
        marks = ("FATAL", "could not", "LOG:  unrecognized", "LOG:  invalid")
        bad = [line for line in lines if any(mark in line for mark in marks)]
        return (bad or lines or ["no message"])[0]

    # -- files --------------------------------------------------------------

    @property
    def _short_folder_note(self):
        return self.folder / "socket-folder"

    @property
    def socket_folder(self):
        """The folder of the socket, elsewhere if its path would be too long."""
        if self._short_folder_note.is_file():
            return Path(self._short_folder_note.read_text())
        return self.folder / "socket"

    def _make_socket_folder(self):
        folder = self.socket_folder
        if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER and not folder.exists():
            folder = Path(tempfile.mkdtemp(prefix="pg-"))
            self._short_folder_note.write_text(str(folder))
        folder.mkdir(exist_ok=True)
        self._give(folder)

    def _give(self, folder):
        """Make `folder` private to the user that the server runs as."""
        folder.chmod(0o700)
        if self.owner:
            os.chown(folder, self.owner.pw_uid, self.owner.pw_gid)

    def _make_data(self):
        if self.data.is_dir():
            return
        say("Making a PostgreSQL database cluster")
        self.folder.mkdir(exist_ok=True)
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
            open_parents(self.folder)
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        options = ["-U", SUPERUSER, "--auth=trust", "-E", "UTF8", "--locale=C", "-N"]
        command = [self.programs / "initdb", *options, "-D", new]
        check(command, "PostgreSQL's initdb failed", **self._as_owner())
        with open(new / "postgresql.conf", "a") as configuration:
            configuration.write(SETTINGS)
        new.rename(self.data)

    # -- programs -----------------------------------------------------------

    def environment(self):
        """Return the variables that make every client find this server."""
        return {"PGHOST": str(self.socket_folder), "PGUSER": SUPERUSER}

    def _as_owner(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        options = {"cwd": self.folder, "env": {**environment, "LC_ALL": "C"}}
        if self.owner:
            user, group = self.owner.pw_uid, self.owner.pw_gid
            options.update(user=user, group=group, extra_groups=[])
        return options

    def _control(self, action, *arguments):
        command = [self.programs / "pg_ctl", "-D", self.data, action, *arguments, "-s"]
        return run_detached(command, **self._as_owner())


def find_owner():
    """Return the user that the server runs as, because it refuses to run as root."""
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise DevError(
            "PostgreSQL refuses to run as root and there is no user nobody: "
            "run ./dev as another user"
        ) from None


def run_detached(command, **options):
    """Run a program whose children may outlive it and must not hold our pipes."""

    return subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **options,
    )


def open_parents(folder):
    """Let other users pass through the folders above `folder`, saying which."""
    for parent in reversed(folder.parents):
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            say(f"Letting the database server's user pass through {parent} (chmod o+x)")
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
