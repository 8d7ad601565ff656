"""Times as every page writes them: in the site's zone, which the page names once; the same in UTC on hover.

static/scripting/times.js adds the reader's own time there, and writes the times that scripts of pages make.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from scripting.clock import now


def zone() -> str:
    """The zone of all times on a page: `UTC`, `Europe/Berlin`."""
    return timezone.get_current_timezone_name()


def written(at: datetime, *, exact: bool = False) -> str:
    """`2030-01-31 12:00:00` in the site's zone, with milliseconds if `exact`."""
    local = timezone.localtime(at).replace(tzinfo=None)
    return local.isoformat(" ", "milliseconds" if exact else "seconds")


def with_zone(at: datetime) -> str:
    """`2030-01-31 12:00:00 (UTC)`, for what leaves the page."""
    return f"{written(at)} ({zone()})"


def moment(at: datetime | None, *, exact: bool = False) -> SafeString:
    """A time as a page shows it. `exact` where the order within a second matters."""
    return SafeString("—") if at is None else told(at, written(at, exact=exact))


def clock(at: datetime) -> SafeString:
    """`12:00:00`, of a moment that is near."""
    return told(at, written(at)[11:])


def ago(at: datetime) -> SafeString:
    """`3 hours ago`: the largest unit alone; `just now` within the first minute."""
    is_new = now() - at < timedelta(minutes=1)
    return told(at, "just now" if is_new else f"{timesince(at, depth=1)} ago")


def told(at: datetime, words: str) -> SafeString:
    """A time that the page tells in such words."""
    utc = at.astimezone(UTC)
    exact = utc.replace(tzinfo=None).isoformat(" ", "milliseconds")
    return format_html('<time datetime="{}" title="{} UTC">{}</time>', utc.isoformat(), exact, words)
