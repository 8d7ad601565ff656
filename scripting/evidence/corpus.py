"""Choose recorded executions of one script, resolved to ids: what is replayed does not change while it is."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload
from uuid import UUID

from django.db.models import Q

from scripting.metrics.reservoir import shape_of
from scripting.models import Attempt, Execution, Script
from scripting.models.execution import SUPERSEDED
from scripting.models.ids import first_id_at

LAST = 200
"""Executions that are replayed where nothing else is asked for."""
MOST = 100_000
"""Executions of one corpus."""
CHUNK = 500
"""Executions read at a time, so that memory does not grow with the corpus."""
RARE = 0.02
"""An outcome that fewer than this share have is rare: all such executions are in a sample."""


@dataclass(frozen=True)
class Selection:
    """Which executions of a script are asked for. Empty fields choose all."""

    last: int | None = None
    """The newest so many; of a range of time a sample of so many, with all failures and rare outcomes in it."""
    since: datetime | None = None
    until: datetime | None = None
    topic: str = ""
    status: str = ""
    key: str = ""
    version: int | None = None
    """Number of the version that decided."""


@dataclass(frozen=True)
class Corpus:
    """Executions to replay, the oldest first."""

    script: Script
    ids: Sequence[UUID]
    found: int
    """Executions that the selection fits: more than `ids` where a sample was drawn."""

    @property
    def digest(self) -> str:
        """sha256 (hex) of the ids: two replays of one corpus and one candidate are the same replay."""
        return hashlib.sha256(packed(self.ids)).hexdigest()


class Packed(Sequence[UUID]):
    """Ids in the space of their bytes: a job holds as many as there are."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data) // ID_BYTES

    @overload
    def __getitem__(self, place: int) -> UUID: ...
    @overload
    def __getitem__(self, place: slice) -> Packed: ...
    def __getitem__(self, place: int | slice) -> UUID | Packed:
        if isinstance(place, slice):
            begin, end, _ = place.indices(len(self))
            return Packed(self.data[ID_BYTES * begin : ID_BYTES * end])
        at = range(len(self))[place] * ID_BYTES
        return UUID(bytes=self.data[at : at + ID_BYTES])


ID_BYTES = 16


def packed(ids: Sequence[UUID]) -> bytes:
    """The ids as they are stored."""
    return b"".join(identifier.bytes for identifier in ids)


def resolve(script: Script, selection: Selection) -> Corpus:
    """The executions that the selection asks for, MOST at the most."""
    # Where nothing ran since a newer event was to, there is nothing to compare with.
    superseded = Q(status=Execution.Status.SKIPPED, error_message__startswith=SUPERSEDED)
    executions = Execution.objects.filter(~superseded, script=script)
    if selection.since is not None:
        executions = executions.filter(id__gte=first_id_at(selection.since))
    if selection.until is not None:
        executions = executions.filter(id__lt=first_id_at(selection.until))
    for field in ("topic", "status", "key"):
        if value := getattr(selection, field):
            executions = executions.filter(**{field: value})
    if selection.version is not None:
        executions = executions.filter(version__number=selection.version)
    executions = executions.order_by("-id")
    ranged = selection.since is not None or selection.until is not None
    wanted = min(selection.last or (MOST if ranged else LAST), MOST)
    if not ranged:
        ids = list(executions.values_list("id", flat=True)[:wanted])
        return Corpus(script, tuple(reversed(ids)), len(ids))
    ids = list(executions.values_list("id", flat=True)[:MOST])
    if len(ids) > wanted:
        rows = list(executions.values_list("id", "status", "result")[:MOST])
        return Corpus(script, tuple(sorted(sample(rows, wanted))), len(rows))
    return Corpus(script, tuple(reversed(ids)), len(ids))


def sample(rows: Sequence[tuple[UUID, str, Any]], wanted: int) -> list[UUID]:
    """`wanted` of the executions (id, status, result), with all failures and rare outcomes in it while there is room.

    The rest is drawn evenly, with a seed of its own: the same executions give the same sample.
    """
    strata: dict[Any, list[UUID]] = defaultdict(list)
    for identifier, status, result in rows:
        strata[status, shape_of(result)].append(identifier)
    chosen: list[UUID] = []
    common: list[UUID] = []
    for (status, _), members in sorted(strata.items(), key=lambda stratum: len(stratum[1])):
        unusual = status != Execution.Status.SUCCEEDED or len(members) < RARE * len(rows)
        (chosen if unusual else common).extend(members)
    dice = random.Random(f"{len(rows)} {wanted} {rows[0][0]}")
    if len(chosen) > wanted:
        return dice.sample(chosen, wanted)
    return chosen + dice.sample(common, wanted - len(chosen))


def recorded(corpus: Corpus) -> Iterator[tuple[Execution, Sequence[Attempt]]]:
    """The executions of a corpus with their attempts (none where one was enough), read as they are asked for."""
    for begin in range(0, len(corpus.ids), CHUNK):
        ids = corpus.ids[begin : begin + CHUNK]
        executions = Execution.objects.filter(pk__in=ids).defer("inputs_text", "result_text").in_bulk()
        attempts: dict[UUID, list[Attempt]] = defaultdict(list)
        for attempt in Attempt.objects.filter(execution__in=ids).defer("log").order_by("execution", "ordinal"):
            attempts[attempt.execution_id].append(attempt)
        for identifier in ids:
            if (execution := executions.get(identifier)) is not None:
                yield execution, attempts[identifier]
