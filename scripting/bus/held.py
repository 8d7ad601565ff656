"""Decisions that are made and not committed yet, and what is committed that Redis has not been told."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Generic

from scripting.bus.drain_parts import Decision, Entry, FlushFailed, Parts, described, ends_drain
from scripting.bus.lease import Lease
from scripting.bus.settled import Decided, messages
from scripting.conf import conf

MAX_HELD_SECONDS = 0.05
"""A decision is committed after this, however few there are: its effects are waited for."""


class Held(Generic[Decision]):
    """Decisions that a drain keeps until it commits many at once."""

    def __init__(self, parts: Parts[Decision], fence: Callable[[], None]) -> None:
        self.settled: list[Entry] = []
        """Entries that are committed, and not told to Redis yet."""
        self._parts = parts
        self._fence = fence
        self._most = conf.SCRIPTING_BATCH
        self._decisions: list[Decision] = []
        self._entries: list[Entry] = []
        """Those whose decisions are all held."""
        self._since = 0.0
        self._outcomes: dict[str, list[Decided]] = defaultdict(list)
        """By event, of those committed since the last read: to be told when they are settled."""

    @property
    def room(self) -> int:
        """Decisions that a commit still takes."""
        return self._most - len(self._decisions)

    def add(self, decision: Decision) -> None:
        if not self._decisions:
            self._since = time.monotonic()
        self._decisions.append(decision)

    def complete(self, entry: Entry) -> None:
        """All that is to be decided of this entry is held, or committed."""
        self._entries.append(entry)

    def is_due(self) -> bool:
        held = len(self._decisions)
        return held >= self._most or (held > 0 and time.monotonic() - self._since > MAX_HELD_SECONDS)

    def flush(self) -> None:
        """Commit what is held, so that a read sees it and its entries can be settled."""
        if self._decisions:
            self._parts.progress()
            for each in self._parts.commit(self._decisions, self._fence):
                self._outcomes[each.event_id].append(each)
        self.settled += self._entries
        self.discard()

    def flush_before_read(self) -> None:
        try:
            self.flush()
        except Exception as error:
            if ends_drain(error):
                raise
            raise FlushFailed(described(error)) from error

    def discard(self) -> None:
        self._decisions, self._entries = [], []

    # -- telling Redis -------------------------------------------------------------------------------------------------

    def settled_of(self, lease: Lease) -> list[Entry]:
        return [entry for entry in self.settled if entry.lease is lease]

    def messages(self, settled: Iterable[Entry]) -> list[str | bytes]:
        """Tell who waits for settled entries the outcomes, of each entry all or none."""
        told = []
        for entry in settled:
            if entry.event.inbox:
                found = self._outcomes.get(entry.event.id, ())
                told.append((entry.event, found if len(found) == len(entry.scripts) else ()))
        return messages(told)

    def told(self, lease: Lease) -> None:
        """Redis has settled what there was of this stream."""
        self.settled = [entry for entry in self.settled if entry.lease is not lease]

    def told_all(self) -> None:
        self.settled = []
        self._outcomes.clear()
