"""How a drain has an entry decided: by each script that subscribed to it, together with the entries behind it where that may be."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Generic

from scripting.bus.drain_parts import Decision, Entry, Parts
from scripting.bus.held import MAX_HELD_SECONDS, Held

MOST_AHEAD = 16
"""Entries that run together at the most."""


class Deciding(Generic[Decision]):
    """Makes decisions and gives them to what is held."""

    def __init__(self, parts: Parts[Decision], held: Held[Decision]) -> None:
        self._parts = parts
        self._held = held
        self.ahead: deque[tuple[Entry, Callable[[], Decision]]] = deque()
        """Entries that have run ahead of their turn, in order."""

    def run_ahead(self, entries: Sequence[Entry], place: int) -> None:
        """Have the entries from this place on run together, as far as the same script alone runs on each: most of a short run is the exchange.

        Of those that did so before, none waits for its turn.
        """
        most = min(MOST_AHEAD, self._held.room)
        module, scripts = entries[place].lease.stream.module, entries[place].scripts
        next_ones = entries[place : place + most]
        row = list(takewhile(lambda entry: entry.scripts == scripts and entry.is_plain, next_ones))
        if len(scripts) != 1 or len(row) < 2:
            return
        self._parts.progress()
        for lease in {entry.lease for entry in row}:
            lease.check()
        events = [entry.event for entry in row]
        ran = self._parts.run_ahead(events, module, scripts[0], self._held.flush_before_read)
        self.ahead.extend(zip(row, ran, strict=False))

    def forget_ahead(self) -> None:
        """Nothing comes of what has run ahead and was not decided."""
        self.ahead.clear()

    def decide_ahead(self, begun: list[Entry]) -> int:
        """Take the decisions of those that have run ahead, and say how many: of all, unless some take long. Each is put into `begun` before."""
        if not self.ahead:
            return 0
        self._parts.progress()
        taken, until = 0, time.monotonic() + MAX_HELD_SECONDS
        while self.ahead and (taken == 0 or time.monotonic() < until):
            entry, decision = self.ahead.popleft()
            begun.append(entry)
            self._held.add(decision())
            self._held.complete(entry)
            taken += 1
        return taken

    def decide(self, entry: Entry, before_read: Callable[[], None], deliveries: int = 1) -> None:
        self._parts.progress()
        entry.lease.check()
        self._decide_each(entry, before_read, deliveries)
        self._held.complete(entry)

    def _decide_each(self, entry: Entry, before_read: Callable[[], None], deliveries: int) -> None:
        event, module = entry.event, entry.lease.stream.module
        known: Mapping[str, bool] = {}
        if first := event.first_decides(module):
            before_read()  # what is held may be of the same event, sent twice
            known = self._parts.answered(event, module)
        for script in entry.scripts:
            if script in known:  # a second run might answer otherwise, and let another one decide as well
                if known[script]:
                    break
                continue
            if entry.newer and self._parts.supersede:
                decision = self._parts.supersede(event, module, script, entry.newer, deliveries)
            else:
                decision = self._parts.decide(event, module, script, deliveries, before_read)
            self._held.add(decision)
            if first and self._parts.answers(decision):
                break
