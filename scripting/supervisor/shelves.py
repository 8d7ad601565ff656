"""The shelves of a pool: the free sandboxes of every kind, and which of them makes room first."""

from __future__ import annotations

import contextlib

from scripting.supervisor.compiled import Kind
from scripting.supervisor.interface import HostFunction
from scripting.supervisor.replaced import Replaced
from scripting.supervisor.sandbox import Sandbox, Shelf
from scripting.types import Bundle, SecurityLimits

_MAX_RECENT = 256


class Shelves:
    """Used under the pool's lock, but for `recent`, which every run asks."""

    def __init__(self) -> None:
        self._by_kind: dict[Kind, Shelf] = {}
        """Of each kind of sandbox there is, the free ones."""
        self._recent: dict[int, Shelf] = {}
        """Shelves by the identity of the bundle, which is quicker to tell than that all three are equal."""
        self._calling: set[str] = set()
        """Digests of bundles without a sandbox now, whose runs were seen to call functions of their module."""

    def recent(self, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits) -> Shelf | None:
        """The shelf that these very objects were last served from; None where nothing lies on it. Needs no lock."""
        shelf = self._recent.get(id(bundle))
        if not shelf or shelf.bundle is not bundle or shelf.functions is not functions or shelf.limits is not limits:
            return None
        return shelf

    def like(self, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits) -> Shelf | None:
        """The shelf of this kind of sandbox, remembered by what was asked for; None if there is none."""
        shelf = self._by_kind.get((bundle.digest, functions, limits))
        if shelf is not None:
            if len(self._recent) > _MAX_RECENT:
                self._recent.clear()
            shelf.bundle, shelf.functions, shelf.limits = bundle, functions, limits
            self._recent[id(bundle)] = shelf
        return shelf

    def is_one_ready(self, sandbox: Sandbox) -> bool:
        """Whether another one of this kind is free."""
        return bool(self._by_kind.get((sandbox.bundle.digest, sandbox.functions, sandbox.limits)))

    def is_one_free(self) -> bool:
        return any(self._by_kind.values())

    def free(self) -> set[Sandbox]:
        return {sandbox for shelf in self._by_kind.values() for sandbox in tuple(shelf)}

    def add(self, sandbox: Sandbox) -> Shelf:
        """The shelf of the sandbox's kind, of which it is one more."""
        key = (sandbox.bundle.digest, sandbox.functions, sandbox.limits)
        shelf = self._by_kind.get(key)
        if shelf is None:
            shelf = self._by_kind[key] = Shelf(sandbox.bundle, sandbox.functions, sandbox.limits)
            shelf.calls = sandbox.bundle.digest in self._calling
        shelf.members += 1
        sandbox.shelf = shelf
        return shelf

    def remove(self, sandbox: Sandbox) -> None:
        """The sandbox is no more, nor its shelf if it was the last there."""
        shelf = sandbox.shelf
        if shelf is not None:
            shelf.members -= 1
            if not shelf.members:
                if shelf.calls:
                    if len(self._calling) >= _MAX_RECENT:
                        self._calling.clear()
                    self._calling.add(shelf.bundle.digest)
                for key in [key for key, other in self._by_kind.items() if other is shelf]:
                    del self._by_kind[key]

    def take_oldest(self, replaced: Replaced) -> Sandbox | None:
        """The warm sandbox that has waited longest, one of a replaced bundle first, taken out; None if all are busy."""

        def order(shelf: Shelf) -> tuple[bool, int]:
            oldest = shelf[0]
            return oldest.bundle.digest not in replaced, oldest.last_turn

        while self.is_one_free():
            with contextlib.suppress(IndexError, ValueError):  # taken meanwhile
                return min((shelf for shelf in self._by_kind.values() if shelf), key=order).pop(0)
        return None

    def take_all(self) -> list[Sandbox]:
        """Take every free sandbox out, and forget the shelves."""
        idle = [sandbox for shelf in self._by_kind.values() for sandbox in emptied(shelf)]
        self._by_kind.clear()
        self._recent.clear()
        return idle


def emptied(shelf: Shelf) -> list[Sandbox]:
    """Take all from a shelf, one by one: another thread may take some of them."""
    taken: list[Sandbox] = []
    with contextlib.suppress(IndexError):
        while True:
            taken.append(shelf.pop())
    return taken
