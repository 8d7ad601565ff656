"""The supervisor's side of the light parent: start it, ask it for sandboxes and for how they ended, start it again."""

from __future__ import annotations

import array
import contextlib
import math
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from scripting.sandbox.protocol import LAST_WORD_SIGNAL
from scripting.supervisor import light_parents
from scripting.supervisor.errors import SandboxUnavailable

_REQUEST = struct.Struct("!cxI")
_REPLY = struct.Struct("!c3xIiQQ")
_FORK, _REAP, _PROBE = b"F", b"R", b"P"
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_START_SECONDS = 20.0
_ANSWER_SECONDS = 10.0


class Handle(NamedTuple):
    """A sandbox just forked: its socket, its process id and, where the system has them, a descriptor of the process."""

    socket: socket.socket
    pid: int
    pidfd: int | None


class ExitStatus(NamedTuple):
    """How a sandbox ended: exit code, or minus the signal; None when its parent is gone too.

    Peak memory in bytes and processor time in microseconds, both of its whole life.
    """

    status: int | None
    peak: int = 0
    cpu_us: int = 0


@dataclass
class _Process:
    process: light_parents.Process
    control: socket.socket
    ready: list[Handle]
    """Sandboxes forked ahead of need."""
    asked: int = 0
    """Forks asked for and not yet answered."""
    version: tuple[int, int, int] = (0, 0, 0)
    """Of its interpreter."""


class ParentClient:
    """Thread-safe. One request at a time; forks ahead of need, so that a sandbox is at hand when one is wanted.

    The one taken is replaced by `replenish`, which its user calls once what cannot wait is done: a fork takes a processor too.
    """

    def __init__(self, python: str, reserve: int, common_parent: str = "") -> None:
        self.python = python
        self.common_parent = common_parent
        self.reserve = reserve
        self.forks = 0
        self._lock = threading.Lock()
        self._process: _Process | None = None

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.process.pid if process else None

    def fork(self, headroom_bytes: int | None = None) -> Handle:
        """A locked-down sandbox. With a headroom (bytes for compiling, over the usual) it is forked for this.
        Raises SandboxUnavailable."""
        with self._lock:
            for attempt in (1, 2):
                process = self._process or self._start()
                try:
                    handle = self._take(process, headroom_bytes)
                except (OSError, EOFError) as error:
                    self._discard()
                    if attempt == 2:
                        raise SandboxUnavailable(f"the light parent does not answer: {error}") from None
                except BaseException:
                    self._discard()  # an answer may be left unread
                    raise
                else:
                    self.forks += 1
                    return handle
        raise AssertionError

    def replenish(self, *, start: bool = False) -> None:
        """Have the reserve filled up, without waiting for it; `start` the light parent too if it is not there. Raises SandboxUnavailable."""
        with self._lock:
            process = self._process or (self._start() if start else None)
            if process is None:
                return
            try:
                self._ask(process, self.reserve)
            except OSError:
                self._discard()  # whoever wants a sandbox starts it again

    def reap(self, pid: int) -> ExitStatus:
        """How this sandbox, already killed or at its end, came to its end."""
        with self._lock:
            process = self._process
            if process is None:
                return ExitStatus(None, 0)
            try:
                process.control.sendall(_REQUEST.pack(_REAP, pid))
                while True:
                    kind, answered, status, peak, cpu_us, handle = self._receive(process)
                    if kind == _FORK:
                        self._keep(process, handle)
                    elif answered == pid:
                        return ExitStatus(status, peak, cpu_us)
            except (OSError, EOFError):
                self._discard()
                return ExitStatus(None, 0)

    def probe(self, number: int) -> tuple[ExitStatus, tuple[int, int, int]]:
        """How the process that tried probe `number` ended, and the version of its interpreter. Raises SandboxUnavailable."""
        with self._lock:
            process = self._process or self._start()
            process.control.sendall(_REQUEST.pack(_PROBE, number))
            reply = self._receive(process)
            while reply.kind != _PROBE:
                self._keep(process, reply.handle)
                reply = self._receive(process)
        if reply.handle is None:
            raise SandboxUnavailable("the light parent cannot fork")
        # The end of its socket is the end of the process.
        reply.handle.socket.settimeout(_ANSWER_SECONDS)
        with contextlib.suppress(OSError):
            reply.handle.socket.recv(1)
        kill(reply.handle)
        release(reply.handle)
        return self.reap(reply.pid), process.version

    def close(self) -> None:
        """End the light parent, and with it all its sandboxes."""
        with self._lock:
            self._discard()

    def forget(self) -> None:
        """In a process forked from ours: let go of descriptors without ending what belongs to the other."""
        process, self._process = self._process, None
        self._lock = threading.Lock()
        if process:
            process.control.close()
            process.process.disown()
            for handle in process.ready:
                release(handle)

    def _take(self, process: _Process, headroom_bytes: int | None) -> Handle:
        if headroom_bytes is not None:
            process.control.sendall(_REQUEST.pack(_FORK, headroom_bytes >> 20))
            process.asked += 1
            # Answers come in the order of the questions: those before are of the reserve.
            while process.asked > 1:
                self._keep(process, self._receive(process).handle)
            handle = self._receive(process).handle
            process.asked -= 1
            if handle is None:
                raise OSError("it could not fork")
            return handle
        self._ask(process, 1)
        if not process.ready:
            self._keep(process, self._receive(process).handle)
        if not process.ready:
            raise OSError("it could not fork")
        return process.ready.pop(0)

    def _ask(self, process: _Process, wanted: int) -> None:
        """Have as many sandboxes forked as are missing from those wanted."""
        for _ in range(wanted - len(process.ready) - process.asked):
            process.control.sendall(_REQUEST.pack(_FORK, 0))
            process.asked += 1

    def _keep(self, process: _Process, handle: Handle | None) -> None:
        process.asked -= 1
        if handle is not None:
            process.ready.append(handle)

    def _receive(self, process: _Process) -> _Reply:
        data, ancillary, _, _ = process.control.recvmsg(_REPLY.size, socket.CMSG_SPACE(8), _CLOSE_ON_EXEC)
        descriptors = array.array("i")
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
        while data and len(data) < _REPLY.size:
            data += process.control.recv(_REPLY.size - len(data)) or _end()
        if not data:
            _end()
        name, pid, status, peak, cpu_us = _REPLY.unpack(data)
        handle = None
        if descriptors:
            handle = Handle(socket.socket(fileno=descriptors[0]), pid, descriptors[1] if len(descriptors) > 1 else None)
        return _Reply(name, pid, status, peak, cpu_us, handle)

    def _start(self) -> _Process:
        with tempfile.TemporaryFile() as complaints:
            begun = light_parents.forked(self.common_parent) if self.common_parent else None
            popen, ours = begun or light_parents.started(self.python, complaints)
            process = _Process(popen, ours, [])
            ours.settimeout(_START_SECONDS)
            try:
                version = self._receive(process).status
                process.version = (version >> 16 & 255, version >> 8 & 255, version & 255)
            except (OSError, EOFError):
                popen.kill()
                popen.wait()
                ours.close()
                complaints.seek(0)
                told = complaints.read()[-1500:].decode("utf-8", "replace").strip()
                hint = "the project must be installed in the environment of this interpreter"
                raise SandboxUnavailable(f"the light parent does not start ({self.python}; {hint}): {told}") from None
        ours.settimeout(_ANSWER_SECONDS)
        self._process = process
        return process

    def _discard(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.control.close()
        for handle in process.ready:
            release(handle)
        try:
            process.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.process.kill()
            process.process.wait()


class _Reply(NamedTuple):
    kind: bytes
    pid: int
    status: int
    peak: int
    cpu_us: int
    handle: Handle | None


def _end() -> bytes:
    raise EOFError("the light parent has ended")


def kill(handle: Handle) -> None:
    """End the sandbox now. Nothing if it has ended."""
    _signal(handle, signal.SIGKILL)


def ask_for_last_word(handle: Handle) -> None:
    """Have the sandbox tell how far its run has come, and end. Nothing if it has ended."""
    _signal(handle, LAST_WORD_SIGNAL)


def _signal(handle: Handle, number: signal.Signals) -> None:
    with contextlib.suppress(OSError):
        if handle.pidfd is not None:
            signal.pidfd_send_signal(handle.pidfd, number)
        else:
            os.kill(handle.pid, number)


def cpu_seconds(handle: Handle) -> float:
    """Processor time that the sandbox has used so far, to a hundredth; infinite where the system does not tell."""
    try:
        fields = Path(f"/proc/{handle.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.inf
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def release(handle: Handle) -> None:
    """Let go of the sandbox's descriptors."""
    handle.socket.close()
    if handle.pidfd is not None:
        with contextlib.suppress(OSError):
            os.close(handle.pidfd)
