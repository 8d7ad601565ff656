"""Filters of the dashboard's templates: numbers as people read them, and as SVG does."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from scripting import clock
from scripting.insight import times
from scripting.insight.display import badge, milliseconds
from scripting.insight.executions.listing import RESULT_SHOWN
from scripting.models import Execution
from scripting.modules import installed

register = template.Library()


@register.filter
def grouped(number: int | None) -> str:
    """A whole number with its thousands apart."""
    return "—" if number is None else f"{number:,}".replace(",", "\u202f")


@register.filter
def share(percent: float | None) -> str:
    """0 to 100 with as many digits as tell something."""
    if percent is None:
        return "—"
    if percent < 0.01:
        return "< 0.01 %" if percent else "0 %"
    return f"{percent:.2f} %" if percent < 1 else f"{percent:.1f} %"


@register.filter
def took_about(microseconds: float | None) -> str:
    return milliseconds(None if microseconds is None else round(microseconds))


@register.filter
def plain(number: float) -> str:
    """A number as SVG wants it, whatever the language of the page."""
    return f"{number:g}"


@register.filter
def up_for(started: float) -> SafeString:
    """How long ago that moment (seconds since 1970) was."""
    return times.told(datetime.fromtimestamp(started, UTC), _duration(max(0, int(clock.seconds() - started))))


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172800 else f"{seconds // 86400} d"


@register.filter
def key_in_words(execution: Execution) -> str:
    """`match 5`, as the module of its script calls what the key stands for."""
    return installed.key_in_words(execution.script.module, execution.key)


@register.filter
def result_in_short(execution: Execution) -> str:
    """The beginning of its result, exact, and marked where it goes on. Lists hold no more of it."""
    start: str = execution.result_start if hasattr(execution, "result_start") else execution.result_text
    return start if len(start) <= RESULT_SHOWN else f"{start[:RESULT_SHOWN]}…"


@register.filter
def spaced(name: str) -> str:
    """`security_violation` as people read it."""
    return name.replace("_", " ")


@register.filter
def breakable(name: object) -> SafeString:
    """A name such as `module/script` or a topic's, which may go on in a new line behind its slashes and dots."""
    parts = re.split(r"(?<=[/.])", str(name))
    return format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in parts))


@register.filter
def severity(level: str) -> SafeString:
    """`high` as a label."""
    return badge(f"{level} severity", {"high": "danger", "medium": "warning"}.get(level, ""))
