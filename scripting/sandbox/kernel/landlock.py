"""Landlock: no file may be opened, made or removed, no TCP used, nobody outside signalled. As much as the kernel's ABI knows."""

from __future__ import annotations

import ctypes
import functools
from ctypes import c_int
from typing import Any

from scripting.sandbox.kernel.syscalls import Call, syscall, syscall_call

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_VERSION_FLAG = 1
_NO_FLAGS = ctypes.c_uint32(0)
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_NETWORK_RIGHTS = 3  # bind and connect, since ABI 4
_SCOPES = 3  # abstract sockets and signals, since ABI 6


class _Attributes(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def ruleset() -> int:
    """The descriptor of a new ruleset that denies all that this kernel's Landlock handles. Raises OSError."""
    _, attributes, size = all_rights()
    return syscall(_CREATE_RULESET, attributes, size, _NO_FLAGS)


def restrict_call(ruleset: int) -> Call:
    """Put the ruleset on the calling process for good; no_new_privs must be set."""
    return syscall_call(_RESTRICT_SELF, c_int(ruleset), _NO_FLAGS)


@functools.cache
def all_rights() -> tuple[int, Any, ctypes.c_size_t]:
    """This kernel's ABI and the attributes of a ruleset of all that it handles, with their size; the light parent makes them once for
    all sandboxes. Raises OSError."""
    abi = syscall(_CREATE_RULESET, ctypes.c_void_p(None), ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    attributes = _Attributes(
        _FILE_RIGHTS[min(abi, 5)],
        _NETWORK_RIGHTS if abi >= 4 else 0,
        _SCOPES if abi >= 6 else 0,
    )
    return abi, ctypes.byref(attributes), ctypes.c_size_t(24 if abi >= 6 else 16 if abi >= 4 else 8)
