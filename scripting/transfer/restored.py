"""Name what a database that was restored from a backup does not know: asked of Redis and of the file of roots, which went on since."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, Max, Value
from django.db.models.functions import Concat

from scripting.bus import dead_letters, streams
from scripting.bus.events import Event
from scripting.models import Execution, KnobSet, OutboxEvent, ReceiptRoot, ScriptVersion, SubscriptionSet
from scripting.models.ids import time_of
from scripting.receipts.roots import published
from scripting.storage import numbers
from scripting.storage.redis_client import redis_client

MOST = 100_000
"""Waiting events that are looked at."""
_CHUNK = 500


@dataclass
class Report:
    """Knowledge of the stores that were not restored."""

    ends_at: datetime | None = None
    """When the last execution began that the database holds."""
    lost: list[str] = field(default_factory=list)
    """Versions, values, subscriptions and roots that the database had, and has no longer."""
    waiting: int = 0
    recorded: int = 0
    """Those of the waiting events that the database holds already: Redis is older. They take effect once."""
    first_waiting: datetime | None = None
    dead_letters: int = 0
    outbox: int = 0


def look() -> Report:
    """Raises redis.RedisError, OSError."""
    report = Report(dead_letters=dead_letters.count(), outbox=OutboxEvent.objects.count())
    last = Execution.objects.order_by("-id").values_list("id", flat=True).first()
    report.ends_at = time_of(last) if last else None
    had = highest()
    for name, given in sorted(numbers.given().items()):
        kept = had.get(name, 0)
        if kept < given:
            which = f"{kept + 1} to {given}" if kept + 1 < given else f"{given}"
            report.lost.append(f"{name}: {which} (the next one is {given + 1})")
    roots = {(module, day.isoformat()) for module, day in ReceiptRoot.objects.values_list("module", "day")}
    report.lost += [f"root of receipts {module} {day}" for module, day in sorted(published().keys() - roots)]
    _look_at_streams(report)
    return report


def highest() -> dict[str, int]:
    """The highest numbers that the database holds, by "kind label" as `numbers` has them."""
    script = Concat(F("script__module"), Value("/"), F("script__name"))
    found: dict[str, int] = {}
    for kind, of in ((numbers.VERSION, ScriptVersion), (numbers.KNOBS, KnobSet)):
        rows = of._default_manager.order_by().values_list(script).annotate(last=Max("number"))
        found |= {f"{kind} {label}": last for label, last in rows}
    topics = SubscriptionSet.objects.order_by().values_list("topic").annotate(last=Max("number"))
    return found | {f"{numbers.SUBSCRIPTIONS} {topic}": last for topic, last in topics}


def leap(by: int) -> None:
    """Leave out so many numbers of each script and topic: where Redis has forgotten too which were given. Raises redis.RedisError."""
    numbers.raise_to({name: last + by for name, last in highest().items()})


def _look_at_streams(report: Report) -> None:
    client: Any = redis_client()
    for condition in streams.conditions():
        report.waiting += condition.length
        module, after, looked = condition.stream.module, "-", 0
        while looked < MOST and (rows := client.xrange(condition.stream.entries, after, count=_CHUNK)):
            ids = [entry.decode() for entry, _ in rows]
            began = datetime.fromtimestamp(int(ids[0].partition("-")[0]) / 1000, UTC)
            report.first_waiting = min(report.first_waiting or began, began)
            events = [Event.decode(fields[b"e"]).id for _, fields in rows if b"e" in fields]
            known = Execution.objects.filter(event_id__in=events, script__module=module)
            report.recorded += known.values("event_id").distinct().count()
            after, looked = f"({ids[-1]}", looked + len(rows)
