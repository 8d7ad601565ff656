"""Schedules that modules' code says, kept as records: made when they are new, changed where people left them as they were."""

from __future__ import annotations

import hashlib
import logging

from django.db import DataError

from scripting import clock
from scripting.models import Schedule
from scripting.modules.installed import modules
from scripting.modules.scriptable import ModuleSchedule
from scripting.schedules.keeping import (
    ScheduleRefused,
    as_document,
    cadence_of,
    change,
    check,
    create,
    digest_text,
    pause,
    resume,
    script_named,
)

logger = logging.getLogger(__name__)

SHIPPED = "as the code says"
GONE = "its module names it no longer"
BACK = "its module names it again"
WRONG = (ScheduleRefused, DataError, TypeError, ValueError)
"""Raised for a schedule of the code that cannot be: the last three for values that no column holds."""


def sync() -> list[str]:
    """Bring the records to what the code says: a line for each that was made, changed or paused, or cannot be."""
    done: list[str] = []
    named: set[str] = set()
    for module in modules:
        for shipped in module.config.schedules:
            name = f"{module.name}/{shipped.name}"
            named.add(name)
            try:
                done += _sync(name, module.name, shipped)
            except WRONG as wrong:
                logger.warning("schedule %s cannot be kept, its module's code is to be mended: %s", name, wrong)
                done.append(f"{name}: {wrong}")
    for gone in Schedule.objects.filter(enabled=True).exclude(default_digest="").exclude(name__in=named):
        pause(gone.pk, actor=None, reason=GONE)  # whose topic or script may be gone as well
        done.append(f"{gone.name}: paused, {GONE}")
    return done


def _sync(name: str, module: str, shipped: ModuleSchedule) -> list[str]:
    fields = {
        "cron": shipped.cron,
        "seconds": shipped.seconds,
        "zone": shipped.zone,
        "topic": shipped.topic,
        "script": script_named(f"{module}/{shipped.script}") if shipped.script else None,
        "payload": dict(shipped.payload),
        "key": shipped.key,
        "missed": shipped.missed,
        "most": shipped.most,
        "overlap": shipped.overlap,
    }
    now = clock.now()
    wanted = Schedule(name=name, begins_at=now, settled_until=now, **fields)
    digest = digest_of(wanted)
    found = Schedule.objects.select_related("script").filter(name=name).first()
    if found is None:
        create(actor=None, reason=SHIPPED, name=name, default_digest=digest, **fields)
        return [f"{name}: made"]
    done = []
    was_gone = _was_gone(found)  # before a change says something else of it
    if found.default_digest != digest:
        check(wanted)
        cadence_of(wanted).check()
        if digest_of(found) != found.default_digest:  # people changed it: theirs stays
            Schedule.objects.filter(pk=found.pk).update(default_digest=digest)
            done.append(f"{name}: kept as people changed it")
        else:
            change(found.pk, actor=None, reason=SHIPPED, default_digest=digest, **fields)
            done.append(f"{name}: changed")
    if was_gone:
        resume(found.pk, actor=None, reason=BACK)
        done.append(f"{name}: resumed, {BACK}")
    return done


def _was_gone(schedule: Schedule) -> bool:
    """Whether it is paused since the code named it no longer, and nobody did anything to it after that."""
    last = None if schedule.enabled else schedule.history.first()
    return last is not None and (last.history_change_reason or "").endswith(f": {GONE}")


def digest_of(schedule: Schedule) -> str:
    """sha256 over what people can set."""
    return hashlib.sha256(digest_text(as_document(schedule)).encode()).hexdigest()
