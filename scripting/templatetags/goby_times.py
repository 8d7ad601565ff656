"""Times in templates, as scripting.insight.times writes them; `{% zone %}` names their zone, once on each page."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.safestring import SafeString

from scripting.insight import times

register = template.Library()

register.simple_tag(times.zone)
register.filter(times.ago)
register.filter(times.clock)


@register.filter
def when(at: datetime | None) -> SafeString:
    return times.moment(at)


@register.filter
def when_exactly(at: datetime | None) -> SafeString:
    """With milliseconds, where the order within a second matters."""
    return times.moment(at, exact=True)
