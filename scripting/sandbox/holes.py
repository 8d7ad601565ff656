"""Holes between the objects of the light parent, filled: what is made after that lies together, on pages of its own.

A sandbox gets its own copy of each page that it writes to, and what it makes would lie in holes all over the light parent's memory.
Where the interpreter or the C library lay objects otherwise than is told here, fewer holes are found; nothing else changes.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_POOL, _HEADER = 16 << 10, 48
_STEP, _LARGEST = 16, 512
"""CPython makes objects of up to so many bytes in pools, of one kind for each sixteen bytes of size."""
_IN_A_ROW = 6
_OF_NUMBERS, _BEGINNING = 32, 16
"""Numbers are of this size, and those that are counted with here take places in between."""
_BY_THE_C_LIBRARY = (
    *(kib << 10 for kib in (16, 8, 4, 2)), *(1536, 1280, 1024, 960, 896, 832, 768, 704, 640, 608, 592, 576, 560, 544, 528),
)  # fmt: skip
"""Sizes of larger objects, which the C library makes room for."""
_LARGEST_PIECE, _PIECE_STEP = 1032, 16
"""Up to this size, step by step, libraries ask the C library for pieces of their own. Small ones lie in what larger ones have left."""
_TOP = 100 << 10
"""So much room the C library finds at the end of its memory alone."""
_MOST = 4000
"""Holes of one size: beyond that, memory is not as is told here."""
_EMPTY = sys.getsizeof(b"")
_ONE = 1.0

_filled: list[object] = []


def _found_malloc() -> Callable[[int], int | None] | None:
    """The C library's, or whichever stands in its place."""
    try:
        found = ctypes.CDLL(None).malloc
    except (OSError, AttributeError):
        return None
    found.argtypes, found.restype = (ctypes.c_size_t,), ctypes.c_void_p
    return found


_malloc = _found_malloc()


def fill() -> None:
    """Take the holes there are, for good."""
    for size in range(_LARGEST, 0, -_STEP):
        _fill_pools(size)
    fill_large()


def fill_large() -> None:
    """Take those alone that the C library has."""
    top = id(bytes(_TOP))
    for size in _BY_THE_C_LIBRARY:
        _fill_below(top, size)
    _fill_pieces(top)


def _fill_pieces(top: int) -> None:
    if _malloc is None:
        return
    for size in range(_LARGEST_PIECE, 0, -_PIECE_STEP):
        for _ in range(_MOST):
            if (_malloc(size) or top) >= top:
                break


def _fill_below(top: int, size: int) -> None:
    for _ in range(_MOST):
        block = bytes(size - _EMPTY - 8)
        if id(block) >= top:
            return
        _filled.append(block)


def _fill_pools(size: int) -> None:
    """Until objects come from a pool that was empty: some then have its first places in their order."""
    row = 0
    for _ in range(_MOST):
        block = _block(size)
        place = (id(block) % _POOL - _HEADER) // size
        if place == row or (size == _OF_NUMBERS and place < _BEGINNING):
            row += 1
        else:
            row = 1 if place == 0 else 0
        _filled.append(block)
        if row == _IN_A_ROW:
            del _filled[-_IN_A_ROW:]
            return


def _block(size: int) -> object:
    if size > _EMPTY:
        return bytes(size - _EMPTY)
    return object() if size == _STEP else _ONE / 2
