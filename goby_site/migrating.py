"""Migrates as `migrate` does, and when it is asked to end does so between two migrations.

Django commits the tables of a migration first and notes afterwards that it was applied. Ended in between, it would find tables that are
there already, each time that it is started again.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from django.core.management import call_command
from django.core.management.commands import migrate

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Migrate(migrate.Command):
    asked = 0
    """The signal that asked for the end."""
    asked_at = 0.0

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        super().migration_progress_callback(action, migration, fake)
        if action == "apply_success" and self.asked:
            self._end(self.asked)

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """A second signal, a second later, ends at once: a migration may wait for a lock for long."""
        if not self.asked:
            self.asked, self.asked_at = number, time.monotonic()
            self.stderr.write("Ending after the migration in hand; ask once more to end at once …")
        elif time.monotonic() - self.asked_at > 1:
            self._end(number)

    def _end(self, number: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


def migrate_whole() -> None:
    """Bring the database up to date, a whole migration at a time."""
    command = _Migrate()
    with _heard_by(command):
        call_command(command, interactive=False, verbosity=0)
    if command.asked:
        signal.raise_signal(command.asked)


@contextlib.contextmanager
def _heard_by(command: _Migrate) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # which hears no signals
        return
    before = {number: signal.signal(number, command.hear) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
