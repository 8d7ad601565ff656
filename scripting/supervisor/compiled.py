"""Keep what sandboxes compiled, for the next sandbox of the same kind. Opaque bytes here: counted, never read."""

from __future__ import annotations

import threading
from typing import TypeAlias

from scripting.sandbox.protocol import Compiled
from scripting.supervisor.interface import HostFunction
from scripting.types import SecurityLimits

Kind: TypeAlias = tuple[str, tuple[HostFunction, ...], SecurityLimits]
"""Of a sandbox: the digest of its bundle, what it may call, its limits. What one lets pass another may refuse."""

MAX_BYTES = 32 << 20
MAX_BYTES_EACH = 640 << 10


class CompiledBundles:
    """The bundles last used, within a number of bytes. Thread-safe."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: dict[Kind, tuple[Compiled, ...]] = {}
        self._lock = threading.Lock()

    def get(self, kind: Kind) -> tuple[Compiled, ...]:
        """The compiled texts of this bundle, script first; empty if none are kept."""
        with self._lock:
            found = self._kept.pop(kind, ())
            if found:
                self._kept[kind] = found
            return found

    def keep(self, kind: Kind, compiled: tuple[Compiled, ...], texts: int) -> bool:
        """Keep what a new sandbox told, if it is one for each text and not too large; whether it is."""
        size = _size(compiled)
        if len(compiled) != texts or size > MAX_BYTES_EACH:
            return False
        with self._lock:
            self._bytes -= _size(self._kept.pop(kind, ()))
            self._kept[kind] = compiled
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._bytes -= _size(self._kept.pop(next(iter(self._kept))))
            return kind in self._kept

    def forget(self, kind: Kind) -> None:
        """Compile this bundle anew the next time."""
        with self._lock:
            self._bytes -= _size(self._kept.pop(kind, ()))


def _size(compiled: tuple[Compiled, ...]) -> int:
    """Bytes of the code and of all else that is told with it; a few more for each are not counted."""
    return sum(len(each.code) + sum(map(len, each.used)) + 100 * (1 + len(each.used)) for each in compiled)
