"""One commit after the other on SQLite: who waits for another process' commit goes on as soon as that has ended.

SQLite would look again after 1, 2, 5, 10, 15, 20, 25 … ms, while others that come later go first: of two busy workers one waits long.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable

from django.db.backends.base.base import BaseDatabaseWrapper

SOON_SECONDS, LOOK_SECONDS = 0.0001, 0.0005
"""Between two looks whether it is our turn: at first, since the commit of a single event is short, and then."""
SOON_MOST_SECONDS = 0.001
"""A commit that takes longer has many events, which is worth fewer looks."""
MOST_SECONDS = 0.25
"""For so long a turn is waited for: whoever holds it may have been stopped. SQLite, which decides, waits longer."""


class turn:  # noqa: N801 - read as a verb: `with turn(database) as end_turn`
    """Around a transaction that writes: wait for this process' turn on the connection's database, and have it until the end.

    Calling what it gives ends the turn sooner: what follows a commit is in nobody's way. A courtesy among our own commits: nothing depends on
    it, and databases that let several write at once know none.
    """

    __slots__ = ("_connection", "_file", "_lock")

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._file = ""
        self._lock: int | None = None

    def __enter__(self) -> Callable[[], None]:
        if file := database_file(self._connection):
            self._file = f"{file}.turn"
            self._lock = _waited_for(self._file)
        return self._end

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        lock = self._lock
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_UN)
            self._lock = None
            _free.setdefault(self._file, []).append(lock)


def database_file(connection: BaseDatabaseWrapper) -> str:
    """Its SQLite database; none inside a transaction, which has the database already, and none in memory."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return ""
    name = os.fspath(connection.settings_dict["NAME"])
    return "" if not name or name.startswith((":", "file:")) else name


_free: dict[str, list[int]] = {}
"""By file the descriptors that nobody in this process holds a lock with: to open the file costs more than to lock it."""


def _forget() -> None:
    """In a forked child, which has its parent's descriptors, and with them its parent's locks."""
    for descriptors in _free.values():
        for descriptor in descriptors:
            os.close(descriptor)
    _free.clear()


os.register_at_fork(after_in_child=_forget)


def _waited_for(file: str) -> int | None:
    """The lock, held by a descriptor of its own; None where the time is up or there can be none."""
    try:
        lock = _free[file].pop()
    except LookupError:
        try:
            lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return None
    begun = time.monotonic()
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            waited = time.monotonic() - begun
            if waited > MOST_SECONDS:
                os.close(lock)
                return None
            time.sleep(SOON_SECONDS if waited < SOON_MOST_SECONDS else LOOK_SECONDS)
        else:
            return lock
