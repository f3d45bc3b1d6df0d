"""How ./dev talks: progress on standard output, one line for each problem."""

import sys


class DevError(Exception):
    """A problem that one line explains; ./dev prints it and exits with `code`."""

    def __init__(self, message, code=1):
        super().__init__(message)
        self.code = code


def say(message):
    """Print one line of progress at once."""
    print(message, flush=True)


def warn(message):
    """Print one line about something that is not as it should be."""
    print(f"dev: {message}", file=sys.stderr, flush=True)


def human_size(size):
    """Return a number of bytes as people read it, e.g. ``3.2 GB``."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
