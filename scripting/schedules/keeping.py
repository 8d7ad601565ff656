"""Schedules made, changed, paused and asked to run now: each change is checked, and its history says who and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Model

from scripting import clock
from scripting.bus.publishing import make_event
from scripting.models import SHARED, Schedule, Script
from scripting.modules.topics import TopicError, topics
from scripting.schedules.due import Cadence, NotDue
from scripting.texts.escaping import visible

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LONGEST_NAME, LONGEST_REASON = 140, 80
FIELDS = ("name", "cron", "seconds", "zone", "topic", "script", "payload", "key", "missed", "most", "overlap")
"""Columns that people set."""
MOST = 100


class ScheduleRefused(Exception):
    """A schedule that cannot be so. `field` is the one at fault; the message says what to write."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def cadence_of(schedule: Schedule) -> Cadence:
    return Cadence(schedule.begins_at, schedule.cron, schedule.seconds, schedule.zone)


def check(schedule: Schedule) -> None:
    """Raise ScheduleRefused for what could not run."""
    if not schedule.name.strip() or len(schedule.name) > LONGEST_NAME or not schedule.name.isprintable():
        raise ScheduleRefused(f"give it a name of at most {LONGEST_NAME} characters", "name")
    try:
        cadence_of(schedule).check()
    except NotDue as wrong:
        field = "zone" if "time zone" in str(wrong) else "cron" if schedule.cron else "seconds"
        raise ScheduleRefused(str(wrong), field) from None
    if schedule.missed not in Schedule.Missed.values or schedule.overlap not in Schedule.Overlap.values:
        raise ScheduleRefused("choose what becomes of missed and overlapping times", "missed")
    if not 1 <= schedule.most <= MOST:
        raise ScheduleRefused(f"at least 1 and at most {MOST} missed times run", "most")
    if not isinstance(schedule.payload, Mapping):
        raise ScheduleRefused("what it carries is an object: {…}", "payload")
    if bool(schedule.topic) == (schedule.script is not None):
        raise ScheduleRefused("choose an event to publish, or a script to run: one of them", "topic")
    if schedule.script is not None and schedule.script.module == SHARED:
        raise ScheduleRefused("a helper cannot be run by itself", "script")
    if schedule.topic:
        try:
            make_event(schedule.topic, schedule.payload, key=schedule.key)
        except TopicError as wrong:
            raise ScheduleRefused(str(wrong), "payload" if schedule.topic in topics else "topic") from None


def create(*, actor: User | None, reason: str, **fields: Any) -> Schedule:
    """A schedule that is due from now on. Raises ScheduleRefused."""
    now = clock.now()
    schedule = Schedule(**fields, author=actor, begins_at=now.replace(microsecond=0), settled_until=now)
    check(schedule)
    schedule.next_due = cadence_of(schedule).after(now)
    _save(schedule, actor, f"made: {_said(reason)}")
    return schedule


def change(pk: int, *, actor: User | None, reason: str, **fields: Any) -> Schedule:
    """Other times or another aim, from now on: what was due before stays settled as it was. Raises ScheduleRefused."""
    said = _said(reason)
    with transaction.atomic():
        schedule = _hold(pk)
        for name, value in fields.items():
            setattr(schedule, name, value)
        check(schedule)
        _save(_from_now(schedule), actor, f"changed: {said}")
    return schedule


def pause(pk: int, *, actor: User | None, reason: str) -> Schedule:
    """It is due at no time until it is resumed. Raises ScheduleRefused."""
    return _switch(pk, enabled=False, actor=actor, reason=f"paused: {_said(reason)}")


def resume(pk: int, *, actor: User | None, reason: str) -> Schedule:
    """It is due again from now on; what came due meanwhile was not missed, but paused. Raises ScheduleRefused."""
    return _switch(pk, enabled=True, actor=actor, reason=f"resumed: {_said(reason)}")


def _switch(pk: int, *, enabled: bool, actor: User | None, reason: str) -> Schedule:
    with transaction.atomic():
        schedule = _hold(pk)
        if schedule.enabled == enabled:
            raise ScheduleRefused(f"it is {'running' if enabled else 'paused'} already")
        schedule.enabled = enabled
        # Paused, it keeps until when its due times were dealt with: one that nobody had reached yet is not said to be.
        _save(_from_now(schedule) if enabled else schedule, actor, reason)
    return schedule


def _from_now(schedule: Schedule) -> Schedule:
    now = clock.now()
    schedule.settled_until = max(now, schedule.settled_until)
    schedule.next_due = cadence_of(schedule).after(schedule.settled_until)
    return schedule


def _hold(pk: int) -> Schedule:
    return Schedule.objects.select_for_update().get(pk=pk)


def _save(schedule: Schedule, actor: User | None, reason: str) -> None:
    schedule._history_user = actor
    schedule._change_reason = reason
    try:
        with transaction.atomic():
            schedule.save()
    except IntegrityError:
        raise ScheduleRefused("there is a schedule of this name already", "name") from None


def _said(reason: str) -> str:
    if not reason.strip():
        raise ScheduleRefused("say why: the reason is shown in the history for good", "reason")
    if len(visible(reason)) > LONGEST_REASON:
        raise ScheduleRefused(f"a reason has {LONGEST_REASON} characters at the most", "reason")
    return visible(reason)


def as_document(schedule: Schedule) -> dict[str, Any]:
    """The settings, as plain data."""
    plain = {name: getattr(schedule, name) for name in FIELDS}
    return {name: str(value) if isinstance(value, Model) else value for name, value in plain.items()}


def digest_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True)


def script_named(label: str) -> Script:
    """Raises ScheduleRefused."""
    module, _, name = label.partition("/")
    found = Script.objects.in_use().named(module, name).first()
    if found is None:
        raise ScheduleRefused(f"there is no script {visible(label)}", "script")
    return found
