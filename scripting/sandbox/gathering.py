"""The code of functions that every sandbox runs, gathered side by side.

To call a function, the interpreter writes to its code, and a sandbox gets its own copy of each page that it writes to. Where modules have
been loaded, each such code lies on another page.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType, FunctionType
from typing import Any

from scripting.sandbox import holes

_RAW, _OBJECTS = 0, 2


class _Allocator(ctypes.Structure):
    """CPython's PyMemAllocatorEx: how it takes memory and gives it back."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("context", "malloc", "calloc", "realloc", "free"))


def called(what: Callable[[], object]) -> list[FunctionType]:
    """The functions that are called meanwhile, in the order of their first calls."""
    codes: dict[CodeType, int] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            codes.setdefault(frame.f_code, len(codes))

    sys.setprofile(note)
    try:
        what()
    finally:
        sys.setprofile(None)
    functions = [each for each in gc.get_objects() if type(each) is FunctionType and each.__code__ in codes]
    return sorted(functions, key=lambda function: codes[function.__code__])


def gather(functions: Iterable[Any]) -> None:
    """Make the code of these functions anew, side by side in this order."""
    holes.fill_large()
    earlier = []  # kept until the end, or what comes later would lie where it was
    with _from_the_c_library():
        for function in functions:
            earlier.append(function.__code__)
            function.__code__ = function.__code__.replace()


@contextlib.contextmanager
def _from_the_c_library() -> Iterator[None]:
    """Take memory for objects from the C library, which lays one after the other; the interpreter itself has pools, one for each size.

    What is given back it tells apart by its place. Where that is not so, everything stays as it is.
    """
    raw, own = _allocator(_RAW), _allocator(_OBJECTS)
    if raw.context or own.context or "t" in sys.abiflags:
        yield
        return
    _set_allocator(_Allocator(None, raw.malloc, raw.calloc, own.realloc, own.free))
    try:
        yield
    finally:
        _set_allocator(own)


def _allocator(domain: int) -> _Allocator:
    found = _Allocator()
    ctypes.pythonapi.PyMem_GetAllocator(domain, ctypes.byref(found))
    return found


def _set_allocator(allocator: _Allocator) -> None:
    ctypes.pythonapi.PyMem_SetAllocator(_OBJECTS, ctypes.byref(allocator))
