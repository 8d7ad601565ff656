"""Whole plays by the live scripts and by a candidate, on the same seeds: gathered pair by pair, and what the report says of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scripting.evidence import anytime, statistics
from scripting.evidence.play_process import Played
from scripting.evidence.play_words import MeasureWords

SEEDS = 100
"""Turned plays of one kind that are listed."""
FAILURES = 20
"""Failures that are told apart."""
Column = list[float]


class MeasuresDiffer(Exception):
    """`simulate` must return the same measures, all of them finite numbers, for every play: correct the module."""


@dataclass
class PlayTally:
    """Numbers of each pair of plays, in the order of their seeds."""

    seeds: list[int] = field(default_factory=list)
    measures: dict[str, tuple[Column, Column]] = field(default_factory=dict)
    """By name: of the live scripts, of the candidate."""
    outcomes: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """(with live, with the candidate) → the seeds that ended so."""
    same: int = 0
    """Pairs that tell the same log, line for line."""
    failures: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    """Decisions that failed, by script and error: of the live scripts, of the candidate."""

    @property
    def pairs(self) -> int:
        return len(self.seeds)

    def add(self, seed: int, live: Played, draft: Played) -> None:
        """Raises MeasuresDiffer."""
        if not self.seeds:
            self.measures = {name: ([], []) for name in live.measures}
        for play, side in ((live, 0), (draft, 1)):
            self._take(play.measures, side, seed)
        self.seeds.append(seed)
        self.outcomes.setdefault((live.outcome, draft.outcome), []).append(seed)
        self.same += live.log == draft.log
        for failures, play in zip(self.failures, (live, draft), strict=True):
            failures.update(play.failures)

    def _take(self, measures: Mapping[str, float], side: int, seed: int) -> None:
        if measures.keys() != self.measures.keys():
            odd = ", ".join(sorted(measures.keys() ^ self.measures.keys()))
            raise MeasuresDiffer(f"the play of seed {seed} has other measures than the first ({odd}): {MeasuresDiffer.__doc__}")  # fmt: skip
        for name, value in measures.items():
            if not math.isfinite(value):
                raise MeasuresDiffer(f"{name} of the play of seed {seed} is {value}: {MeasuresDiffer.__doc__}")
            self.measures[name][side].append(float(value))

    def differences(self, name: str) -> list[float]:
        live, draft = self.measures[name]
        return [after - before for before, after in zip(live, draft, strict=True)]

    def clear(self) -> list[str]:
        """The measures that differ beyond doubt, which may be asked after every pair."""
        return [name for name in self.measures if anytime.is_clear(self.differences(name), len(self.measures))]


def document(tally: PlayTally, *, seed: int, asked: int, seconds: float) -> dict[str, Any]:
    """The report as pages and the command show it."""
    clear = tally.clear()
    return {
        "plays": tally.pairs,
        "asked": asked,
        "seed": seed,
        "seconds": round(seconds, 3),
        "measures": {name: _measure(tally, name, name in clear) for name in tally.measures},
        "clear": clear,
        "outcomes": _outcomes(tally),
        "turned": _turned(tally),
        "same": tally.same,
        "failures": [_failures(side) for side in tally.failures],
    }


def _measure(tally: PlayTally, name: str, clear: bool) -> dict[str, Any]:
    live, draft = tally.measures[name]
    found = anytime.difference(tally.differences(name), len(tally.measures))
    edges, before, after = statistics.histograms(live, draft)
    return {
        "live": statistics.spread(live).mean,
        "draft": statistics.spread(draft).mean,
        "difference": found.mean,
        "low": found.low if math.isfinite(found.low) else None,
        "high": found.high if math.isfinite(found.high) else None,
        "clear": clear,
        "spread": [_spread(side) for side in (live, draft)],
        "bins": [before, after],
        "least": edges[0],
        "most": edges[-1],
    }


def _spread(values: Column) -> dict[str, float]:
    found = statistics.spread(values)
    return {"mean": found.mean, "p5": found.p5, "median": found.median, "p95": found.p95}


def _outcomes(tally: PlayTally) -> dict[str, list[int]]:
    """How many plays ended so with live, and with the candidate; the commonest first."""
    found: dict[str, list[int]] = {}
    for pair, seeds in tally.outcomes.items():
        for side, outcome in enumerate(pair):
            found.setdefault(outcome, [0, 0])[side] += len(seeds)
    return dict(sorted(found.items(), key=lambda item: (-sum(item[1]), item[0])))


def _turned(tally: PlayTally) -> list[dict[str, Any]]:
    """The plays that ended otherwise with the candidate, the commonest turn first."""
    found = [
        {"live": live, "draft": draft, "plays": len(seeds), "seeds": seeds[:SEEDS]}
        for (live, draft), seeds in tally.outcomes.items()
        if live != draft
    ]
    return sorted(found, key=lambda turn: (-turn["plays"], turn["live"], turn["draft"]))


def _failures(found: Counter[str]) -> list[dict[str, Any]]:
    return [{"what": what, "decisions": count} for what, count in found.most_common(FAILURES)]


def sentence(found: Mapping[str, Any], noun: str, words: MeasureWords | None = None) -> str:
    """The totals in one line: `40 matches: points +1.2, Ada wins +12 pp`, with the module's words for its measures."""
    said = words or MeasureWords()
    parts = [
        f"{said.title(name)} {said.change(name, found['measures'][name]['difference'])}" for name in found["clear"][:3]
    ]
    if len(found["clear"]) > len(parts):
        parts.append(f"{len(found['clear']) - len(parts)} more")
    if not parts:
        parts = ["nothing differs" if found["plays"] and found["same"] == found["plays"] else "no clear difference"]
    return f"{found['plays']} {noun}: {', '.join(parts)}"
