"""One HTTP request to a receiver: bounded in time and size, to a checked address, without following where it leads."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping

from scripting.alerts.destination import Destination, resolve
from scripting.texts.escaping import one_line

CONNECT_SECONDS = 5.0
SECONDS = 10.0
"""Of one request, from connecting to the status of its answer."""
READ_BYTES = 300
"""Of an answer that refuses, for the log."""


class NotTaken(Exception):
    """The receiver did not take the message; the text says what it answered."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> str:
    """POST, and return the answer in words. Raises NotTaken, Forbidden, OSError, http.client.HTTPException."""
    destination = resolve(url)
    with contextlib.closing(_connect(destination)) as raw:
        late = threading.Event()
        watch = threading.Timer(SECONDS, _end, [raw, late])  # a drip of bytes would begin each read's time anew
        watch.daemon = True
        watch.start()
        try:
            answer = _exchange(destination, raw, body, headers)
        finally:
            watch.cancel()
        if late.is_set():
            raise NotTaken(f"no whole answer within {SECONDS:g} s")
        return answer


def _connect(destination: Destination) -> socket.socket:
    """A connection to the first of the checked addresses that answers. Raises OSError."""
    error: OSError = OSError("it has no address")
    for address in destination.addresses[:3]:
        try:
            return socket.create_connection((address, destination.port), CONNECT_SECONDS)
        except OSError as failed:
            error = failed
    raise error


def _exchange(destination: Destination, raw: socket.socket, body: bytes, headers: Mapping[str, str]) -> str:
    connection = http.client.HTTPConnection(destination.host, destination.port, timeout=SECONDS)
    raw.settimeout(SECONDS)
    connection.sock = raw
    if destination.scheme == "https":
        connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=destination.host)
    with contextlib.closing(connection):
        connection.request("POST", destination.path, body, {"Connection": "close", **headers})
        answer = connection.getresponse()
        if 200 <= answer.status < 300:
            return f"{answer.status} {one_line(answer.reason, 100)}"
        if 300 <= answer.status < 400:
            raise NotTaken(f"{answer.status}: it leads elsewhere, which is not followed")
        said = one_line(answer.read(READ_BYTES).decode("utf-8", "replace"), 160)
        raise NotTaken(f"{answer.status} {one_line(answer.reason, 60)}: {said}")


def _end(raw: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):
        raw.shutdown(socket.SHUT_RDWR)
