"""The system calls that a sandbox may make: an allow-list as a BPF program, for x86-64 and AArch64.

What CPython needs to run and answer is allowed. What it makes lazily (an import, a warning, a traceback reaching for files) is
answered with EPERM. Anything else ends the process: sockets, clone, execve, ptrace, io_uring, foreign ABIs.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from ctypes import byref
from typing import NamedTuple

from scripting.sandbox.kernel import syscalls
from scripting.sandbox.kernel.syscalls import Call

_X86_64 = {
    "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "lseek": 8, "mmap": 9, "mprotect": 10,
    "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "ioctl": 16, "pread64": 17,
    "access": 21, "sched_yield": 24, "mremap": 25, "madvise": 28, "getpid": 39, "exit": 60, "fcntl": 72, "getcwd": 79,
    "readlink": 89, "getrusage": 98, "getuid": 102, "gettid": 186, "futex": 202, "getdents64": 217, "clock_gettime": 228,
    "exit_group": 231, "tgkill": 234, "openat": 257, "newfstatat": 262, "readlinkat": 267, "prlimit64": 302,
    "getrandom": 318, "statx": 332, "faccessat2": 439, "rseq": 334, "sysinfo": 99, "uname": 63, "gettimeofday": 96,
}  # fmt: skip
_AARCH64 = {
    "getcwd": 17, "fcntl": 25, "ioctl": 29, "openat": 56, "close": 57, "getdents64": 61, "lseek": 62, "read": 63, "write": 64,
    "pread64": 67, "readlinkat": 78, "newfstatat": 79, "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98,
    "clock_gettime": 113, "sched_yield": 124, "tgkill": 131, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139,
    "uname": 160, "getrusage": 165, "gettimeofday": 169, "getpid": 172, "getuid": 174, "gettid": 178, "sysinfo": 179,
    "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233, "prlimit64": 261,
    "getrandom": 278, "statx": 291, "rseq": 293, "faccessat2": 439,
}  # fmt: skip

ALLOWED = (
    "read", "write", "clock_gettime", "getrusage", "mmap", "munmap", "brk", "mremap", "madvise", "futex", "close", "pread64",
    "exit", "exit_group", "rt_sigreturn", "gettimeofday",
)  # fmt: skip
"""mmap of private memory without PROT_EXEC only (shared memory counts against no limit); prlimit64 for the process itself only (see _program)."""
REFUSED = (
    "getrandom", "mprotect", "open", "openat", "stat", "fstat", "lstat", "newfstatat", "statx", "lseek", "ioctl", "readlink",
    "readlinkat", "getdents64", "access", "faccessat2", "getcwd", "fcntl", "getpid", "gettid", "getuid", "tgkill",
    "rt_sigaction", "rt_sigprocmask", "sched_yield", "uname", "sysinfo", "rseq",
)  # fmt: skip
"""Answered with EPERM: CPython and the C library make them lazily and live without."""


class _Machine(NamedTuple):
    audit: int
    numbers: dict[str, int]


_MACHINES = {
    "x86_64": _Machine(0xC000003E, _X86_64),
    "aarch64": _Machine(0xC00000B7, _AARCH64),
}

_MACHINE = _MACHINES.get(os.uname().machine) if sys.platform != "win32" and sys.maxsize >> 32 else None
"""This one; None where there is no table for it."""

_KILL, _ALLOW, _EPERM = 0x80000000, 0x7FFF0000, 0x00050001
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENT_0, _ARGUMENT_2, _ARGUMENT_3 = 0, 4, 16, 32, 40
_X32_BIT = 0x40000000
_PROT_EXEC = 4
_MAP_SHARED = 1


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def filter_call() -> Call:
    """Put the filter on the calling process for good; no_new_privs must be set. Raises OSError where there is no table for this machine."""
    return syscalls.filter_call(byref(program()))


@functools.cache
def program() -> _Program:
    """The filter, made once for all sandboxes. Raises OSError where there is no table for this machine."""
    if _MACHINE is None:
        raise OSError("no table of system calls for this machine")
    instructions = _instructions(_MACHINE)
    array = (_Instruction * len(instructions))(*instructions)
    return _Program(len(instructions), ctypes.cast(array, ctypes.POINTER(_Instruction)))


def _instructions(machine: _Machine) -> list[_Instruction]:
    listing: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _KILL),
    ]
    for name in ALLOWED:
        number = machine.numbers.get(name)
        if number is None:
            continue
        if name == "mmap":  # refused if the memory is to be executable, or shared
            listing += [
                (_EQUAL, 0, 6, number),
                (_LOAD, 0, 0, _ARGUMENT_2),
                (_ANY_BIT, 2, 0, _PROT_EXEC),
                (_LOAD, 0, 0, _ARGUMENT_3),
                (_ANY_BIT, 0, 1, _MAP_SHARED),
                (_RETURN, 0, 0, _EPERM),
                (_RETURN, 0, 0, _ALLOW),
            ]
        else:
            listing += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    listing += [  # its own limits only: pid 0
        (_EQUAL, 0, 4, machine.numbers["prlimit64"]),
        (_LOAD, 0, 0, _ARGUMENT_0),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    for name in REFUSED:
        number = machine.numbers.get(name)
        if number is not None:
            listing += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _EPERM)]
    listing.append((_RETURN, 0, 0, _KILL))
    return [_Instruction(*line) for line in listing]
