"""Begin a light parent: a program of its own, or forked by the common parent that a stack keeps for all its processes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
from typing import IO, Protocol

ENVIRONMENT = {"PYTHONHASHSEED": "0", "LD_BIND_NOW": "1"}
"""Of light parents and their common one: the same on every host, for the same results.

The linker finds the functions of libraries before the first fork: each sandbox would write down where they are in memory of its own.
"""
_REPLY = struct.Struct("!I")
_ASK_SECONDS = 20.0


class Process(Protocol):
    """A light parent as its supervisor sees it."""

    @property
    def pid(self) -> int: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> object: ...
    def disown(self) -> None: ...


class _Own(subprocess.Popen[bytes]):
    def disown(self) -> None:
        """In a process forked from ours: it is not our child, there is nothing to wait for."""
        self.returncode = 0


class _Forked:
    """The common parent's child."""

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self._pidfd = pidfd

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> None:
        """Raises subprocess.TimeoutExpired."""
        ended = select.poll()
        ended.register(self._pidfd, select.POLLIN)
        if not ended.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)

    def disown(self) -> None:
        """There is nothing to wait for anyway."""

    def __del__(self) -> None:
        os.close(self._pidfd)


def started(python: str, complaints: IO[bytes]) -> tuple[Process, socket.socket]:
    """A program of its own, and its control socket. What it says on stderr goes into that file."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = _Own(
            [python, "-s", "-P", "-m", "scripting.sandbox", str(theirs.fileno())],
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return process, ours


def forked(address: str) -> tuple[Process, socket.socket] | None:
    """The same from the common parent at that Unix socket; None where it is not there or does not answer."""
    ours, theirs = socket.socketpair()
    descriptors: list[int] = []
    try:
        with theirs, socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_ASK_SECONDS)
            line.connect(address)
            socket.send_fds(line, [b"L"], [theirs.fileno()])
            reply, descriptors, _, _ = socket.recv_fds(line, _REPLY.size, 1, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
        if len(reply) == _REPLY.size and len(descriptors) == 1:
            (pid,) = _REPLY.unpack(reply)
            return _Forked(pid, descriptors[0]), ours
    except OSError:
        pass
    ours.close()  # what was forked in spite of that ends with it
    for descriptor in descriptors:
        os.close(descriptor)
    return None
