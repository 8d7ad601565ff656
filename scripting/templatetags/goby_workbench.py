"""Filters of the workbench's templates: how long ago, and what made a version live, in words."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils.timesince import timesince

from scripting.models import Activation

register = template.Library()

CAUSES = {
    Activation.Cause.DEFAULT: "as the game ships it",
    Activation.Cause.FILE: "taken from a file",
    Activation.Cause.PUBLISH: "published",
    Activation.Cause.ROLLBACK: "rolled back",
    Activation.Cause.FILE_DELETED: "active again since its file was deleted",
    Activation.Cause.UPGRADE: "upgraded",
}


@register.filter
def ago(at: datetime) -> str:
    """`3 hours ago`: the largest unit alone; `just now` within the first minute."""
    if (datetime.now(UTC) - at).total_seconds() < 60:
        return "just now"
    return f"{timesince(at, depth=1)} ago"


@register.filter
def in_words(activation: Activation) -> str:
    """`published by anna`."""
    words = CAUSES.get(activation.cause, activation.get_cause_display().lower())  # type: ignore[call-overload]
    return f"{words} by {activation.actor}" if activation.actor else str(words)
