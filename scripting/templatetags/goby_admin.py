"""Filters of the admin's templates: statuses, durations and labels as scripting.insight.display writes them."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from scripting.insight import display
from scripting.texts.escaping import visible

register = template.Library()


@register.filter
def status(name: str) -> SafeString:
    return display.status_badge(name)


@register.filter
def took(microseconds: int | None) -> str:
    return display.milliseconds(microseconds)


@register.filter
def limits(of: Any) -> str:
    return display.limits(of)


@register.filter
def tag(text: str, colour: str) -> SafeString:
    return display.badge(text, colour)


@register.filter
def unlocalized(value: Any) -> str:
    """A number as it is written in a command, without separators."""
    return str(value)


@register.filter
def shown(text: str) -> str:
    """Text that people wrote, with control and bidirectional characters shown as such; the page escapes it."""
    return visible(str(text))
