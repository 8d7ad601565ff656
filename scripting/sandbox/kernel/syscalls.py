"""The few calls of the Linux kernel that Python's library has no name for, through ctypes."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from ctypes import c_long, c_ulong
from typing import TypeAlias

IS_LINUX = sys.platform.startswith("linux")

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_MODE_FILTER = 2

Call: TypeAlias = tuple[Callable[..., object], tuple[object, ...]]
"""A call made ready in the light parent for its sandboxes: a function and its arguments. It has failed if it gives anything but 0 or None."""

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


fork: Callable[[], int] = ctypes.PyDLL(None, use_errno=True).fork if IS_LINUX else os.fork
"""fork(2); gives -1 where the system refuses.

The C library's own: after one of its own the interpreter makes locks anew that other threads may have held, in memory that the child has
not for itself until then. Only for a process with one thread.
"""
_prctl, _syscall, _unshare = _function("prctl"), _function("syscall"), _function("unshare")
_long = c_ulong.from_param
_NOTHING = _long(0)


def prctl_call(option: int, first: int = 0) -> Call:
    """prctl(2)."""
    return _prctl, (_long(option), _long(first), _NOTHING, _NOTHING, _NOTHING)


def filter_call(filter_: object) -> Call:
    """prctl(2) that puts a seccomp filter, given by reference, on this process for good."""
    return _prctl, (_long(_PR_SET_SECCOMP), _long(_MODE_FILTER), filter_, _NOTHING, _NOTHING)


def capabilities_call() -> Call:
    """capset(2): hold none, in whatever user namespace."""
    return syscall_call(_CAPSET, ctypes.byref(_OURSELVES), ctypes.byref(_NO_CAPABILITIES))


def syscall_call(number: int, *arguments: object) -> Call:
    """A system call by its number."""
    return _syscall, (_long(number), *arguments)


def syscall(number: int, *arguments: object) -> int:
    """A system call by its number. Raises OSError."""
    return _check(_syscall(c_long(number), *arguments))


def unshare(flags: int) -> None:
    """unshare(2). Raises OSError."""
    _check(_unshare(flags))


def _check(result: int) -> int:
    if result < 0:
        raise failure()
    return result


def failure() -> OSError:
    """The error of the call that has just failed."""
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
