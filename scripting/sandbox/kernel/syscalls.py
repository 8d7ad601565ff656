"""The few calls of the Linux kernel that Python's library has no name for, through ctypes."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from ctypes import c_long, c_ulong

IS_LINUX = sys.platform.startswith("linux")

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38

_CAPABILITY_VERSION_3 = 0x20080522
_CAPSET = 126 if sys.platform != "win32" and os.uname().machine == "x86_64" else 91
_OURSELVES = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
_NO_CAPABILITIES = (ctypes.c_uint32 * 6)()

_libc = ctypes.CDLL(None, use_errno=True) if IS_LINUX else None


def _function(name: str) -> Callable[..., int]:
    """The C library's, looked up once, in the light parent."""

    def missing(*_: object) -> int:
        raise OSError(errno.ENOSYS, "not on this system")

    return missing if _libc is None else getattr(_libc, name)


_prctl, _syscall, _unshare = _function("prctl"), _function("syscall"), _function("unshare")
_NOTHING = c_ulong(0)


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """prctl(2). Raises OSError."""
    _check(_prctl(option, c_ulong(first), c_ulong(second), _NOTHING, _NOTHING))


def prctl_pointer(option: int, first: int, pointer: object) -> None:
    """prctl(2) with a structure. Raises OSError."""
    _check(_prctl(option, c_ulong(first), pointer, _NOTHING, _NOTHING))


def syscall(number: int, *arguments: object) -> int:
    """A system call by its number. Raises OSError."""
    return _check(_syscall(c_long(number), *arguments))


def drop_capabilities() -> None:
    """capset(2): hold none, in whatever user namespace. Raises OSError."""
    syscall(_CAPSET, _OURSELVES, _NO_CAPABILITIES)


def unshare(flags: int) -> None:
    """unshare(2). Raises OSError."""
    _check(_unshare(flags))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
