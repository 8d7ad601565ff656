"""The sandbox's end of its socket: whole frames in and out of one descriptor, blocking, with read() and write() alone."""

from __future__ import annotations

from os import read as read_some
from os import write as write_some

from scripting.sandbox.protocol import HEADER_BYTES, HEADERS, SHORT, length_in

READ_BYTES = 1 << 16


class Wire:
    """Reads and writes frames. The peer is the supervisor, which is trusted: no cap here."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._rest = b""

    def read(self) -> bytes | None:
        """The body of the next frame; None when the supervisor is gone."""
        data = self._rest or read_some(self.descriptor, READ_BYTES)
        length = len(data) - HEADER_BYTES
        if length < SHORT and data.startswith(HEADERS[length]):  # what is no whole header begins with none
            self._rest = b""
            return data[HEADER_BYTES:]
        return self._read_rest(data)

    def _read_rest(self, data: bytes) -> bytes | None:
        """The body of the next frame, of which these are the first bytes, or which others follow."""
        if not data:
            return None
        while len(data) < HEADER_BYTES:
            more = read_some(self.descriptor, READ_BYTES)
            if not more:
                return None
            data += more
        end = HEADER_BYTES + length_in(data)[0]
        if len(data) == end:
            self._rest = b""
            return data[HEADER_BYTES:]
        parts, have = [data], len(data)
        while have < end:
            more = read_some(self.descriptor, READ_BYTES)
            if not more:
                return None
            parts.append(more)
            have += len(more)
        data = b"".join(parts)
        self._rest = data[end:]
        return data[HEADER_BYTES:end]

    def write(self, frame: bytes) -> None:
        """Put the whole frame on the wire. Raises OSError when the supervisor is gone."""
        written = write_some(self.descriptor, frame)
        if written != len(frame):
            rest = memoryview(frame)
            while written < len(frame):
                written += write_some(self.descriptor, rest[written:])
