"""The light parent of all sandboxes: take one request at a time from its control socket, fork a sandbox or end one.

Requests are six bytes (`F` fork with headroom in MiB, `R` reap a process id, `P` fork a probe by its number), replies twenty with
descriptors beside them.
"""

from __future__ import annotations

import _socket  # of C alone: what the library puts around it takes a sixth of a megabyte
import contextlib
import gc
import os
import signal
import struct
import sys
import time
from array import array
from collections.abc import Callable
from ctypes import get_errno

from scripting.sandbox import holes, lockdown, probes
from scripting.sandbox.kernel import landlock, namespaces, seccomp
from scripting.sandbox.kernel.syscalls import IS_LINUX, fork
from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.last_word import LastWord
from scripting.sandbox.library import builtins, packages
from scripting.sandbox.lint.calls import learn_signatures
from scripting.sandbox.lockdown import SOCKET, Lockdown
from scripting.sandbox.protocol import Ready
from scripting.sandbox.rehearsal import rehearse
from scripting.sandbox.server import Server, SupervisorGone
from scripting.sandbox.wire import Wire

REQUEST = struct.Struct("!cxI")
REPLY = struct.Struct("!c3xIiQQ")
FORK, REAP, PROBE, HELLO = b"F", b"R", b"P", b"H"


class LightParent:
    """Forks sandboxes. Single-threaded; holds no script and no data."""

    def __init__(self, control: _socket.socket, engines: EngineFactory) -> None:
        self.control = control
        self.pid = os.getpid()
        self.left: tuple[str, ...] = ()
        self.problem = ""
        self.ready = Ready((), ())
        """The first message of each sandbox in which every layer holds that held when this process began."""
        # Made here, once, and not by each sandbox: what it makes or touches becomes memory of its own.
        self.lockdown = Lockdown(self.pid)
        meters = self.lockdown.resources, self.lockdown.meter
        self.server = Server(Wire(SOCKET), engines, *meters, LastWord())

    def leave_host(self) -> None:
        """Leave the host's namespaces and the standard streams."""
        if IS_LINUX:
            self.left, self.problem = namespaces.leave()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        # Dropped here and not by each sandbox: to end such an object takes the interpreter through all that it is made of.
        sys.stdin = sys.stdout = sys.stderr = None
        sys.__stdin__ = sys.__stdout__ = sys.__stderr__ = None  # type: ignore[misc]

    def serve(self) -> None:
        """Answer requests until the supervisor is gone."""
        self.ready = self._ready()
        gc.freeze()
        self._reply(HELLO, self.pid, sys.hexversion >> 8)
        while True:
            request = self.control.recv(REQUEST.size, _socket.MSG_WAITALL)
            if len(request) < REQUEST.size:
                return
            kind, number = REQUEST.unpack(request)
            if kind == REAP:
                self._reap(number)
            else:
                self._fork(kind, number)

    def _ready(self) -> Ready:
        """Name the layers that hold in a sandbox: namespaces, which this process left for all of them, and its lockdown."""
        held, missing = self.lockdown.held, self.lockdown.missing
        if self.left:
            held += ("namespaces: " + ", ".join(self.left),)
        if self.problem:
            missing += (("namespaces", self.problem),)
        return Ready(held, missing)

    def _fork(self, kind: bytes, number: int) -> None:
        # Looked up here and not by each sandbox, which would write to all that is looked through.
        enter, serve, ready = self.lockdown.enter, self.server.serve, self.ready
        ours, theirs = _socket.socketpair()
        descriptor = theirs.fileno()
        pid = fork()
        if pid < 0:
            self._reply(kind, 0, get_errno() or 1)
            return
        if pid == 0:
            if kind == PROBE:
                probes.run(number, self.pid, descriptor)
            _become_sandbox(enter, descriptor, number << 20, serve, ready)
        pidfd = _pidfd(pid)
        self._reply(kind, pid, descriptors=(ours.fileno(),) if pidfd is None else (ours.fileno(), pidfd))
        ours.close()
        theirs.close()
        if pidfd is not None:
            os.close(pidfd)

    def _reap(self, pid: int) -> None:
        try:
            _, status, usage = os.wait4(pid, 0)
            cpu_us = int((usage.ru_utime + usage.ru_stime) * 1_000_000)
            self._reply(REAP, pid, os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024, cpu_us)
        except ChildProcessError:
            self._reply(REAP, pid, 0)

    def _reply(
        self,
        kind: bytes,
        pid: int,
        status: int = 0,
        peak: int = 0,
        cpu_us: int = 0,
        descriptors: tuple[int, ...] = (),
    ) -> None:
        reply = REPLY.pack(kind, pid, status, peak, cpu_us)
        try:
            self.control.sendmsg((reply,), ((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", descriptors)),))
        except (BrokenPipeError, ConnectionResetError):
            os._exit(0)


def _become_sandbox(
    enter: Callable[[int, int], tuple[tuple[str, str], ...]],
    descriptor: int,
    headroom_bytes: int,
    serve: Callable[[Ready], None],
    ready: Ready,
) -> None:
    """In the forked process: lock down, serve, end. Never returns."""
    try:
        failed = enter(descriptor, headroom_bytes)
        if failed:
            ready = without(ready, failed)
        serve(ready)
    except (SupervisorGone, BrokenPipeError, ConnectionResetError):
        os._exit(0)
    except MemoryError:
        os._exit(71)
    except BaseException:  # noqa: BLE001 - there is nobody to tell: the exit status says that it was us
        os._exit(70)
    os._exit(0)


def without(ready: Ready, failed: tuple[tuple[str, str], ...]) -> Ready:
    """The same but for layers that have failed, each with why."""
    layers = {layer for layer, _ in failed}
    return Ready(tuple(layer for layer in ready.layers if layer not in layers), ready.missing + failed)


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def load() -> EngineFactory:
    """Import what is loaded lazily, and set aside what is common to all sandboxes."""
    time.tzset()
    learn_signatures()  # before the languages are loaded, which take the room of what this has used and dropped
    engines = EngineFactory()
    engines.load_all()
    packages.import_lazy()
    if IS_LINUX:
        for made in (seccomp.program, landlock.all_rights):
            with contextlib.suppress(OSError):  # the lockdown says why
                made()
    rehearse(engines, (_become_sandbox, *lockdown.FUNCTIONS))
    builtins.make_ahead()
    engines.make_ahead()
    gc.collect()
    gc.freeze()
    holes.fill()
    return engines


def serve(descriptor: int, engines: EngineFactory) -> None:
    """Be a light parent with the control socket on this descriptor, until that ends."""
    control = _socket.socket(fileno=descriptor)
    os.set_inheritable(descriptor, False)
    parent = LightParent(control, engines)
    parent.leave_host()
    parent.serve()


def main(descriptor: int) -> int:
    """Serve the control socket on this descriptor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which then ends this process
    serve(descriptor, load())
    return 0
