"""Compare two outcomes: status, error, result, effects and log. Trials, samples and replays ask here, so that all mean the same.

Values are compared exactly: whole numbers to the last digit, a whole number with a decimal one as the languages do, objects
whatever the order of their keys. NaN equals NaN here, since the same rule on the same dice gives it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripting.modules.scriptable import ScriptableModule
from scripting.runtime.host_calls import Call, call_of
from scripting.types import HostCallRecord, ScriptError, ScriptOutput

DECIDING = ("status", "error", "result", "effects")
"""Parts that make another decision."""
PARTS = (*DECIDING, "log")


MISSING = object()
"""Stands where one of two values has nothing."""


@dataclass(frozen=True)
class Failure:
    """Of an error: type, message and place."""

    type: str
    message: str
    script: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        kind = "" if self.type == "execution" else f"{self.type.replace('_', ' ')}: "
        where = f" at line {self.line}, column {self.column}" if self.line else ""
        return f"“{kind}{self.message}”{where} of {self.script}" if where else f"“{kind}{self.message}”"


@dataclass(frozen=True)
class Compared:
    """Of an outcome: all that is compared."""

    status: str
    error: Failure | None = None
    result: Any = None
    effects: Sequence[Call] = ()
    """In order. None of a run that failed: they are discarded."""
    logs: Sequence[str] = ()


def compared(output: ScriptOutput, module: ScriptableModule | None) -> Compared:
    """Take from a run's output all that is compared."""
    return Compared(
        output.status,
        failure_of(output.error),
        output.result,
        effects_of(output.host_calls, module) if output.error is None else (),
        tuple(output.logs),
    )


def failure_of(error: ScriptError | None) -> Failure | None:
    return None if error is None else Failure(error.type.value, error.message, error.script, error.line, error.column)


def effects_of(calls: Iterable[HostCallRecord], module: ScriptableModule | None) -> tuple[Call, ...]:
    """The commands among these calls that were accepted."""
    return tuple(call_of(call, module) for call in calls if call.kind == "effect" and call.answer is not None)


def differing(one: Compared, other: Compared) -> tuple[str, ...]:
    """The parts in which the two differ, in the order of PARTS; empty where they are the same.

    A run that failed has neither result nor effects to compare.
    """
    failed = one.error is not None or other.error is not None
    return tuple(
        part
        for part, same in (
            ("status", one.status == other.status),
            ("error", one.error == other.error),
            ("result", failed or equal(one.result, other.result)),
            ("effects", failed or equal_calls(one.effects, other.effects)),
            ("log", list(one.logs) == list(other.logs)),
        )
        if not same
    )


def equal_calls(one: Sequence[Call], other: Sequence[Call]) -> bool:
    return len(one) == len(other) and all(
        this.name == that.name and equal(this.arguments, that.arguments)
        for this, that in zip(one, other, strict=True)
    )  # fmt: skip


def equal(one: Any, other: Any) -> bool:
    """Whether two values of plain data are the same."""
    match one, other:
        case (bool(), _) | (_, bool()):
            return one is other
        case float(), float() if math.isnan(one) and math.isnan(other):
            return True
        case Mapping(), Mapping():
            return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
        case ((list() | tuple()), (list() | tuple())):
            return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def places(one: Any, other: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any, Any]]:
    """Each place where two values differ, with both sides; MISSING where one has nothing."""
    match one, other:
        case Mapping(), Mapping():
            for key in dict.fromkeys([*one, *other]):
                yield from places(one.get(key, MISSING), other.get(key, MISSING), (*path, key))
        case ((list() | tuple()), (list() | tuple())):
            for at in range(max(len(one), len(other))):
                here, there = (side[at] if at < len(side) else MISSING for side in (one, other))
                yield from places(here, there, (*path, at))
        case _ if not equal(one, other):
            yield path, one, other
