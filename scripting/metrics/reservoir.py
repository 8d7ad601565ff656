"""The reservoir: of each script a sample of executions that keep their payloads whatever their age, for replays.

Every execution has a number drawn by its id alone. Of each kind of outcome those with the smallest numbers are kept, and the
commonest kinds give way when there are too many: an even sample of each kind, the same whatever the order of looking, with rare
outcomes whole.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Count, Max

from scripting.conf import conf
from scripting.models import Execution, KeptExecution

SEED = b"reservoir"
_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder()


def offer(ids: Sequence[UUID]) -> tuple[set[UUID], list[UUID]]:
    """Take of these executions what belongs into the reservoir: (those of them that are in it, others that it lets go).

    To be called in the transaction that empties or deletes the rest.
    """
    members = set(KeptExecution.objects.filter(pk__in=ids).values_list("pk", flat=True))
    if not conf.SCRIPTING_KEEP_RESERVOIR:
        return members, []
    by_script: dict[int, list[KeptExecution]] = defaultdict(list)
    rows = Execution.objects.filter(pk__in=[one for one in ids if one not in members]).exclude(inputs=b"")
    for pk, script, status, topic, result in rows.values_list("pk", "script", "status", "topic", "result"):
        kind = kind_of(status, topic, result)
        by_script[script].append(KeptExecution(execution=pk, script_id=script, kind=kind, number=number_of(pk)))
    let_go: list[UUID] = []
    for script, offered in by_script.items():
        let_go += _take(script, offered)
    offered_ids = {entry.pk for entries in by_script.values() for entry in entries}
    members |= offered_ids.difference(let_go)
    return members, [one for one in let_go if one not in offered_ids]


def _take(script: int, offered: Sequence[KeptExecution]) -> list[UUID]:
    """Add to a script's part: what is not taken of `offered`, and what goes out for it."""
    held = _Held.of(script)
    capacity = conf.SCRIPTING_KEEP_RESERVOIR
    wanted = [entry for entry in offered if held.has_room_for(entry, capacity)]
    taken = {entry.pk for entry in wanted}
    refused = [entry.pk for entry in offered if entry.pk not in taken]
    if not wanted:
        return refused
    KeptExecution.objects.bulk_create(wanted)
    sizes = Counter(held.sizes) + Counter(entry.kind for entry in wanted)
    level = level_of(sizes, capacity)
    for kind, size in sizes.items():
        if size > level:
            most = KeptExecution.objects.filter(script=script, kind=kind).order_by("-number", "-pk")
            out = list(most.values_list("pk", flat=True)[: size - level])
            KeptExecution.objects.filter(pk__in=out).delete()
            refused += out
    return refused


@dataclass(frozen=True)
class _Held:
    """A script's part of the reservoir."""

    sizes: Mapping[str, int]
    largest: Mapping[str, int]
    """Kind → the largest number in it."""

    @functools.cached_property
    def size(self) -> int:
        return sum(self.sizes.values())

    @functools.cached_property
    def most(self) -> int:
        return max(self.sizes.values(), default=0)

    @staticmethod
    def of(script: int) -> _Held:
        rows = list(
            KeptExecution.objects.filter(script=script)
            .values("kind")
            .annotate(size=Count("pk"), largest=Max("number"))
            .values_list("kind", "size", "largest")
        )
        return _Held({kind: size for kind, size, _ in rows}, {kind: largest for kind, _, largest in rows})

    def has_room_for(self, entry: KeptExecution, capacity: int) -> bool:
        """False for what would go out again at once."""
        is_full = self.size >= capacity - len(self.sizes)
        fullest = self.sizes.get(entry.kind, 0) >= self.most
        return not (is_full and fullest and entry.number > self.largest.get(entry.kind, -1))


def level_of(sizes: Mapping[str, int], capacity: int) -> int:
    """The largest size of a kind with which all of them, cut to it, fit."""
    low, high = 0, max(sizes.values(), default=0)
    while low < high:
        middle = (low + high + 1) // 2
        if sum(min(size, middle) for size in sizes.values()) <= capacity:
            low = middle
        else:
            high = middle - 1
    return low


def number_of(execution: UUID) -> int:
    """Drawn evenly from 0 to 2^62 by the id alone."""
    return int.from_bytes(hashlib.sha256(SEED + execution.bytes).digest()[:8], "big") >> 2


def kind_of(status: str, topic: str, result: Any) -> str:
    """Executions of one outcome, topic and shape of result are of one kind."""
    return hashlib.sha256(repr((status, topic, shape_of(result))).encode()).hexdigest()[:16]


def shape_of(result: bytes | memoryview | None) -> Any:
    """Two results are of one shape if they have the same fields with the same flags and types."""
    if result is None:
        return None
    value = _decoder.decode(bytes(result))
    if not isinstance(value, dict):
        return type(value).__name__
    return tuple(
        (name, item if isinstance(item, bool) else type(item).__name__)
        for name, item in sorted(value.items(), key=lambda pair: str(pair[0]))
    )
