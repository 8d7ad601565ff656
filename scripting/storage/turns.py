"""One commit after the other on SQLite: who waits for another process' commit goes on as soon as that has ended.

SQLite would look again after 1, 2, 5, 10, 15, 20, 25 … ms, while others that come later go first: of two busy workers one waits long.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator

from django.db import connections

LOOK_SECONDS = 0.0005
"""Between two looks whether it is our turn."""
MOST_SECONDS = 0.25
"""For so long a turn is waited for: whoever holds it may have been stopped. SQLite, which decides, waits longer."""


@contextlib.contextmanager
def turn(using: str) -> Iterator[Callable[[], None]]:
    """Around a transaction that writes: wait for this process' turn on the database of this alias, and have it until the end.

    Calling what it gives ends the turn sooner: what follows a commit is in nobody's way. A courtesy among our own commits: nothing depends on
    it, and databases that let several write at once know none.
    """
    with contextlib.ExitStack() as mine:
        if (file := _file(using)) and (lock := _waited_for(file)) is not None:
            mine.callback(os.close, lock)
        yield mine.close


def _file(using: str) -> str:
    """Whose lock says whose turn it is; none inside a transaction, which has the database already."""
    connection = connections[using]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return ""
    name = os.fspath(connection.settings_dict["NAME"])
    return "" if not name or name.startswith((":", "file:")) else f"{name}.turn"


def _waited_for(file: str) -> int | None:
    """The lock, which goes with its descriptor; None where the time is up or there can be none."""
    try:
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    until = time.monotonic() + MOST_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > until:
                os.close(lock)
                return None
            time.sleep(LOOK_SECONDS)
        else:
            return lock
