"""A second process that plays, so that plays use two cores: Python's lock lets one process compute on one alone.

`python -m scripting.evidence.play_process` reads what decides from its standard input, then one play after the other, and ends with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import select
import subprocess
import sys
from collections import Counter
from typing import IO, TYPE_CHECKING, Any

import msgspec

from scripting.types import SecurityLimits, SimulatedPlay

if TYPE_CHECKING:
    from scripting.evidence.play_decide import Rules
    from scripting.supervisor.interface import Cancellation

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
"""How often whoever waits for a play looks whether it was cancelled."""


class Played(msgspec.Struct, frozen=True):
    """What is compared of a play: measures, outcome, a digest of its log, and by script and error how many decisions failed."""

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
        command = [sys.executable, "-m", "scripting.evidence.play_process"]
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": settings}
        self._process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._begin: bytes | None = begin

    def play(self, side: int, seed: int, cancellation: Cancellation) -> Played:
        """Raises Failed, also where it was cancelled meanwhile."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            if self._begin is not None:
                _write(self._process.stdin, self._begin)
                self._begin = None
            _write(self._process.stdin, msgspec.msgpack.encode((side, seed)))
            while not select.select([self._process.stdout], [], [], LOOK_SECONDS)[0]:
                if cancellation.cancelled:
                    raise Failed("it was cancelled")
            answer = msgspec.msgpack.decode(_read(self._process.stdout), type=_Answer)
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


class _Answer(msgspec.Struct):
    played: Played | None = None
    refused: str | None = None


def _write(stream: IO[bytes], frame: bytes) -> None:
    stream.write(len(frame).to_bytes(4, "big") + frame)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes:
    """Raises EOFError."""
    size = int.from_bytes(_exactly(stream, 4), "big")
    return _exactly(stream, size)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found


# -- in the second process -----------------------------------------------------------------------------------------------


def main() -> None:
    """Play until the standard input ends. What anything prints goes to the standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked = sys.stdin.buffer
    rules: tuple[Rules, Rules] | None = None
    with contextlib.suppress(EOFError):
        begin = _read(asked)
        while True:
            side, seed = msgspec.msgpack.decode(_read(asked), type=tuple[int, int])
            try:
                rules = rules or _rules(begin)
                answer = _Answer(played=_play(rules[side], seed))
            except Exception as error:  # noqa: BLE001 - the asking process meets it itself, and says it
                answer = _Answer(refused=f"{type(error).__name__}: {error}"[:300])
            _write(answers, msgspec.msgpack.encode(answer))


class Begin(msgspec.Struct, frozen=True):
    """All that decides."""

    module: str
    live: dict[str, tuple[Any, ...]]
    draft: dict[str, tuple[Any, ...]]
    limits: dict[str, SecurityLimits]


def _rules(begin: bytes) -> tuple[Rules, Rules]:
    import django

    django.setup()
    from scripting.evidence.play_decide import Contender, Rules
    from scripting.evidence.playing import module_of
    from scripting.supervisor.interface import Cancellation

    told = msgspec.msgpack.decode(begin, type=Begin)
    module = module_of(told.module)

    def side(bundles: dict[str, tuple[Any, ...]]) -> Rules:
        contenders: dict[str, tuple[Contender, ...]] = msgspec.convert(bundles, dict[str, tuple[Contender, ...]])
        return Rules(module, contenders, told.limits, Cancellation())

    return side(told.live), side(told.draft)


def _play(rules: Rules, seed: int) -> Played:
    from scripting.evidence.playing import play

    found = play(rules, seed)
    return Played.of(found.play, found.failures)


if __name__ == "__main__":
    main()
