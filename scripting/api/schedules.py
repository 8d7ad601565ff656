"""Schedules over the API: listed, paused, resumed, run at once. People make and change them in the admin, where they see the next times."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Router, Schema

from scripting import clock
from scripting.api.access import ApiRequest, demand
from scripting.api.problems import Problem
from scripting.models import Schedule, ScheduleRun
from scripting.models.tokens import Action
from scripting.schedules import keeping, turning
from scripting.schedules.keeping import ScheduleRefused, cadence_of
from scripting.subscriptions.sets import now_active

router = Router(tags=["schedules"])

UPCOMING = 5


class ScheduleOut(Schema):
    """A schedule."""

    schedule: int
    name: str
    times: str = Field(description="The cron expression, or the interval.")
    zone: str
    topic: str = Field(description="The event that it publishes; empty: it runs a script.")
    script: str
    enabled: bool
    upcoming: list[datetime] = Field(description="The next times; none while it is paused.")
    last: str | None = Field(description="What became of the last due time.")


class Why(Schema):
    """Why it is done."""

    reason: str


class RunOut(Schema):
    """A run that was asked for."""

    state: str = Field(description="published, or refused.")
    event: str
    note: str


@router.get("/schedules", response=list[ScheduleOut])
def schedules(request: ApiRequest) -> list[ScheduleOut]:
    """Every schedule whose scripts the token covers."""
    demand(request, Action.READ)
    found = Schedule.objects.select_related("script")
    return [_out(one) for one in found if all(request.auth.covers(script) for script in _scripts(one))]


@router.post("/schedules/{int:schedule}/pause", response=ScheduleOut)
def pause(request: ApiRequest, schedule: int, why: Why) -> ScheduleOut:
    """Let it be due at no time."""
    found = _for(request, schedule)
    try:
        return _out(keeping.pause(found.pk, actor=request.auth.user, reason=why.reason))
    except ScheduleRefused as refused:
        raise Problem(422, "refused", f"{refused}.") from None


@router.post("/schedules/{int:schedule}/resume", response=ScheduleOut)
def resume(request: ApiRequest, schedule: int, why: Why) -> ScheduleOut:
    """Let it be due again from now on."""
    found = _for(request, schedule)
    try:
        return _out(keeping.resume(found.pk, actor=request.auth.user, reason=why.reason))
    except ScheduleRefused as refused:
        raise Problem(422, "refused", f"{refused}.") from None


@router.post("/schedules/{int:schedule}/run", response=RunOut)
def run(request: ApiRequest, schedule: int) -> RunOut:
    """Run it once, beside its times."""
    made: ScheduleRun = turning.run_now(_for(request, schedule).pk, user=str(request.auth.user.pk))
    return RunOut(state=made.state, event=made.event_id, note=made.note)


def _for(request: ApiRequest, pk: int) -> Schedule:
    """A schedule that the token may change: it covers every script that runs by it. Raises Problem."""
    found = Schedule.objects.select_related("script").filter(pk=pk).first() if pk < 2**63 else None
    demand(request, Action.PUBLISH, *(_scripts(found) if found else ()))
    if found is None:
        raise Problem(404, "not_found", f"There is no schedule {pk}.")
    return found


def _scripts(schedule: Schedule) -> list[str]:
    if schedule.script is not None:
        return [str(schedule.script)]
    return [each.label for each in now_active(schedule.topic).subscribers if each.enabled]


def _out(schedule: Schedule) -> ScheduleOut:
    last = schedule.runs.first()
    now = max(schedule.settled_until, clock.now())
    return ScheduleOut(
        schedule=schedule.pk,
        name=schedule.name,
        times=schedule.times,
        zone=schedule.zone,
        topic=schedule.topic,
        script=str(schedule.script or ""),
        enabled=schedule.enabled,
        upcoming=cadence_of(schedule).upcoming(now, UPCOMING) if schedule.enabled else [],
        last=last.state if last else None,
    )
