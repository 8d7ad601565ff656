"""Knobs out of a sandbox's report: bounded and plausible, or left out. What a sandbox says is hostile until then."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import msgspec

from scripting.sandbox import protocol
from scripting.sandbox.protocol import Loaded, cut
from scripting.types import Knob

MOST = 64
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TYPES = {"whole": int, "decimal": float, "flag": bool, "choice": str, "text": str}
_LARGEST = 10**15
_LINES = 1 << 30


def knobs_of(loaded: Loaded) -> tuple[Knob, ...]:
    """The knobs that a check found."""
    found = {knob.name: knob for knob in _plausible(loaded.knobs[:MOST])}
    return tuple(found.values())


def _plausible(knobs: tuple[protocol.Knob, ...]) -> Iterator[Knob]:
    for knob in knobs:
        wanted = _TYPES.get(knob.kind)
        if wanted is None or not _NAME.fullmatch(knob.name):
            continue
        if any(type(value) is not wanted or not _small(value) for value in (knob.default, knob.value)):
            continue
        bounds = (knob.low, knob.high)
        if knob.kind in ("whole", "decimal"):
            if not all(type(bound) is wanted and _small(bound) for bound in bounds):
                continue
            if knob.step is not None and not (type(knob.step) is wanted and _small(knob.step) and knob.step > 0):
                continue
        if not all(0 < place < _LINES for place in (knob.line, knob.column, knob.end_column)):
            continue
        choices = tuple(cut(choice, 200) for choice in knob.choices[:MOST])
        plain = msgspec.structs.asdict(knob)
        yield Knob(**{**plain, "choices": choices, "label": cut(knob.label, 300), "problem": cut(knob.problem, 300)})


def _small(value: object) -> bool:
    match value:
        case str():
            return len(value) <= 200
        case int() | float():
            return math.isfinite(value) and abs(value) <= _LARGEST
    return False
