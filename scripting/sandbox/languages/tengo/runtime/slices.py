"""Parts of arrays that share the storage of the array, and how arrays grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


class Slice:
    """array[low:high]: a part of an array's storage, which both read and write. What follows it there is its room to grow."""

    __slots__ = ("length", "start", "store")

    def __init__(self, store: list[Any], start: int, length: int) -> None:
        self.store = store
        self.start = start
        self.length = length

    @property
    def items(self) -> list[Any]:
        """A copy."""
        return self.store[self.start : self.start + self.length]

    def __len__(self) -> int:
        return max(0, min(self.length, len(self.store) - self.start))  # splice() may have shortened the storage

    def __getitem__(self, index: int) -> Any:
        if 0 <= index < self.length:
            return self.store[self.start + index]
        raise IndexError

    def __setitem__(self, index: int, item: Any) -> None:
        self.store[self.start + index] = item

    def __iter__(self) -> Iterator[Any]:
        store, start = self.store, self.start
        return (store[index] for index in range(start, start + len(self)))

    def __eq__(self, other: object) -> bool:
        return self.items == (other if type(other) is list else getattr(other, "items", None))

    __hash__ = None  # type: ignore[assignment]


def extended(items: Any, more: Sequence[Any]) -> Any:
    """The items of an array and more."""
    if type(items) is Slice:
        end = items.start + items.length
        if end + len(more) <= len(items.store):
            items.store[end : end + len(more)] = more
            return Slice(items.store, items.start, items.length + len(more))
    return [*items, *more]
