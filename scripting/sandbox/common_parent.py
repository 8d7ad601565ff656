"""The common parent: forks a light parent for each process that asks, so that all of a stack share what these import.

A request is one byte with the control socket beside it; the reply is the process id, with a descriptor of the process beside it, or 0.
Linux alone. Who may ask is who may reach the socket: its folder is to be private.
"""

from __future__ import annotations

import _socket
import contextlib
import os
import signal
import struct
from array import array
from typing import NoReturn

from scripting.sandbox import fork_server
from scripting.sandbox.languages.factory import EngineFactory

REPLY = struct.Struct("!I")
_ASK_SECONDS = 2.0


def listen(address: str) -> NoReturn:
    """Serve the Unix socket `address`, whose file is made anew, until a signal ends this process. Its light parents go on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    engines = fork_server.load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries those that have ended
    unheard = f"{address}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(unheard)
    listener = _socket.socket(_socket.AF_UNIX)
    listener.bind(unheard)
    listener.listen(64)
    os.rename(unheard, address)
    os.chdir("/")
    while True:
        asker = _socket.socket(fileno=listener._accept()[0])  # type: ignore[attr-defined]
        asker.settimeout(_ASK_SECONDS)
        with contextlib.closing(asker), contextlib.suppress(OSError):
            control = _asked(asker)
            if control is None:
                continue
            pid = _fork()
            if not pid:
                listener.close()
                asker.close()
                _become_light_parent(control, engines)
            os.close(control)
            _reply(asker, pid)


def _asked(asker: _socket.socket) -> int | None:
    """The control socket that came with the request; None if there was not exactly one."""
    descriptors = array("i")
    _, ancillary, _, _ = asker.recvmsg(1, _socket.CMSG_LEN(2 * descriptors.itemsize))
    for level, kind, data in ancillary:
        if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    if len(descriptors) == 1:
        return descriptors[0]
    for descriptor in descriptors:
        os.close(descriptor)
    return None


def _fork() -> int:
    """As `os.fork`; -1 where the system refuses."""
    try:
        return os.fork()
    except OSError:
        return -1


def _reply(asker: _socket.socket, pid: int) -> None:
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:  # it was not forked, or has ended
        asker.sendall(REPLY.pack(0))
        return
    try:
        asker.sendmsg((REPLY.pack(pid),), ((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", (pidfd,))),))
    finally:
        os.close(pidfd)


def _become_light_parent(control: int, engines: EngineFactory) -> NoReturn:
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # it wants to know how its sandboxes ended
        os.setsid()
        fork_server.serve(control, engines)
        status = 0
    finally:
        os._exit(status)
