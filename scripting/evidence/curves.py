"""Curves: what nine settings of a knob would have made of the last recorded events, with 95 % intervals."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scripting.evidence import corpus as corpora
from scripting.evidence import statistics
from scripting.evidence.corpus import Corpus, Selection
from scripting.evidence.decide import Decided, Decider, Given, given
from scripting.evidence.tally import finite, flat
from scripting.models import Script, ScriptVersion
from scripting.modules.installed import limits_for, modules
from scripting.modules.masking import Mask, mask_of_run
from scripting.registry.bundles import Values, bundle_for
from scripting.types import Bundle, Knob, Source

SETTINGS = 9
EVENTS = 1000
MEASURES = 6
"""Fields of the results that a curve shows: those that the knob moves most."""


@dataclass(frozen=True)
class Event:
    """A recorded event to decide, and what pages may show of its results."""

    given: Given
    mask: Mask


def settings_of(knob: Knob) -> list[int | float]:
    """Nine values from the least to the most, on the knob's steps; fewer where it has fewer."""
    assert knob.low is not None
    assert knob.high is not None
    low, high = Decimal(str(knob.low)), Decimal(str(knob.high))
    step = Decimal(str(knob.step)) if knob.step is not None else Decimal(1) if knob.kind == "whole" else None
    found: list[int | float] = []
    for place in range(SETTINGS):
        value = low + (high - low) * place / (SETTINGS - 1)
        if step is not None:
            value = low + (value - low) // step * step
        number = int(value) if knob.kind == "whole" else float(value)
        if number not in found:
            found.append(number)
    return found


def corpus_of(script: Script) -> Corpus:
    """The last recorded events of a script."""
    return corpora.resolve(script, Selection(last=EVENTS))


def events_of(corpus: Corpus) -> list[Event]:
    """Those that can be decided again, read once for all settings."""
    found = []
    for execution, attempts in corpora.recorded(corpus):
        execution.script = corpus.script
        event = given(execution, attempts)
        if not isinstance(event, str):
            found.append(Event(event, mask_of_run(event.call.topic, event.inputs)))
    return found


def bundle_with(script: Script, version: ScriptVersion, values: Values) -> Bundle:
    """A version with these values of its knobs."""
    return bundle_for(Source(str(script), version.language, version.text), values)


def curve(
    script: Script,
    version: ScriptVersion,
    knob: Knob,
    values: Values,
    events: Sequence[Event],
    *,
    goes_on: Callable[[], bool] = lambda: True,
) -> dict[str, Any] | None:
    """The curve of a knob while the others have these values; None where `goes_on` said no. Raises SupervisorError."""
    started = time.perf_counter()
    limits = limits_for(script.module, **script.limit_changes())
    module = modules.get(script.module)
    settings = settings_of(knob)

    found = []
    for setting in settings:
        decider = Decider(bundle_with(script, version, {**values, knob.name: setting}), limits, module)
        sums = Sums()
        for event in events:
            sums.add(decider.decide(event.given), event.mask)
        found.append(sums)
        if not goes_on():
            return None
    return {
        "knob": knob.name,
        "settings": settings,
        "events": len(events),
        "failing": [sums.failing for sums in found],
        "measures": dict(itertools.islice(_measures(found), MEASURES)),
        "seconds": round(time.perf_counter() - started, 3),
    }


class Sums:
    """The numbers and flags of the results under one setting."""

    def __init__(self) -> None:
        self.failing = 0
        """Decisions that fail, or that the game would refuse."""
        self.numbers: dict[str, list[float]] = {}
        self.flags: set[str] = set()

    def add(self, outcome: Decided, mask: Mask) -> None:
        if outcome.failed or outcome.refusal or outcome.left:
            self.failing += 1
            return
        for name, value in flat(outcome, mask).items():
            if isinstance(value, (bool, int, float)) and finite(value):
                self.numbers.setdefault(name, []).append(float(value))
                if isinstance(value, bool):
                    self.flags.add(name)


def _measures(found: Sequence[Sums]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each field that every setting has, those that move most first: (name, its kind and [mean, low, high] of each setting)."""
    names = set.intersection(*(set(sums.numbers) for sums in found)) if found else set()
    flags = set().union(*(sums.flags for sums in found))
    ranked: list[tuple[float, str, dict[str, Any]]] = []
    for name in sorted(names):
        columns = [sums.numbers[name] for sums in found]
        is_flag = name in flags
        points = [statistics.share(column) if is_flag else statistics.mean(column) for column in columns]
        moved = max(point.mean for point in points) - min(point.mean for point in points)
        noise = max((point.high - point.low for point in points), default=0.0) or 1.0
        document = {
            "kind": "share" if is_flag else "number",
            "points": [[point.mean, point.low, point.high] for point in points],
            "moves": moved > 0,
        }
        ranked.append((-moved / noise if math.isfinite(moved) else 0.0, name, document))
    for _, name, document in sorted(ranked, key=lambda one: one[:2]):
        yield name, document
