"""A watcher's memory of one kind of files between looks: as last taken, being written, and missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from scripting.sources.folder import BeingWritten, Looked

Key = TypeVar("Key", bound=tuple[str, ...])
File = TypeVar("File")

WRITING_SECONDS = 5
"""A file that is being written for longer than this is spoken of."""


@dataclass
class Memory(Generic[Key, File]):
    """Files by key. `expected`: asked at the first look, those that should be there."""

    expected: Callable[[], Collection[Key]]
    seen: dict[Key, File] = field(default_factory=dict)
    missing: dict[Key, float] = field(default_factory=dict)
    """Since when each is missing."""
    written: dict[Key, float] = field(default_factory=dict)
    """Since when a program was seen to have which file open for writing."""
    _started: bool = False
    """Whether a look saw everything."""

    def ready(self, files: Mapping[Key, File], now: float) -> dict[Key, File]:
        """The files that can be taken: one that is being written is looked at again soon, and said only if it goes on for long."""
        written = {key for key, file in files.items() if isinstance(file, BeingWritten)}
        self.written = {key: self.written.get(key, now) for key in written}
        late = {key for key, since in self.written.items() if now - since >= WRITING_SECONDS}
        for key in files:
            self.missing.pop(key, None)
        return {key: file for key, file in files.items() if key not in written - late}

    def changed(self, ready: Mapping[Key, File]) -> dict[Key, File]:
        """Those that differ from the last look."""
        return {key: file for key, file in ready.items() if self.seen.get(key) != file}

    def took(self, changed: Mapping[Key, File], looked: Looked[Key, File], now: float) -> None:
        """Remember what was taken, and what is missing among all that should be there."""
        self.seen |= changed
        expected = self.seen if self._started else self.expected()
        self._started = not looked.unread
        for key in looked.missing(expected):
            self.missing.setdefault(key, now)

    def is_waiting(self, now: float) -> bool:
        """Whether a program is about to end the writing of a file."""
        return any(now - since < WRITING_SECONDS for since in self.written.values())

    def due(self, now: float, patience: float) -> list[Key]:
        """All that has been missing for that long."""
        return [key for key, since in self.missing.items() if now - since >= patience]

    def gone(self, due: Collection[Key], looked: Looked[Key, File]) -> list[Key]:
        """Of what is due, forget what is not back."""
        for key in due:
            del self.missing[key]
        found = sorted(looked.missing(due))
        for key in found:
            self.seen.pop(key, None)
        return found

    def forget(self) -> None:
        """Begin again with a full look."""
        self.seen.clear()
        self.missing.clear()
        self.written.clear()
        self._started = False
