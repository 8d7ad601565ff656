"""The second process that plays: what decides comes by its standard input, then one play after the other; it ends with it.

Started as `python -m scripting.evidence.play_server` by `play_process`, and imported by nobody.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from scripting.evidence.play_process import Answer, Begin, Played, read_frame, write_frame

if TYPE_CHECKING:
    from scripting.evidence.play_decide import Rules


def main() -> None:
    """Play until the standard input ends. What anything prints goes to the standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked = sys.stdin.buffer
    rules: tuple[Rules, Rules] | None = None
    with contextlib.suppress(EOFError):
        begin = read_frame(asked)
        while True:
            side, seed = msgspec.msgpack.decode(read_frame(asked), type=tuple[int, int])
            try:
                rules = rules or _rules(begin)
                answer = Answer(played=_play(rules[side], seed))
            except Exception as error:  # noqa: BLE001 - the asking process meets it itself, and says it
                answer = Answer(refused=f"{type(error).__name__}: {error}"[:300])
            write_frame(answers, msgspec.msgpack.encode(answer))


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
