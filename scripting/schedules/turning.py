"""Each second: settle what came due. One transaction holds that a due time is settled and the event that follows from it.

A due time is a row that there is once, and its event has an id made of it: so it is published once, and by (event, script) takes effect once,
whichever worker died at which moment. The lease only spares the others the work: the database decides.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, router, transaction

from scripting import clock
from scripting.bus import samples
from scripting.bus.events import Event
from scripting.bus.outbox import relay
from scripting.bus.publishing import make_event
from scripting.models import Execution, OutboxEvent, Schedule, ScheduleRun
from scripting.modules.topics import SCHEDULED, TopicError
from scripting.processes.one_at_a_time import FromBeatToBeat
from scripting.schedules import defaults
from scripting.schedules.due import NotDue
from scripting.schedules.keeping import cadence_of
from scripting.schedules.policy import settle
from scripting.storage.redis_client import key, redis_client
from scripting.telemetry import spans
from scripting.texts.escaping import visible

logger = logging.getLogger(__name__)

MOST = 200
"""Schedules that one turn settles."""
RUNS_AT_MOST = timedelta(hours=1)
"""A run that is not done after this is taken for lost: an overlapping one waits for it no longer."""

State = ScheduleRun.State

OWNER = ("schedules", "owner")


class Owner:
    """This process as one that may own the schedules."""

    def __init__(self, name: str) -> None:
        self.right = FromBeatToBeat(name, *OWNER)
        self._owned = False

    def turn(self, now: datetime | None = None) -> int:
        """Settle what is due, if the schedules are this process': how many due times. Raises redis.RedisError and database errors."""
        self.right.ask()
        return turn(now) if self.keeps() else 0

    def keeps(self) -> bool:
        """Whether the schedules are this process'. Where they have just become so, what modules' code says of them is read."""
        if self.right.held and not self._owned:
            logger.info("%s keeps the schedules now", self.right.owner)
            defaults.sync()
        self._owned = self.right.held
        return self._owned


def owner() -> str:
    """The process that keeps the schedules now; empty for none. Raises redis.RedisError."""
    found = redis_client().get(key(*OWNER))
    return found.decode().partition(" ")[0].rpartition(".")[0] if isinstance(found, bytes) else ""


def turn(now: datetime | None = None) -> int:
    """Settle every schedule that is due: how many due times ran, or were left out by their policy."""
    now = now or clock.now()
    settled = 0
    for pk in list(Schedule.objects.due(now).values_list("pk", flat=True)[:MOST]):
        try:
            settled += _turn(pk, now)
        except IntegrityError:
            logger.info("schedule %s was settled by another worker", pk)
        except NotDue as wrong:
            logger.warning("schedule %s is paused: %s", pk, wrong)
            Schedule.objects.filter(pk=pk).update(enabled=False, next_due=None)
    return settled


@transaction.atomic
def _turn(pk: int, now: datetime) -> int:
    schedule = Schedule.objects.select_for_update().get(pk=pk)
    if not schedule.enabled or schedule.next_due is None or schedule.next_due > now:
        return 0
    cadence = cadence_of(schedule)
    settled = settle(cadence, schedule.settled_until, now, schedule.missed, schedule.most)
    if settled.last is not None and not settled.runs:
        _record(schedule, settled.last, State.MISSED, left_out=settled.left_out - 1)
    left_out = settled.left_out
    for due in settled.runs:
        if schedule.overlap == Schedule.Overlap.SKIP and _is_running(schedule, now):
            _record(schedule, due, State.OVERLAPPED, left_out=left_out, note="the run before was not done")
        else:
            _run(schedule, due, left_out=left_out)
        left_out = 0
    Schedule.objects.filter(pk=pk).update(settled_until=now, next_due=cadence.after(now))
    return len(settled.runs) + settled.left_out


def run_now(pk: int, *, user: str = "") -> ScheduleRun:
    """Run it once, now, beside its times: whatever runs of it already, and paused or not."""
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update().get(pk=pk)
        return _run(schedule, clock.now(), by_hand=True, user=user)


def _run(schedule: Schedule, due: datetime, *, left_out: int = 0, by_hand: bool = False, user: str = "") -> ScheduleRun:
    """Record the due time and its event together; the event goes on its way once that is committed."""
    try:
        event = _event(schedule, due, user)
    except TopicError as wrong:
        return _record(schedule, due, State.REFUSED, left_out=left_out, note=visible(str(wrong)), by_hand=by_hand)
    run = _record(
        schedule, due, State.PUBLISHED, left_out=left_out, by_hand=by_hand, event=event,
        note="" if event.subscribers else "no script runs on it",
    )  # fmt: skip
    if event.subscribers:
        waiting = OutboxEvent.objects.create(topic=event.topic, envelope=event.encode())
        transaction.on_commit(lambda: relay([waiting.pk]), using=router.db_for_write(OutboxEvent))
    if schedule.topic:
        transaction.on_commit(lambda: samples.note([event]))
    return run


def _record(
    schedule: Schedule,
    due: datetime,
    state: str,
    *,
    left_out: int = 0,
    by_hand: bool = False,
    event: Event | None = None,
    note: str = "",
) -> ScheduleRun:
    return ScheduleRun.objects.create(
        schedule=schedule,
        due_at=due,
        state=state,
        left_out=left_out,
        by_hand=by_hand,
        event_id=event.id if event else "",
        subscribers=len(event.subscribers) if event else 0,
        note=note,
    )


def _event(schedule: Schedule, due: datetime, user: str) -> Event:
    """The event of a due time: its id is made of both, so that it is one event however often it is sent. Raises TopicError."""
    name = f"schedule-{schedule.pk}-{due.astimezone(UTC):%Y%m%dT%H%M%S}"
    if due.microsecond:
        name += f".{due.microsecond:06}"
    own_key = schedule.key or f"schedule-{schedule.pk}"
    metadata = {"schedule": schedule.name, "due": due.astimezone(UTC).isoformat()}
    if schedule.topic:
        traceparent = spans.created(schedule.topic, event=name)
        return make_event(
            schedule.topic,
            schedule.payload,
            key=own_key,
            metadata=metadata,
            event_id=name,
            user_id=user,
            traceparent=traceparent,
        )
    assert schedule.script is not None
    return Event(
        id=name,
        topic=SCHEDULED,
        payload=schedule.payload,
        subscribers=[(schedule.script.module, schedule.script.name)],
        key=own_key,
        metadata=metadata,
        user_id=user,
        published_us=int(clock.now().timestamp() * 1_000_000),
    )


def _is_running(schedule: Schedule, now: datetime) -> bool:
    """Whether a script has yet to decide on the event of the run before."""
    last = schedule.runs.filter(state=State.PUBLISHED).first()
    if last is None or now - last.created_at > RUNS_AT_MOST:
        return False
    return Execution.objects.filter(event_id=last.event_id).count() < last.subscribers
