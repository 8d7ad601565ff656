"""A fixture that hears every notice, as the processes of a site do."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import pytest

from scripting.hot_reload.subscription import _Group
from scripting.processes import notices
from scripting.processes.notices import Notice
from tests.support.stack import wait_until


@pytest.fixture
def heard() -> Iterator[queue.SimpleQueue[Notice]]:
    """Every notice from here on."""
    inbox: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    joined = threading.Event()

    def deliver(notice: Notice) -> None:
        if notice.module == "nobody":
            joined.set()
        elif notice.script != "begun":  # of the fixture `watcher`: it may come late
            inbox.put(notice)

    group = _Group(deliver)
    group.start()

    def is_heard() -> bool:
        notices.send(Notice(notices.CHANGED, "nobody", "nothing"))
        return joined.is_set()

    wait_until(is_heard, 90)
    yield inbox
    group.stop()
