"""Hear a group of the channel layer in a thread: on a connection of its own, so that a message wakes no event loop and no second thread."""

from __future__ import annotations

import contextlib
import math
import select
import socket
import time
from typing import Any

import redis

from scripting.storage.redis_client import own_connection

PROOF_SECONDS = 5.0
"""A connection on which nothing came for so long is asked for a sign of life: of a cable that was cut nothing else tells."""
ANSWER_SECONDS = 2.0
"""Without that sign within this time it is taken for lost."""


class Reader:
    """Of one thread. `ring` is for all others."""

    def __init__(self, pool: redis.ConnectionPool, channel: str) -> None:
        """`pool` makes the connection; its timeouts are those of joining."""
        self._pool = pool
        self._channel = channel
        self._connection: Any = None
        self._bell, self._cord = socket.socketpair()
        self._bell.setblocking(False)
        self._cord.setblocking(False)
        self._ready = select.poll()
        self._heard_at = 0.0
        self._asked_at: float | None = None
        """When a sign of life was asked for that has not come yet."""

    def join(self) -> None:
        """Hear all that is sent from here on. Raises redis.RedisError."""
        self.leave()
        self._connection = own_connection(self._pool)
        try:
            self._connection.connect()
            self._connection.send_command("SUBSCRIBE", self._channel)
            self._connection.read_response()
        except redis.RedisError:
            self.leave()
            raise
        self._heard_at, self._asked_at = time.monotonic(), None
        self._ready = select.poll()
        for end in (self._connection._sock, self._bell):
            self._ready.register(end, select.POLLIN)

    def wait(self, seconds: float) -> list[bytes]:
        """Messages: those that are there, or the first within `seconds`; none too when somebody rings.

        Raises redis.RedisError once the connection is lost; then `join` again.
        """
        try:
            return self._wait(seconds)
        except redis.RedisError:
            self.leave()
            raise

    def _wait(self, seconds: float) -> list[bytes]:
        now = time.monotonic()
        due = self._heard_at + PROOF_SECONDS if self._asked_at is None else self._asked_at + ANSWER_SECONDS
        milliseconds = math.ceil(1000 * max(0.0, min(seconds, due - now)))
        ready = [descriptor for descriptor, _ in self._ready.poll(milliseconds)]
        if self._bell.fileno() in ready:
            with contextlib.suppress(BlockingIOError):
                self._bell.recv(4096)
        if self._connection._sock.fileno() in ready:
            return self._read()
        if time.monotonic() >= due:
            if self._asked_at is not None:
                raise redis.TimeoutError("Redis has given no sign of life")
            self._asked_at = time.monotonic()
            # No check of its own before it: that would not know the answer of a connection that is subscribed.
            self._connection.send_command("PING", check_health=False)
        return []

    def _read(self) -> list[bytes]:
        self._heard_at, self._asked_at = time.monotonic(), None
        found = []
        while True:
            message = self._connection.read_response()
            if isinstance(message, list) and message[0] == b"message":
                found.append(message[2])
            if not self._connection.can_read(0):
                return found

    def ring(self) -> None:
        """Have `wait` return."""
        with contextlib.suppress(OSError):  # it rings already, or nobody waits any more
            self._cord.send(b"\0")

    def leave(self) -> None:
        """Hear nothing more."""
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None
