"""Probes for the report: each tries, in a locked-down process of its own, what its layer is there to refuse."""

from __future__ import annotations

import _socket
import mmap
import os
import sys
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from scripting.sandbox.kernel import syscalls
from scripting.sandbox.kernel.resources import Resources
from scripting.sandbox.lockdown import Lockdown

REFUSED, HAPPENED = 0, 1
"""Exit codes of a probe: what it tried was refused, or it happened. A kill by the kernel is a refusal too."""

_IS_X86 = os.uname().machine == "x86_64"
_PTRACE, _PRCTL, _IO_URING_SETUP = (101, 157, 425) if _IS_X86 else (117, 167, 425)
_GET_NO_NEW_PRIVS = 39
_MEMORY_BYTES = 16 << 20


class Probe(NamedTuple):
    """One thing to try. `without` are the layers left out, so that this one alone has to hold."""

    layer: str
    tries: str
    attempt: Callable[[Resources], bool]
    """True if it happened; an OSError or MemoryError is a refusal."""
    without: frozenset[str] = frozenset()


def _open(_: Resources) -> bool:
    return os.open("/etc/passwd", os.O_RDONLY) >= 0


def _open_socket(_: Resources) -> bool:
    return _socket.socket().fileno() >= 0


def _fork(_: Resources) -> bool:
    return os.fork() >= 0


def _execute(_: Resources) -> bool:
    os.execv("/bin/true", ["true"])


def _trace(_: Resources) -> bool:
    return syscalls.syscall(_PTRACE, 0, 0, 0, 0) >= 0


def _ring(_: Resources) -> bool:
    return syscalls.syscall(_IO_URING_SETUP, 1, 0) >= 0


def _kill(_: Resources) -> bool:
    os.kill(os.getppid(), 0)
    return True


def _read_directory(_: Resources) -> bool:
    return bool(os.listdir("/"))


def _interfaces(_: Resources) -> bool:
    return any(name != "lo" for _, name in _socket.if_nameindex())


def _privileges(_: Resources) -> bool:
    return os.geteuid() == 0 or os.getegid() == 0


def _may_gain_privileges(_: Resources) -> bool:
    return syscalls.syscall(_PRCTL, _GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1


def _memory(resources: Resources) -> bool:
    resources.limit_memory(_MEMORY_BYTES)
    return bool(bytearray(4 * _MEMORY_BYTES))


def _uncounted_memory(_: Resources) -> bool:
    return len(mmap.mmap(-1, _MEMORY_BYTES)) > 0  # shared: no limit on a process's data counts it


def _descriptors(_: Resources) -> bool:
    others = 0
    for descriptor in (0, 1, 2, *range(6, 64)):
        try:
            os.fstat(descriptor)
        except OSError:
            continue
        others += 1
    return others > 0


def _environment(_: Resources) -> bool:
    return not set(os.environ) <= {"LD_BIND_NOW", "PYTHONHASHSEED", "PYTHONTZPATH", "TZ", "LC_CTYPE"}


def _foreign_code(_: Resources) -> bool:
    return any(name.partition(".")[0] not in _OWN and name not in sys.stdlib_module_names for name in _roots())


def _roots() -> set[str]:
    named = {
        ".".join(name.split(".")[:2]) if name.startswith("scripting.") else name.split(".")[0] for name in sys.modules
    }
    return {name for name in named if not name.startswith("_")} - {"scripting.sandbox", "scripting"}


_OWN = frozenset({"RestrictedPython", "msgspec", "typing_extensions", "tzdata", "sitecustomize", "usercustomize"})
_NO_FILTER = frozenset({"seccomp"})
_NO_WALLS = frozenset({"seccomp", "landlock"})
PROBES: tuple[Probe, ...] = (
    Probe("seccomp", "open a file", _open),
    Probe("seccomp", "open a socket", _open_socket),
    Probe("seccomp", "start a process", _fork),
    Probe("seccomp", "run a program", _execute),
    Probe("seccomp", "trace a process", _trace),
    Probe("seccomp", "set up io_uring", _ring),
    Probe("seccomp", "signal its parent", _kill),
    Probe("seccomp", "take memory that no limit counts", _uncounted_memory),
    Probe("landlock", "read a directory", _read_directory, _NO_FILTER),
    Probe("namespaces", "see network interfaces", _interfaces, _NO_WALLS),
    Probe("unprivileged user", "act as root", _privileges, _NO_FILTER),
    Probe("no new privileges", "gain privileges by a program", _may_gain_privileges, _NO_FILTER),
    Probe("memory limit", "take four times the memory it may", _memory),
    Probe("descriptors closed", "find a descriptor of another", _descriptors, _NO_WALLS),
    Probe("empty environment", "read the supervisor's environment", _environment),
    Probe("own code only", "find code of the site in its memory", _foreign_code),
)


def run(number: int, parent: int, descriptor: int) -> NoReturn:
    """In a process just forked: lock down, try, and end with the answer."""
    try:
        probe = PROBES[number]
        lockdown = Lockdown(parent, probe.without)
        lockdown.enter(descriptor, 0)
        os._exit(HAPPENED if probe.attempt(lockdown.resources) else REFUSED)
    except (OSError, MemoryError):
        os._exit(REFUSED)
    except BaseException:  # noqa: BLE001 - an answer in any case
        os._exit(2)
