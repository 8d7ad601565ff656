"""Many trials of one text and of the live one on the same dice: not what happens once, but how often and how much."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scripting.evidence.decide import would_refuse
from scripting.execution.comparison import DECIDING, PARTS, compared, differing
from scripting.modules.masking import Mask
from scripting.texts.escaping import display, one_line, visible
from scripting.types import ScriptOutput
from scripting.workbench.trials import MAX_SEED, Trial, is_cancelled, outcome

MOST = 50
SECONDS = 2.5
"""A sample ends with what it has by then: each run is a sandbox process of its own, and others want theirs."""
BINS = 14


def sample(trial: Trial) -> dict[str, Any]:
    """Up to MOST runs of both texts, each pair on one seed. Raises Refusal when no sandbox can be had."""
    active = trial.script.active_version
    until = time.monotonic() + SECONDS
    mine: list[ScriptOutput] = []
    theirs: list[ScriptOutput] = []
    differences: Counter[str] = Counter()
    alike = left = 0
    cancelled = False
    while len(mine) < MOST and (not mine or time.monotonic() < until):
        one = replace(trial, seed=(trial.seed + len(mine)) % MAX_SEED)
        pair = [outcome(one, trial.source, trial.language)]
        if active is not None:
            pair.append(outcome(replace(one, clock_us=pair[0].clock_us), active.text, active.language))
        if any(output.status == "cancelled" for output in pair) or is_cancelled(trial):
            cancelled = True
            break
        mine.append(pair[0])
        theirs += pair[1:]
        if any(output.left_recording for output in pair):
            left += 1
        elif active is not None:
            parts = differing(*(compared(output, trial.module) for output in pair))
            differences.update(part for part in parts if part != "status")
            alike += not set(parts) & set(DECIDING)
    refusals = [[why for one in side if (why := refusal_of(trial, one))] for side in (mine, theirs)]
    return {
        "runs": len(mine),
        "cancelled": cancelled,
        "version": active.number if active else None,
        "failures": [sum(not one.ok for one in side) for side in (mine, theirs)],
        "refused": [len(side) for side in refusals],
        "refusal": one_line(trial.mask.text(refusals[0][0])) if refusals[0] else "",
        "error": next((one_line(trial.mask.text(one.error.message)) for one in mine if one.error), ""),
        "fields": summarised(mine, theirs, trial.mask),
        "alike": alike,
        "left": left,
        "left_at": next(
            (visible(trial.mask.text(one.left_recording)) for one in (*mine, *theirs) if one.left_recording), ""
        ),
        "differences": {part: differences[part] for part in PARTS if differences[part]},
        "on_recording": trial.recording is not None,
    }


def refusal_of(trial: Trial, output: ScriptOutput) -> str:
    """Why the game would not admit an outcome; empty where it would."""
    return would_refuse(trial.module, trial.call, output.result) if output.ok else ""


def summarised(mine: Sequence[ScriptOutput], theirs: Sequence[ScriptOutput], mask: Mask) -> list[dict[str, Any]]:
    """Each field of the results with what both sides made of it."""
    columns = [values_by_field(side, mask) for side in (mine, theirs)]
    names = list(dict.fromkeys(name for column in columns for name in column))
    return [{"name": name, **both([column.get(name, []) for column in columns])} for name in names]


def values_by_field(outputs: Sequence[ScriptOutput], mask: Mask) -> dict[str, list[Any]]:
    """The values of each key of the results; of results that are no dict, under `result`."""
    found: dict[str, list[Any]] = {}
    for output in outputs:
        if output.ok:
            result = mask.value(output.result)
            parts = result if isinstance(result, dict) and result else {"result": result}
            for name, value in parts.items():
                found.setdefault(name, []).append(value)
    return found


def both(sides: list[list[Any]]) -> dict[str, Any]:
    """The kind of a field and a summary for each side: how often it is true, how the numbers lie, which values there are."""
    every = [value for side in sides for value in side]
    if all(isinstance(value, bool) for value in every):
        return {"kind": "share", "sides": [sum(side) / len(side) if side else None for side in sides]}
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) for value in every):
        least, most = min(every), max(every)
        always = display(least) if least == most and all(sides) else None
        return {"kind": "number", "always": always, "sides": [spread(side, least, most) for side in sides]}
    return {"kind": "values", "sides": [commonest(side) for side in sides]}


def spread(values: Sequence[float], least: float, most: float) -> dict[str, Any] | None:
    """Mean, ends as exact text, and a histogram between the ends of both sides."""
    if not values:
        return None
    width = (most / 2 - least / 2) or 1  # halves: the whole distance may be no float any more
    counts = Counter(min(BINS - 1, int((value / 2 - least / 2) / width * BINS)) for value in values)
    mean = math.fsum(value / len(values) for value in values)
    bins = [counts[place] for place in range(BINS)]
    return {"mean": mean, "least": display(min(values)), "most": display(max(values)), "bins": bins}


def commonest(values: Sequence[Any]) -> list[tuple[str, int]]:
    """The three values that came most often."""
    return Counter(one_line(str(value), 60) for value in values).most_common(3)
