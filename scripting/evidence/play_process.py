"""The asking end of a second process that plays, so that plays use two cores: Python's lock lets one process compute on one alone."""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import subprocess
import sys
from collections import Counter
from typing import IO, TYPE_CHECKING, Any

import msgspec

from scripting.types import SecurityLimits, SimulatedPlay

if TYPE_CHECKING:
    from scripting.supervisor.interface import Cancellation

LOOK_SECONDS = 0.2
"""How often whoever waits for a play looks whether it was cancelled."""


class Played(msgspec.Struct, frozen=True):
    """The figures of a play that are compared: measures, outcome, a digest of its log, and by script and error how many decisions failed."""

    measures: dict[str, float]
    outcome: str
    log: str
    failures: dict[str, int]

    @staticmethod
    def of(play: SimulatedPlay, failures: Counter[str]) -> Played:
        told = hashlib.sha256(msgspec.msgpack.encode(play.log)).hexdigest()
        return Played(dict(play.measures), play.outcome, told, dict(failures))


class Failed(Exception):
    """The second process is gone, or cannot play."""


class SecondProcess:
    """The asking end. One play at a time."""

    def __init__(self, begin: bytes, settings: str) -> None:
        command = [sys.executable, "-m", "scripting.evidence.play_server"]
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": settings}
        self._process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._begin: bytes | None = begin

    def play(self, side: int, seed: int, cancellation: Cancellation) -> Played:
        """Raises Failed, also where it was cancelled meanwhile."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            if self._begin is not None:
                write_frame(self._process.stdin, self._begin)
                self._begin = None
            write_frame(self._process.stdin, msgspec.msgpack.encode((side, seed)))
            while not select.select([self._process.stdout], [], [], LOOK_SECONDS)[0]:
                if cancellation.cancelled:
                    raise Failed("it was cancelled")
            answer = msgspec.msgpack.decode(read_frame(self._process.stdout), type=Answer)
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            raise Failed(str(error) or "it ended") from None
        if answer.refused is not None or answer.played is None:
            raise Failed(answer.refused)
        return answer.played

    def close(self) -> None:
        """Its sandboxes end with it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class Begin(msgspec.Struct, frozen=True):
    """All that decides."""

    module: str
    live: dict[str, tuple[Any, ...]]
    draft: dict[str, tuple[Any, ...]]
    limits: dict[str, SecurityLimits]


class Answer(msgspec.Struct):
    """A play, or why there is none."""

    played: Played | None = None
    refused: str | None = None


def write_frame(stream: IO[bytes], frame: bytes) -> None:
    """Its length, then itself."""
    stream.write(len(frame).to_bytes(4, "big") + frame)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes:
    """Raises EOFError."""
    size = int.from_bytes(_exactly(stream, 4), "big")
    return _exactly(stream, size)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found
