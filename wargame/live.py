"""Telling open pages that a game has changed: after the commit, from a thread of its own, never in anyone's way.

A notice says only how far the battle log has come; whoever gets it reads the rest from the database. So a notice that is lost
because Redis is unavailable costs a page a few seconds and nothing else.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping

from django.db import transaction

from scripting.processes import sending
from wargame.models import Game

logger = logging.getLogger(__name__)

BETWEEN_SECONDS = 0.05
"""From one round of notices to the next: an audience looks ten times a second at the most."""
WARN_EVERY = 30.0
"""Seconds between two complaints about notices that do not get through."""


def group_of(game_id: int) -> str:
    """The Channels group of those who watch a game; messages have type `game.changed`."""
    return f"wargame.game.{game_id}"


def announce_on_commit(*games: Game) -> None:
    """Tell the pages that watch these games, once what was done to them is committed."""
    changed = {game.pk: game.sequence for game in games}
    if changed:
        transaction.on_commit(lambda: announcer.tell_all(changed))


class Announcer:
    """Sends notices in the background; of several about one game only the latest is sent."""

    def __init__(self) -> None:
        self._pending: dict[int, int] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._warned = -WARN_EVERY

    def tell(self, game_id: int, sequence: int) -> None:
        self.tell_all({game_id: sequence})

    def tell_all(self, changed: Mapping[int, int]) -> None:
        """Send notices of these games: id → number of the last entry in its log."""
        with self._changed:
            for game_id, sequence in changed.items():
                self._pending[game_id] = max(sequence, self._pending.get(game_id, 0))
            if self._thread is None or self._pid != os.getpid():  # a fork keeps the object but not the thread
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._send_for_ever, name="wargame-announcer", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _send_for_ever(self) -> None:
        while True:
            with self._changed:
                while not self._pending:
                    self._changed.wait()
                batch, self._pending = self._pending, {}
            self._send(batch)
            time.sleep(BETWEEN_SECONDS)

    def _send(self, batch: dict[int, int]) -> None:
        try:
            sending.deliver(
                [
                    (group_of(game_id), {"type": "game.changed", "game": game_id, "sequence": sequence})
                    for game_id, sequence in batch.items()
                ]
            )
        except Exception as error:  # noqa: BLE001 - whatever the layer raises, the game goes on
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        if time.monotonic() - self._warned >= WARN_EVERY:
            self._warned = time.monotonic()
            logger.warning("open battle pages are not told of changes: %s: %s", type(error).__name__, error)


announcer = Announcer()
