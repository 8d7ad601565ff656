"""Frames over a sandbox's socket by a deadline: blocking reads with SO_RCVTIMEO, at most 64 KiB each, never past the cap."""

from __future__ import annotations

import math
import socket
import struct
import time

from scripting.sandbox.protocol import HEADER_BYTES, HEADERS, SHORT, RemoteProtocolError, frame_length, length_in

READ_BYTES = 1 << 16
_TIMEVAL = struct.Struct("ll")
_LEAST_SECONDS = 0.001
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)


class DeadlinePassed(Exception):
    """The frame was not there in time."""


class PeerGone(Exception):
    """The sandbox has ended. `unread` is true if it had not read what was last sent."""

    def __init__(self, *, unread: bool) -> None:
        super().__init__("the sandbox has ended")
        self.unread = unread


class Channel:
    """One sandbox's socket."""

    __slots__ = ("_receive_seconds", "socket")

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(True)
        self.socket = connected
        self._receive_seconds = 0.0

    def send(self, frame: bytes, deadline: float) -> None:
        """Send the whole frame by the deadline (time.monotonic()). Raises PeerGone, DeadlinePassed."""
        if len(frame) > READ_BYTES:
            self._limit_send(deadline)
        try:
            sent = self.socket.send(frame, _NO_SIGNAL)
            if sent < len(frame):
                self._send_rest(memoryview(frame)[sent:], deadline)
        except (BrokenPipeError, ConnectionResetError):
            raise PeerGone(unread=True) from None
        except BlockingIOError:
            raise DeadlinePassed from None

    def _send_rest(self, rest: memoryview, deadline: float) -> None:
        while rest:
            self._limit_send(deadline)
            rest = rest[self.socket.send(rest, _NO_SIGNAL) :]

    def exchange(self, frame: bytes, seconds: float, deadline: float, cap: int) -> bytes:
        """Send the frame and receive the next one, as `send` and `receive` do: in one, since each run does both.

        A short frame is under every cap.
        """
        if len(frame) > READ_BYTES or seconds != self._receive_seconds:
            self.send(frame, deadline)
            return self.receive(seconds, deadline, cap)
        try:
            sent = self.socket.send(frame, _NO_SIGNAL)
            if sent < len(frame):
                self._send_rest(memoryview(frame)[sent:], deadline)
            data = self.socket.recv(READ_BYTES)
        except OSError as error:
            raise _ended(error) from None
        length = len(data) - HEADER_BYTES
        if length < SHORT and data.startswith(HEADERS[length]):  # what is no whole header begins with none
            return data[HEADER_BYTES:]
        if not data:
            raise PeerGone(unread=False)
        return self._receive_rest(data, deadline, cap)

    def receive(self, seconds: float, deadline: float, cap: int) -> bytes:
        """The body of the next frame; the first read waits `seconds`, the rest by the deadline (time.monotonic()).

        Raises PeerGone, DeadlinePassed, RemoteProtocolError for a frame over the cap (bytes) or with bytes after it."""
        return self._receive_rest(self._read_first(seconds), deadline, cap)

    def receive_all(self, begun: bytes, seconds: float, deadline: float, cap: int) -> tuple[list[bytes], bytes]:
        """The bodies of all frames that are there, one at least, and what there is of the next, `begun` when it is asked for.

        Waits and raises as `receive` does; of a frame over the cap when those before it were taken.
        """
        _whole_frames(begun, cap)
        data = begun + self._read_first(seconds)
        while True:
            bodies, rest = _whole_frames(data, cap)
            if bodies:
                return bodies, rest
            data += self._read_by(deadline)

    def _read_first(self, seconds: float) -> bytes:
        """All that is there of the next answers, waited for so long."""
        if seconds != self._receive_seconds:
            self._limit_receive(seconds)
        try:
            data = self.socket.recv(READ_BYTES)
        except OSError as error:
            raise _ended(error) from None
        if not data:
            raise PeerGone(unread=False)
        return data

    def _receive_rest(self, data: bytes, deadline: float, cap: int) -> bytes:
        """The body of the frame that these bytes, which are all there are, begin."""
        while len(data) < HEADER_BYTES:
            data += self._read_by(deadline)
        end = HEADER_BYTES + frame_length(data, cap)
        if len(data) == end:
            return data[HEADER_BYTES:]
        parts, have = [data], len(data)
        while have < end:
            more = self._read_by(deadline)
            parts.append(more)
            have += len(more)
        if have > end:
            raise RemoteProtocolError("bytes after the end of a frame")
        return b"".join(parts)[HEADER_BYTES:]

    def _read_by(self, deadline: float) -> bytes:
        # The option starts anew with each read: the rest is computed.
        self._limit_receive(deadline - time.monotonic())
        try:
            data = self.socket.recv(READ_BYTES)
        except OSError as error:
            raise _ended(error) from None
        if not data:
            raise PeerGone(unread=False)
        return data

    def _limit_receive(self, seconds: float) -> None:
        if seconds <= 0:
            raise DeadlinePassed
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(seconds))
        self._receive_seconds = seconds

    def _limit_send(self, deadline: float) -> None:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise DeadlinePassed
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(seconds))


def _whole_frames(data: bytes, cap: int) -> tuple[list[bytes], bytes]:
    """The bodies of whole frames, and the rest. Raises RemoteProtocolError if the first is over the cap (bytes)."""
    bodies: list[bytes] = []
    at = 0
    have = len(data)
    while have >= at + HEADER_BYTES:
        length = length_in(data, at)[0]
        if length > cap:
            if bodies:
                break
            frame_length(data[at : at + HEADER_BYTES], cap)  # raises
        end = at + HEADER_BYTES + length
        if end > have:
            break
        bodies.append(data[at + HEADER_BYTES : end])
        at = end
    return bodies, data[at:]


def _ended(error: OSError) -> Exception:
    """The exception for a failed read: too late, or gone with something unread. Any other error is itself."""
    if isinstance(error, BlockingIOError):
        return DeadlinePassed()
    return PeerGone(unread=True) if isinstance(error, (ConnectionResetError, BrokenPipeError)) else error


def _timeval(seconds: float) -> bytes:
    fraction, whole = math.modf(max(seconds, _LEAST_SECONDS))
    return _TIMEVAL.pack(int(whole), int(fraction * 1_000_000))
