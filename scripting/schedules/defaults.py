"""Schedules that modules' code says, kept as records: made when they are new, changed where people left them as they were."""

from __future__ import annotations

import hashlib
import logging

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
    script_named,
)

logger = logging.getLogger(__name__)

SHIPPED = "as the code says"


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
            except ScheduleRefused as wrong:
                logger.warning("schedule %s: %s", name, wrong)
                done.append(f"{name}: {wrong}")
    for gone in Schedule.objects.filter(enabled=True).exclude(default_digest="").exclude(name__in=named):
        change(gone.pk, actor=None, reason="its module names it no longer", enabled=False)
        done.append(f"{gone.name}: paused, its module names it no longer")
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
    if found.default_digest == digest:
        return []
    check(wanted)
    cadence_of(wanted).check()
    if digest_of(found) != found.default_digest:  # people changed it: theirs stays
        Schedule.objects.filter(pk=found.pk).update(default_digest=digest)
        return [f"{name}: kept as people changed it"]
    change(found.pk, actor=None, reason=SHIPPED, default_digest=digest, **fields)
    return [f"{name}: changed"]


def digest_of(schedule: Schedule) -> str:
    """sha256 over what people can set."""
    return hashlib.sha256(digest_text(as_document(schedule)).encode()).hexdigest()
