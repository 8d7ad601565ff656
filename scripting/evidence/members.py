"""Sets of events by their places, one bit for each: a hundred thousand events fall into hundreds of groups."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Set
from typing import Any

FLAGS = bytes.maketrans(b"01", b"\x00\x01")


class Members(Set[int]):
    """Places of events, in ascending order."""

    __slots__ = ("bits",)

    def __init__(self, bits: int) -> None:
        self.bits = bits

    @staticmethod
    def having(column: bytes | bytearray, code: int) -> Members:
        """The places at which the column holds the code."""
        digits = bytes(0x31 if each == code else 0x30 for each in range(256))
        return Members(int(column.translate(digits)[::-1] or b"0", 2))

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __iter__(self) -> Iterator[int]:
        flags = bin(self.bits)[:1:-1].encode().translate(FLAGS)
        return itertools.compress(range(len(flags)), flags)

    def __contains__(self, place: object) -> bool:
        return isinstance(place, int) and bool(self.bits >> place & 1)

    def __and__(self, other: Set[Any]) -> Members:
        return Members(self.bits & other.bits) if isinstance(other, Members) else NotImplemented

    def __le__(self, other: Set[Any]) -> bool:
        return not self.bits & ~other.bits if isinstance(other, Members) else NotImplemented

    def __eq__(self, other: object) -> bool:
        return self.bits == other.bits if isinstance(other, Members) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.bits)
