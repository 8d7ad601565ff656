"""The few calls of the Linux kernel that Python's library has no name for, through ctypes."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys

IS_LINUX = sys.platform.startswith("linux")

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38

_CAPABILITY_VERSION_3 = 0x20080522
_CAPSET = 126 if platform.machine() == "x86_64" else 91
_OURSELVES = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
_NO_CAPABILITIES = (ctypes.c_uint32 * 6)()

_libc = ctypes.CDLL(None, use_errno=True) if IS_LINUX else None
if _libc is not None:
    for _name in ("prctl", "syscall"):  # looked up once, in the light parent: the library keeps them
        getattr(_libc, _name)


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """prctl(2). Raises OSError."""
    _check(
        _library().prctl(option, ctypes.c_ulong(first), ctypes.c_ulong(second), ctypes.c_ulong(0), ctypes.c_ulong(0))
    )


def prctl_pointer(option: int, first: int, pointer: object) -> None:
    """prctl(2) with a structure. Raises OSError."""
    _check(_library().prctl(option, ctypes.c_ulong(first), pointer, ctypes.c_ulong(0), ctypes.c_ulong(0)))


def syscall(number: int, *arguments: object) -> int:
    """A system call by its number. Raises OSError."""
    return _check(_library().syscall(ctypes.c_long(number), *arguments))


def drop_capabilities() -> None:
    """capset(2): hold none, in whatever user namespace. Raises OSError."""
    syscall(_CAPSET, _OURSELVES, _NO_CAPABILITIES)


def unshare(flags: int) -> None:
    """unshare(2). Raises OSError."""
    _check(_library().unshare(flags))


def _library() -> ctypes.CDLL:
    if _libc is None:
        raise OSError(errno.ENOSYS, "not on this system")
    return _libc


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
