"""System checks of what workers keep: the schedules that modules' code says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's own name

from scripting.checks import ENGINE
from scripting.modules.installed import modules
from scripting.modules.scriptable import ModuleSchedule
from scripting.modules.topics import TopicError, topics


@register(ENGINE)
def check_schedules(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W014: a schedule of a module's code is never due, or publishes what its topic does not take."""
    return [
        Warning(
            f"module {module.name}: schedule {shipped.name} cannot be kept: {problem}",
            hint="Correct it in the module's config: workers leave it out, or go on with an earlier one.",
            obj=module,
            id="scripting.W014",
        )
        for module in modules
        for shipped in module.config.schedules
        for problem in _problems(shipped)
    ]


def _problems(shipped: ModuleSchedule) -> Iterator[str]:
    from scripting.schedules.due import Cadence, NotDue  # long to load, for sites without schedules too

    try:
        Cadence(datetime(2000, 1, 1, tzinfo=UTC), shipped.cron, shipped.seconds, shipped.zone).check()
    except NotDue as wrong:
        yield str(wrong)
    try:
        if shipped.topic:
            topics.get(shipped.topic).validate(shipped.payload)
    except TopicError as wrong:
        yield str(wrong)
