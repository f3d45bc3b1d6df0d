"""The life of our own PostgreSQL server, the violent ends included."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from devtools.embedded_postgres import EmbeddedPostgres
from devtools.processes import is_root
from devtools.say import DevError
from devtools.workspace import Workspace


@pytest.fixture(scope="module")
def home():
    """A folder with a path short enough for a socket, one for all tests here."""
    folder = Path(tempfile.mkdtemp(prefix="dev-"))
    yield folder
    if is_root():
        assert (folder.stat().st_mode & 0o001) or not (folder / "postgres").exists()
    shutil.rmtree(folder)


def make_server(home):
    """Return our server with the programs that are on the path."""
    programs = Path(shutil.which("postgres")).parent
    return EmbeddedPostgres(Workspace(Path(__file__).parents[2], home), programs)


@pytest.fixture
def server(home):
    """A stopped server; stopped again at the end."""
    server = make_server(home)
    yield server
    server.stop()


def ask(variables, sql="SELECT 1"):
    """Return what psql prints, or its error."""
    environment = {**os.environ, **variables}
    command = ["psql", "-XAtqw", "-d", "postgres", "-c", sql]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.stdout.strip() or done.stderr


def recorded_pid(server):
    """Return the process number in the server's own file."""
    return int((server.data / "postmaster.pid").read_text().split("\n")[0])


def wait_for_end(pid):
    """Wait until a process that is not our child has ended."""
    import time

    for _attempt in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError(f"{pid} still runs")


def test_starts_answers_and_stops(server):
    """The last one to leave stops the server."""
    with server.running() as variables:
        assert ask(variables) == "1"
        pid = recorded_pid(server)
        with make_server(server.workspace.home).running():
            assert recorded_pid(server) == pid
        assert ask(variables) == "1"
    assert not server.is_running()


def test_listens_on_no_port(server):
    """Only the Unix socket in a private folder leads to it."""
    with server.running() as variables:
        assert ask(variables, "SHOW listen_addresses") == ""
        assert server.socket_folder.stat().st_mode & 0o077 == 0


def test_killed_server_is_started_again(server):
    """kill -9 leaves a pid file and a socket; neither confuses the next start."""
    with server.running():
        pid = recorded_pid(server)
        os.kill(pid, signal.SIGKILL)
        wait_for_end(pid)
        assert not server.is_running()
    assert (server.data / "postmaster.pid").exists()
    with server.running() as variables:
        assert ask(variables) == "1"


def test_stale_pid_of_another_process(server):
    """A recorded number that belongs to another process is not believed."""
    with server.running():
        pass
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    assert not server.is_running()
    with server.running() as variables:
        assert ask(variables) == "1"


def test_half_written_pid_file(server):
    """So is an empty file."""
    with server.running():
        pass
    (server.data / "postmaster.pid").write_text("")
    with server.running() as variables:
        assert ask(variables) == "1"


def test_server_left_by_a_killed_dev_is_used_and_stopped(server):
    """Nobody holds the lock of a killed ./dev: the next one takes its server over."""
    with server.workspace.lock("postgres-start"):
        server._start()
    pid = recorded_pid(server)
    with server.running():
        assert recorded_pid(server) == pid
    assert not server.is_running()


def test_interrupted_initdb_is_repeated(home, server):
    """Only a complete data folder has the final name."""
    other = make_server(home / "other")
    other.workspace.home.mkdir()
    (other.folder / "data.new").mkdir(parents=True)
    (other.folder / "data.new" / "PG_VERSION").write_text("18")
    with other.running() as variables:
        assert ask(variables) == "1"


def test_long_path(home):
    """A socket path beyond the system's limit goes to a short folder meanwhile."""
    server = make_server(home / ("long" * 25))
    server.workspace.home.mkdir()
    with server.running() as variables:
        assert ask(variables) == "1"
        socket_folder = server.socket_folder
        assert server.workspace.home not in socket_folder.parents
    assert not socket_folder.exists()


def test_server_that_cannot_start(home):
    """The line gives the server's own reason and where its log is."""
    server = make_server(home / "broken")
    server.workspace.home.mkdir()
    with server.running():
        pass
    with open(server.data / "postgresql.conf", "a") as configuration:
        configuration.write("nonsense = 1\n")
    with pytest.raises(DevError, match="does not start, see .*nonsense") as caught:
        with server.running():
            pass
    assert "\n" not in str(caught.value)
