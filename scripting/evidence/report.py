"""The report of a replay: totals, each number and flag of the results before and after, where it changes, what changed most."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scripting.evidence import facets, statistics
from scripting.evidence.classes import Class
from scripting.evidence.members import Members
from scripting.evidence.tally import Pairs, Tally

WORDS = 12
"""Values of a field that holds words; a field with more is listed by its commonest."""
GROUPS = 40
OPEN_LOOP = (
    "Each decision is tried on what the game was then. Players would react to a change, and later events would differ: "
    "a replay cannot know that."
)


def sentence(document: Mapping[str, Any]) -> str:
    """The totals of a report in one line."""
    decided = document["events"] - document["not_replayable"]
    if not decided:
        return "no recorded decision could be replayed"
    parts = [f"changes {document['changed'] + document['fixed']} of {decided} decisions", f"{document['failing']} would fail"]  # fmt: skip
    if document["refused"]:
        parts.append(f"{document['refused']} the game would refuse")
    if document["fixed"]:
        parts.append(f"{document['fixed']} are fixed")
    if document["left"]:
        parts.append(f"{document['left']} left the recording")
    return ", ".join(parts)


def report(tally: Tally, seconds: float) -> dict[str, Any]:
    """Put a tally into words and figures: plain JSON data, which the command prints and the page draws."""
    totals = {each.value: tally.classes[each] for each in Class}
    measure = _measure(tally)
    pairs = list(tally.numbers.get(measure, Pairs()).by_event(len(tally.changed)))
    befores, differences = [before for before, _ in pairs], [difference for _, difference in pairs]
    groups = tally.facets.groups()
    rows = facets.where(groups, tally.changed, befores, differences)
    document = {
        "events": tally.events,
        **totals,
        "only_log": tally.only_log,
        "seconds": round(seconds, 3),
        "fields": {name: _number(*each.known()) for name, each in sorted(tally.numbers.items()) if not each.is_flag},
        "words": {name: _words(*sides) for name, sides in sorted(tally.words.items()) if _differ_or_few(*sides)},
        "measure": measure,
        "where": [{**asdict(row), "percent": row.percent} for row in rows[:GROUPS]],
        "table": _table(tally, groups, rows, befores, differences),
        "changes": [item for _, _, item in sorted(tally.changes, key=lambda entry: (-entry[0], -entry[1]))]
        + tally.wrong,
        "failures": [
            {"where": where, "message": message, "events": count, "execution": tally.examples[where, message]}
            for (where, message), count in tally.failures.most_common()
        ],
        "reasons": [{"reason": reason, "events": count} for reason, count in tally.reasons.most_common(20)],
        "wall_us": [_cost(side) for side in tally.wall_us],
        "memory_bytes": list(tally.memory),
        "cannot_know": OPEN_LOOP,
    }
    document["sentence"] = sentence(document)
    return document


def _measure(tally: Tally) -> str:
    """The number that the change moves most, in its own standard deviations; a flag where no number moves, else empty."""
    flags = sorted(name for name, each in tally.numbers.items() if each.is_flag)
    return _moved_most(tally, sorted(tally.numbers.keys() - set(flags))) or _moved_most(tally, flags)


def _moved_most(tally: Tally, names: Sequence[str]) -> str:
    strongest, best = "", 0.0
    for name in names:
        before, after = tally.numbers[name].known()
        mean = math.fsum(before) / len(before)
        deviation = math.sqrt(math.fsum((old - mean) ** 2 for old in before) / len(before)) or 1.0
        moved = math.fsum(abs(new - old) for old, new in zip(before, after, strict=True)) / len(before) / deviation
        if moved > best:
            strongest, best = name, moved
    return strongest


def _number(before: Sequence[float], after: Sequence[float]) -> dict[str, Any]:
    edges, one, two = statistics.histograms(before, after)
    paired = statistics.paired_difference(before, after)
    old, new = statistics.spread(before), statistics.spread(after)
    return {
        "before": old.mean,
        "after": new.mean,
        "difference": paired.difference,
        "low": paired.low,
        "high": paired.high,
        "spread": [asdict(old), asdict(new)],
        "events": len(before),
        "least": min(*before, *after),
        "most": max(*before, *after),
        "edges": edges,
        "bins": [one, two],
    }


def _words(before: Counter[str], after: Counter[str]) -> dict[str, Any]:
    names = [name for name, _ in (before + after).most_common(WORDS)]
    totals = [sum(side.values()) for side in (before, after)]
    return {
        name: [side[name] / total if total else None for side, total in zip((before, after), totals, strict=True)]
        for name in names
    }


def _differ_or_few(before: Counter[str], after: Counter[str]) -> bool:
    """Whether the words of a field say something: not a text that is another for each event."""
    return len(before | after) <= WORDS


def _table(
    tally: Tally,
    groups: Mapping[str, Mapping[str, Members]],
    rows: Sequence[facets.Where],
    befores: Sequence[float | None],
    differences: Sequence[float | None],
) -> dict[str, Any] | None:
    """The two strongest fields together."""
    names = list(dict.fromkeys(name for row in rows for name in row.fields))
    others = [name for name in names[1:] if not facets.is_nested(groups[names[0]], groups[name])]
    if not others:
        return None
    one, other = names[0], others[0]
    cells = facets.table(groups, one, other, tally.changed, befores, differences)
    columns: list[str] = []
    for row in cells:
        columns += [cell.fields[other] for cell in row if cell and cell.fields[other] not in columns]
    return {
        "rows": one,
        "columns": other,
        "heads": sorted(columns),
        "cells": [
            {
                "head": next(cell.fields[one] for cell in row if cell),
                "cells": [None if cell is None else {**asdict(cell), "percent": cell.percent} for cell in row],
            }
            for row in cells
        ],
    }


def _cost(times: Sequence[int]) -> dict[str, float] | None:
    if not times:
        return None
    ordered = sorted(times)
    return {"median": statistics.quantile(ordered, 0.5), "p95": statistics.quantile(ordered, 0.95), "most": ordered[-1]}
