"""Values for a time: planned, begun, ended and cancelled. What goes live goes by `activate`, like every other set.

Workers call `turn` each second. All that it needs is in the database, so nothing is lost with a process: what came due while none
lived is done by the first that does.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from scripting import clock
from scripting.models import Activation, KnobSchedule, Script
from scripting.registry import knobs as registry_knobs
from scripting.registry.bundles import Values
from scripting.registry.moves import AlreadyActive, PublishRefused, StaleBase, say_why
from scripting.texts.escaping import visible

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = KnobSchedule.State


class ScheduleRefused(PublishRefused):
    """The times do not do: the message says why, and which other schedule they meet."""


def plan(
    script: Script,
    values: Values,
    starts_at: datetime | None,
    ends_at: datetime,
    *,
    actor: User | None,
    reason: str,
) -> KnobSchedule:
    """Plan values from a moment (None: now) until another. Raises ScheduleRefused, ValuesRefused, PublishRefused."""
    say_why(reason)
    now = clock.now()
    begins = max(starts_at or now, now)
    if ends_at <= begins:
        raise ScheduleRefused("the end is not behind the beginning, or is over already")
    chosen = registry_knobs.keep(script, registry_knobs.settle(script, values), author=actor, message=reason)
    with transaction.atomic():
        locked = Script.objects.select_for_update().get(pk=script.pk)
        other = locked.knob_schedules.open().filter(starts_at__lt=ends_at, ends_at__gt=begins).first()
        if other is not None:
            raise ScheduleRefused(f"{other.knobs} is planned in that time already: cancel it, or choose another time")
        return KnobSchedule.objects.create(
            script=locked, knobs=chosen, starts_at=begins, ends_at=ends_at, author=actor, reason=visible(reason)
        )


def cancel(schedule: KnobSchedule, *, actor: User | None, reason: str) -> KnobSchedule:
    """Let it not begin, or end it now. Raises ScheduleRefused where it is over, PublishRefused."""
    say_why(reason)
    with transaction.atomic():
        locked = _lock(schedule.pk)
        if not locked.is_open:
            raise ScheduleRefused("it is over already")
        if locked.state == State.LIVE:
            _go_back(locked, actor, reason)
        locked.state = State.CANCELLED
        locked.save()
    return locked


def turn(now: datetime | None = None) -> list[KnobSchedule]:
    """Begin what is to begin by now, and end what is to end: those. Raises SupervisorError; the next turn tries again."""
    now = now or clock.now()
    pks = KnobSchedule.objects.due(now).order_by("ends_at", "pk").values_list("pk", flat=True)
    return [turned for pk in list(pks) if (turned := _turn(pk, now)) is not None]


@transaction.atomic
def _turn(pk: int, now: datetime) -> KnobSchedule | None:
    schedule = _lock(pk)
    if schedule.state == State.PLANNED and schedule.ends_at <= now:
        schedule.state, schedule.note = State.OVER, "no worker lived in its time"
    elif schedule.state == State.PLANNED and schedule.starts_at <= now:
        _begin(schedule)
    elif schedule.state == State.LIVE and schedule.ends_at <= now:
        _go_back(schedule, schedule.author, "their time is over")
        schedule.state = State.OVER
    else:
        return None  # another process was first
    schedule.save()
    return schedule


def _begin(schedule: KnobSchedule) -> None:
    script = schedule.script
    before, cause = script.active_knobs, Activation.Cause.PUBLISH
    try:
        registry_knobs.make_live(
            script, schedule.knobs, cause, actor=schedule.author, reason=schedule.reason, base=before
        )
    except AlreadyActive:
        pass
    except StaleBase:
        return  # somebody publishes at this moment: the next turn begins it
    except PublishRefused as refused:
        schedule.state, schedule.note = State.REFUSED, visible(str(refused))
        return
    schedule.before, schedule.state = before, State.LIVE


def _go_back(schedule: KnobSchedule, actor: User | None, reason: str) -> None:
    """Make live what was before it, unless somebody set other values meanwhile."""
    script, cause = schedule.script, Activation.Cause.ROLLBACK
    try:
        registry_knobs.make_live(script, schedule.before, cause, actor=actor, reason=reason, base=schedule.knobs)
    except AlreadyActive:
        pass
    except StaleBase:
        schedule.note = "other values were set meanwhile: they stay"
    except PublishRefused as refused:
        schedule.note = visible(str(refused))


def _lock(pk: int) -> KnobSchedule:
    """The schedule alone: its script is locked by `activate_together`, after the helpers."""
    return KnobSchedule.objects.select_for_update().get(pk=pk)
