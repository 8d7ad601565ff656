"""A fixture that hears every notice, as the processes of a site do."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import pytest

from scripting.hot_reload.subscription import Subscription
from scripting.processes import notices
from scripting.processes.notices import Notice
from tests.support.stack import wait_until


@pytest.fixture
def heard() -> Iterator[queue.SimpleQueue[Notice]]:
    """Every notice from here on."""
    inbox: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    ended = threading.Event()
    subscription = Subscription(notices.GROUP)

    def hear() -> None:
        while not ended.is_set():
            for notice in subscription.wait(60):
                if notice.script != "begun":  # of the fixture `watcher`: it may come late
                    inbox.put(notice)
        subscription.leave()

    subscription.join()
    thread = threading.Thread(target=hear)
    thread.start()
    wait_until(lambda: subscription.is_told, 60)
    yield inbox
    ended.set()
    subscription.ring()
    thread.join()
