"""The time by which history is deleted: the database's, unless something speaks against it. A clock that leaps deletes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import redis

from scripting.models import Execution, RetentionMark
from scripting.models.ids import first_id_at, time_of
from scripting.storage.database_clock import off_by, time_of_database
from scripting.storage.redis_client import redis_client

DISAGREEMENT = timedelta(minutes=10)
"""Database and Redis further apart: one of the two is wrong, and who knows which."""
LEAP = timedelta(days=7)
"""Since the last turn of the retention. A site that was off for so long is told to a person, as a clock that was set wrongly is."""
PATIENCE = timedelta(days=3)
"""After so long with nobody contradicting, the leap is taken for a site that was off."""
STEP = timedelta(hours=1)
"""How far the time goes on until it is kept again."""
BELIEVED, DOUBTED = "clock", "clock doubted"
"""Marks of the retention whose `upto` says a time: the last one that was believed, and when the present one was first doubted."""


class ClockDoubted(Exception):
    """Nothing is deleted by this time: why, and what to do about it."""


def trusted() -> datetime:
    """The time to delete by; it is kept, so that a later one can be compared. Raises ClockDoubted, database errors."""
    now = time_of_database()
    if words := _disagreement(now):
        raise ClockDoubted(words)
    if words := _leap(now):
        doubted = _kept(DOUBTED)
        if doubted is None or not doubted <= now <= doubted + PATIENCE + LEAP:
            _keep(DOUBTED, now)
            raise ClockDoubted(words)
        if now < doubted + PATIENCE:
            raise ClockDoubted(words)
    believe(now)
    return now


def doubt() -> str:
    """Why history is not deleted now; empty where it is. Keeps nothing. Raises database errors."""
    now = time_of_database()
    return _disagreement(now) or _leap(now)


def believe(now: datetime) -> None:
    """Take this time for right, whatever was kept before."""
    before = _kept(BELIEVED)
    if before is None or abs(now - before) >= STEP:
        _keep(BELIEVED, now)
        RetentionMark.objects.filter(part=DOUBTED).delete()


def _disagreement(now: datetime) -> str:
    try:
        seconds, micros = redis_client().time()
    except redis.RedisError:
        return ""  # then there is one clock less to compare with
    apart = (now - datetime.fromtimestamp(seconds + micros / 1e6, UTC)).total_seconds()
    if abs(apart) <= DISAGREEMENT.total_seconds():
        return ""
    return f"the database's clock is {off_by(apart)} Redis': no history is deleted until both agree. Set the wrong one right"


def _leap(now: datetime) -> str:
    before = _kept(BELIEVED) or _newest()
    if before is None or now - before <= LEAP:
        return ""
    days = (now - before).days
    return (
        f"the clock has gone on by {days} days since history was last deleted: either the site was off, or its clock is wrong. "
        f"No history is deleted for {PATIENCE.days} days. Set the clock right, or say `manage.py prune_executions --clock-is-right`"
    )


def _newest() -> datetime | None:
    """When the newest execution began: all that a site knows that never deleted any."""
    newest = Execution.objects.order_by("-pk").values_list("pk", flat=True).first()
    return None if newest is None else time_of(newest)


def _kept(part: str) -> datetime | None:
    found = RetentionMark.objects.filter(part=part).values_list("upto", flat=True).first()
    return None if found is None else time_of(found)


def _keep(part: str, now: datetime) -> None:
    RetentionMark.objects.update_or_create(part=part, defaults={"upto": first_id_at(now)})
