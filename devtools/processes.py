"""Running other programs."""

import ctypes
import os
import signal
import subprocess

from .say import DevError

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """Ask the kernel to end this process when ./dev is killed (Linux only)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def last_line(text):
    """Return the last line of `text` that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def capture(command, **options):
    """Run `command` silently and return the completed process with its output."""
    try:
        return subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            **options,
        )
    except FileNotFoundError:
        raise DevError(f"the program {command[0]} is missing") from None


def check(command, problem, **options):
    """Run `command` silently; on failure raise DevError: problem and its last line.

    :return: what the command wrote on standard output
    """
    done = capture(command, **options)
    if done.returncode:
        raise DevError(f"{problem}: {last_line(done.stderr or done.stdout)}")
    return done.stdout


def stream(command, on_line, **options):
    """Run `command`, give each line of its output to `on_line`.

    :return: the exit code and the whole output
    """
    lines = []
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=die_with_parent,
        **options,
    )
    with process:
        for line in process.stdout:
            lines.append(line)
            on_line(line.rstrip("\n"))
    return process.returncode, "".join(lines)


def attached(command, **options):
    """Run `command` on our own terminal until it ends; return its exit code.

    Ctrl-C reaches the child too, which decides how to end; SIGTERM is passed on.
    """
    process = subprocess.Popen(
        [str(part) for part in command], preexec_fn=die_with_parent, **options
    )
    previous = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return _wait(process)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _wait(process):
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def is_root():
    """Tell whether we run as the system's administrator."""
    return os.geteuid() == 0
