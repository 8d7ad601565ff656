"""Holes in the interpreter's memory are filled, so that what is made after that lies together."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from scripting.sandbox import holes

pytestmark = pytest.mark.skipif("PYTHONMALLOC" in os.environ, reason="another allocator than CPython's own")

SMALL = """
from scripting.sandbox import holes
POOL = 16 << 10
def with_holes(size):
    return [bytes(size - 33) for _ in range(2000)][::2]
earlier = [with_holes(size) for size in (64, 112, 496)]
before = {id(each) // POOL for some in earlier for each in some}
in_holes = before & {id(each) // POOL for each in (bytes(31), bytes(79), bytes(463))}
holes.fill()
later = [bytes(size - 33) for size in (64, 112, 496) for _ in range(20)]
print(bool(in_holes), not before & {id(each) // POOL for each in later})
"""


def test_small_objects_made_after_that_lie_in_pools_of_their_own() -> None:
    """In an interpreter of its own: tests before leave more holes than are filled."""
    told = subprocess.run([sys.executable, "-c", SMALL], check=True, capture_output=True, text=True).stdout
    assert told.split() == ["True", "True"]


LARGE = """
from scripting.sandbox import holes
earlier = [bytes(967) for _ in range(2000)][::2]
in_holes = id(bytes(960)) < max(map(id, earlier))
holes.fill()
print(in_holes, min(id(each) for each in [bytes(960) for _ in range(20)]) > max(map(id, earlier)))
"""


def test_large_objects_made_after_that_lie_beyond_all_others() -> None:
    told = subprocess.run([sys.executable, "-c", LARGE], check=True, capture_output=True, text=True).stdout
    assert told.split() == ["True", "True"]


PIECES = """
import ctypes
from scripting.sandbox import holes
malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
malloc.argtypes, malloc.restype, free.argtypes = (ctypes.c_size_t,), ctypes.c_void_p, (ctypes.c_void_p,)
earlier = [malloc(200) for _ in range(2000)]
for piece in earlier[::2]:
    free(piece)
in_holes = malloc(200) < max(earlier)
holes.fill()
print(in_holes, min(malloc(200) for _ in range(20)) > max(earlier))
"""


def test_pieces_of_memory_that_libraries_ask_for_after_that_lie_beyond_all_others() -> None:
    told = subprocess.run([sys.executable, "-c", PIECES], check=True, capture_output=True, text=True).stdout
    assert told.split() == ["True", "True"]


def test_it_ends_where_memory_is_not_as_it_expects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holes, "_HEADER", 1 << 20)
    monkeypatch.setattr(holes, "_MOST", 100)
    filled = len(holes._filled)
    holes.fill()
    assert len(holes._filled) - filled < 100 * 60
