"""The names of a language, made in the light parent for the next sandbox: made by the sandbox, it would touch each object in them, and so
have its own copy of most pages that they lie on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class _Print:
    """Writes to the log of the sandbox, which there is none of yet."""

    __slots__ = ("to",)

    def __init__(self) -> None:
        self.to: Callable[..., None] = print

    def __call__(self, *values: Any, **options: Any) -> None:
        self.to(*values, **options)


class NamesAhead:
    """Names for one sandbox, ready or to be made; `make` gives them for a function that prints."""

    def __init__(self, make: Callable[[Callable[..., None]], dict[str, Any]]) -> None:
        self._make = make
        self._names: dict[str, Any] | None = None
        self._print = _Print()

    def make(self) -> None:
        """Have them ready: each sandbox forked from now on takes its own copy."""
        self._print = _Print()
        self._names = self._make(self._print)

    def take(self, print_: Callable[..., None]) -> dict[str, Any]:
        """The names, to be kept and changed; those that were ready are given once."""
        names, self._names = self._names, None
        if names is None:
            return self._make(print_)
        self._print.to = print_
        return names
