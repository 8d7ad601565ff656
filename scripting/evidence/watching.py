"""A job that can be cancelled while a run of it may loop: a thread looks whether it was."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from django.db import DatabaseError, InterfaceError, connection

from scripting.bus import evidence_jobs
from scripting.supervisor.interface import Cancellation

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
"""How often a running job looks whether it was cancelled."""


@contextlib.contextmanager
def watched(is_running: Callable[[], bool], what: str) -> Iterator[Cancellation]:
    """A cancellation that a thread sets when `is_running` says no or the worker is asked to end."""
    cancellation, over = Cancellation(), threading.Event()

    def watch() -> None:
        try:
            while not over.wait(LOOK_SECONDS):
                if evidence_jobs.running.is_stopping() or not _asked(is_running, what):
                    cancellation.cancel()
                    return
        finally:
            connection.close()

    watcher = threading.Thread(target=watch, name="evidence-watch", daemon=True)
    watcher.start()
    try:
        yield cancellation
    finally:
        over.set()
        watcher.join()


def _asked(is_running: Callable[[], bool], what: str) -> bool:
    try:
        return is_running()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("not known whether %s was cancelled: %s", what, error)
        return True
