"""Find where a change shows: which values of which input fields the changed decisions have in common."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from scripting.evidence.members import Members
from scripting.evidence.statistics import Weights

MOST_VALUES = 12
"""A field with more values than this is no facet: it names events one by one."""
MOST_FIELDS = 40
PAIRED = 6
"""So many of the strongest fields are looked at two together."""
GAIN = 1.05
"""Two fields together are named only where they tell so much more than either alone."""


@dataclass(frozen=True)
class Where:
    """A group of events, by the values of one input field or two, and what the change does to them."""

    fields: Mapping[str, str]
    """Field → value, as text: `{"attacker.kind": "artillery", "target.kind": "infantry"}`."""
    events: int
    changed: int
    difference: float | None
    """Mean difference of the measure in the group; None where results have no number in common."""
    before: float | None
    """Mean of the measure before, in the group."""
    strength: float
    """Correlation of belonging to the group with being changed, -1 to 1."""

    @property
    def percent(self) -> float | None:
        """The difference as a share of the mean before."""
        if self.difference is None or not self.before:
            return None
        return 100 * self.difference / self.before


def facets_of(inputs: Mapping[str, Any]) -> dict[str, str]:
    """The fields of an event's payload that may be facets: short words, flags and small whole numbers, by path."""
    message = inputs.get("message")
    root = message.get("payload") if isinstance(message, Mapping) else None
    if not isinstance(root, Mapping):
        request = inputs.get("http_request")
        root = request.get("body") if isinstance(request, Mapping) else None
    found: dict[str, str] = {}
    if isinstance(root, Mapping):
        _collect(root, "", found)
    return found


def _collect(value: Mapping[str, Any], path: str, found: dict[str, str]) -> None:
    for name, item in value.items():
        if len(found) >= MOST_FIELDS:
            return
        match item:
            case bool():
                found[path + name] = "true" if item else "false"
            case str() if len(item) <= 40:
                found[path + name] = item
            case int() if -1000 <= item <= 1000:
                found[path + name] = str(item)
            case Mapping() if path.count(".") < 3:
                _collect(item, f"{path}{name}.", found)


class Facets:
    """The facets of many events, one byte for each field of an event. A field with too many values is dropped."""

    def __init__(self) -> None:
        self.events = 0
        self._codes: dict[str, bytearray] = {}
        """Field → of each event the number of its value, 0 for none."""
        self._values: dict[str, dict[str, int]] = {}
        self._dropped: set[str] = set()

    def add(self, facets: Mapping[str, str]) -> None:
        for field, value in facets.items():
            if field in self._dropped:
                continue
            values = self._values.setdefault(field, {})
            code = values.setdefault(value, len(values) + 1)
            if code > MOST_VALUES:
                self._dropped.add(field)
                del self._values[field], self._codes[field]
                continue
            column = self._codes.setdefault(field, bytearray())
            column.extend(bytes(self.events - len(column)))
            column.append(code)
        self.events += 1

    def groups(self) -> dict[str, dict[str, Members]]:
        """Field → value → the places of the events that have it; fields that do not divide the events are left out."""
        found: dict[str, dict[str, Members]] = {}
        for field, column in self._codes.items():
            if len(self._values[field]) > 1:
                found[field] = {value: Members.having(column, code) for value, code in self._values[field].items()}
        return _without_doubles(found)


def where(
    groups: Mapping[str, Mapping[str, Members]],
    changed: Sequence[bool],
    befores: Sequence[float | None],
    differences: Sequence[float | None],
) -> list[Where]:
    """Groups of events by one field or two, those first that tell best which decisions change.

    A group's strength is Pearson's correlation of membership with the change (of two yes/no variables: the phi coefficient),
    where nearly all decisions change with the size of the difference. Groups in which nothing changes, or no more than chance
    explains, are left out.
    """
    if not any(changed):
        return []
    weights = Weights.of([float(flag) for flag in changed])
    if weights.total > 0.95 * len(changed) and any(differences):
        weights = Weights.of([abs(difference or 0.0) for difference in differences])
    chance = least_telling(len(changed), sum(map(len, groups.values())))
    rows: dict[Members, Where] = {}  # a group that two fields name alike has the first name
    best: dict[str, float] = {}
    for field, by_value in groups.items():
        for value, members in by_value.items():
            row = _where({field: value}, list(members), changed, weights, befores, differences)
            rows.setdefault(members, row)
            best[field] = max(best.get(field, 0.0), row.strength)
    strongest = sorted((field for field in best if best[field] > 0), key=lambda field: -best[field])[:PAIRED]
    strongest.sort(key=list(groups).index)
    for one, other in itertools.combinations(strongest, 2):
        floor = max(best[one], best[other]) * GAIN
        for (value, members), (second, others) in itertools.product(groups[one].items(), groups[other].items()):
            both = members & others
            if both and both != members and both != others:
                places = list(both)
                if weights.correlation(places) > floor:
                    row = _where({one: value, other: second}, places, changed, weights, befores, differences)
                    rows.setdefault(both, row)
    telling = [row for row in rows.values() if row.changed and row.strength > chance]
    return sorted(telling, key=lambda row: (-round(row.strength, 6), len(row.fields)))


def is_nested(one: Mapping[str, Set[int]], other: Mapping[str, Set[int]]) -> bool:
    """Whether the value of one field says that of the other, as a kind says its armour: together they tell no more."""
    return any(
        all(any(members <= wider for wider in outer.values()) for members in inner.values())
        for inner, outer in ((one, other), (other, one))
    )


def least_telling(events: int, groups: int) -> float:
    """The correlation that chance alone would reach in one of so many groups, or of their pairs, once in a hundred reports.

    Fisher's z of a correlation of 0 is normal with a deviation of 1/√(n - 3); groups and pairs share the 1 % (Bonferroni).
    """
    if events < 4 or not groups:
        return 1.0
    return math.tanh(NormalDist().inv_cdf(1 - 0.01 / (groups * (groups + 1) / 2)) / math.sqrt(events - 3))


def table(
    groups: Mapping[str, Mapping[str, Members]],
    one: str,
    other: str,
    changed: Sequence[bool],
    befores: Sequence[float | None],
    differences: Sequence[float | None],
) -> list[list[Where | None]]:
    """Two fields together: a row for each value of `one`, a column for each of `other`, None where no event has both."""
    weights = Weights.of([float(flag) for flag in changed])
    rows: list[list[Where | None]] = []
    for value, members in sorted(groups.get(one, {}).items()):
        row: list[Where | None] = []
        for second, others in sorted(groups.get(other, {}).items()):
            both = members & others
            fields = {one: value, other: second}
            row.append(_where(fields, list(both), changed, weights, befores, differences) if both else None)
        rows.append(row)
    return rows


def _without_doubles(groups: dict[str, dict[str, Members]]) -> dict[str, dict[str, Members]]:
    """Fields in the order in which they name a group best: short words before long ones, numbers last.

    Of those that divide all events alike (a kind, and the figures that each kind has) only the first is kept.
    """
    kept: dict[frozenset[Members], str] = {}
    for field in sorted(groups, key=lambda name: _rank(name, groups[name])):
        kept.setdefault(frozenset(groups[field].values()), field)
    return {field: groups[field] for field in kept.values()}


def _rank(field: str, values: Collection[str]) -> tuple[bool, int, str]:
    return all(map(_is_number, values)), max(map(len, values)), field


def _is_number(value: str) -> bool:
    return value.lstrip("-").isdecimal()


def _where(
    fields: Mapping[str, str],
    members: Sequence[int],
    changed: Sequence[bool],
    weights: Weights,
    befores: Sequence[float | None],
    differences: Sequence[float | None],
) -> Where:
    inside = [differences[at] for at in members]
    known = [each for each in inside if each is not None]
    before = [each for at in members if (each := befores[at]) is not None]
    return Where(
        fields,
        len(members),
        sum(changed[at] for at in members),
        math.fsum(known) / len(known) if known else None,
        math.fsum(before) / len(before) if before else None,
        weights.correlation(members),
    )
