"""Gather what a report needs of each event as it is decided again: figures and examples, no inputs and no results."""

from __future__ import annotations

import heapq
import itertools
import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripting.evidence import facets
from scripting.evidence.classes import Class, classify
from scripting.evidence.decide import Decided, Given
from scripting.execution.comparison import MISSING, places
from scripting.modules.masking import Mask, mask_of_inputs, mask_of_run
from scripting.texts.escaping import display, one_line

CHANGES = 100
"""Changed events that are listed, the largest change first; of those that fail, are refused or left so many too."""
OUTCOME = 1000
"""Characters of an outcome that are kept."""
FAILURES = 50
"""Failures that are told apart."""


@dataclass
class Pairs:
    """A number of the results, before and after, of each event: NaN where the event has none."""

    before: array[float] = field(default_factory=lambda: array("d"))
    after: array[float] = field(default_factory=lambda: array("d"))
    is_flag: bool = True
    """Whether it is True or False everywhere."""

    def add(self, place: int, pair: tuple[float, float]) -> None:
        """Of the event at this place; those before that have none are filled in."""
        for column, value in zip((self.before, self.after), pair, strict=True):
            column.extend([math.nan] * (place - len(column)))
            column.append(value)

    def known(self) -> tuple[list[float], list[float]]:
        """Of the events that have it."""
        return [x for x in self.before if x == x], [x for x in self.after if x == x]

    def by_event(self, events: int) -> Iterator[tuple[float | None, float | None]]:
        """(before, difference) of every event."""
        for old, new in itertools.islice(zip(self.before, self.after, strict=True), events):
            yield (None, None) if math.isnan(old) else (old, new - old)
        yield from itertools.repeat((None, None), events - len(self.before))


@dataclass
class Tally:
    """Everything a report needs of the events seen so far: numbers of each event, but no inputs and no results."""

    classes: Counter[Class] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why executions are not replayable, or where they left the recording."""
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(where, message) of what fails or is refused now and did not before."""
    examples: dict[tuple[str, str], str] = field(default_factory=dict)
    only_log: int = 0
    numbers: dict[str, Pairs] = field(default_factory=dict)
    """Of each number and flag of the results its values before and after, for every comparable event."""
    words: dict[str, tuple[Counter[str], Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: (Counter(), Counter()))
    )
    facets: facets.Facets = field(default_factory=facets.Facets)
    changed: list[bool] = field(default_factory=list)
    changes: list[tuple[float, int, dict[str, Any]]] = field(default_factory=list)
    """A heap of (size, minus its place, item): the largest changes so far."""
    wrong: list[dict[str, Any]] = field(default_factory=list)
    """The first that fail, are refused or left the recording."""
    wall_us: tuple[array[int], array[int]] = field(default_factory=lambda: (array("q"), array("q")))
    memory: tuple[int, int] = (0, 0)

    @property
    def events(self) -> int:
        return sum(self.classes.values())

    def skip(self, reason: str) -> None:
        """An execution that could not be decided again."""
        self.classes[Class.NOT_REPLAYABLE] += 1
        self.reasons[reason] += 1

    def add(self, event: Given, before: Decided, after: Decided) -> Class:
        """One event that both sides have decided."""
        found = classify(before, after)
        mask = mask_of_run(event.call.topic, event.inputs)
        self.classes[found] += 1
        self._take_cost(before, after)
        if found is Class.LEFT:
            self.reasons[f"left the recording at {_first_words(after.left or before.left)}"] += 1
        if found in (Class.FAILING, Class.REFUSED):
            self._take_failure(event, after, mask)
        if found is Class.SAME:
            self.only_log += list(before.compared.logs) != list(after.compared.logs)
        numbers = self._take_results(before, after, mask) if found is not Class.LEFT else {}
        self.facets.add(facets.facets_of(mask_of_inputs(event.call.topic, event.inputs).value(event.inputs)))
        self.changed.append(found not in (Class.SAME, Class.LEFT))
        if found is not Class.SAME:
            self._take_change(event, found, before, after, numbers, mask)
        return found

    def _take_cost(self, before: Decided, after: Decided) -> None:
        for kept, side in zip(self.wall_us, (before, after), strict=True):
            kept.append(side.metrics.wall_us)
        self.memory = (
            max(self.memory[0], before.metrics.memory_bytes),
            max(self.memory[1], after.metrics.memory_bytes),
        )

    def _take_failure(self, event: Given, after: Decided, mask: Mask) -> None:
        error = after.compared.error
        if error is None:
            key = "the game", one_line(mask.text(after.refusal), 300)
        else:
            place = f"line {error.line}" if error.line else error.type.replace("_", " ")
            key = place, one_line(mask.text(error.message), 300)
        if key in self.failures or len(self.failures) < FAILURES:
            self.failures[key] += 1
            self.examples.setdefault(key, str(event.execution.pk))

    def _take_results(self, before: Decided, after: Decided, mask: Mask) -> dict[str, tuple[float, float]]:
        """Numbers and flags that both sides have, by field; words are counted."""
        one, two = flat(before, mask), flat(after, mask)
        numbers: dict[str, tuple[float, float]] = {}
        for name in one.keys() & two.keys():
            match one[name], two[name]:
                case bool() | int() | float() as old, bool() | int() | float() as new if finite(old, new):
                    numbers[name] = float(old), float(new)
        for at, side in enumerate((one, two)):
            for name, value in side.items():
                if isinstance(value, (bool, str)) or value is None:
                    self.words[name][at][one_line(display(value), 60)] += 1
        for name, pair in numbers.items():
            column = self.numbers.setdefault(name, Pairs())
            column.is_flag &= isinstance(one[name], bool) and isinstance(two[name], bool)
            column.add(len(self.changed), pair)
        return numbers

    def _take_change(
        self,
        event: Given,
        found: Class,
        before: Decided,
        after: Decided,
        numbers: Mapping[str, tuple[float, float]],
        mask: Mask,
    ) -> None:
        size = max((abs(new - old) for old, new in numbers.values()), default=0.0)
        decides = found in (Class.CHANGED, Class.FIXED)
        if len(self.wrong) == CHANGES if not decides else len(self.changes) == CHANGES and size <= self.changes[0][0]:
            return
        rows = [
            {"field": _path(path), "before": _shown(mask.value(old)), "after": _shown(mask.value(new))}
            for path, old, new in places(before.compared.result, after.compared.result)
        ][:12]
        item = {
            "execution": str(event.execution.pk),
            "class": found.value,
            "size": size,
            "fields": rows,
            "before": _outcome(before, mask),
            "after": _outcome(after, mask),
            "effects": [[call.name for call in side.compared.effects] for side in (before, after)],
            "calls": [_calls(side, mask) for side in (before, after)],
        }
        if not decides:
            self.wrong.append(item)
            return
        entry = size, -self.events, item
        push = heapq.heappush if len(self.changes) < CHANGES else heapq.heappushpop
        push(self.changes, entry)


def flat(side: Decided, mask: Mask) -> dict[str, Any]:
    """The result's fields by path; a result that is no object is the field `result`."""
    found: dict[str, Any] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping) and path.count(".") < 4:
            for name, item in value.items():
                walk(item, f"{path}.{name}" if path else str(name))
        elif not isinstance(value, (list, tuple, Mapping)):
            found[path or "result"] = value

    if not side.failed:
        walk(mask.value(side.compared.result), "")
    return found


def finite(*values: float) -> bool:
    return all(math.isfinite(value) for value in values)


def _path(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path)) or "result"


def _shown(value: Any) -> str:
    return "—" if value is MISSING else display(value, 200)


def _calls(side: Decided, mask: Mask) -> list[str]:
    """The effects with their arguments: `award(points=5)`."""
    return [
        one_line(
            f"{call.name}({', '.join(f'{name}={display(mask.value(value), 100)}' for name, value in call.arguments.items())})",
            300,
        )
        for call in side.compared.effects[:12]
    ]


def _outcome(side: Decided, mask: Mask) -> str:
    error = side.compared.error
    if side.left:
        return f"left the recording at {one_line(mask.text(side.left), 300)}"
    if error is not None:
        where = f" at line {error.line}" if error.line else ""
        return one_line(f"{error.type.replace('_', ' ')}{where}: {mask.text(error.message)}", 300)
    if side.refusal:
        return one_line(f"the game would refuse this: {mask.text(side.refusal)}", 300)
    return display(mask.value(side.compared.result), OUTCOME)


def _first_words(left: str) -> str:
    """Call and function, without the arguments: reasons are counted."""
    return left.split("(", 1)[0] + "()"
