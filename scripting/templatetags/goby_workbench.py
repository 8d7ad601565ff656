"""Filters of the workbench's templates: figures, and how a version became live, in words."""

from __future__ import annotations

from decimal import Decimal

from django import template

from scripting.insight.executions.reason import activated
from scripting.texts import figures
from scripting.texts.escaping import visible

register = template.Library()

register.filter("in_words", activated)
register.filter(figures.rounded)
register.filter(figures.signed)


@register.filter
def unlocalized(value: object) -> str:
    """A number as attributes of HTML and SVG take it, whatever the site's language: `0.25`, never `2e-05`."""
    return format(Decimal(repr(value)).normalize(), "f") if isinstance(value, (int, float)) else str(value)


@register.filter
def knob_value(value: object) -> str:
    """A knob's value for people: `on`, `0.25`, `“easy”`."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return unlocalized(value) if isinstance(value, (int, float)) else visible(f"“{value}”")


@register.filter
def percent_of(part: int, whole: int) -> str:
    """`12 %`"""
    return f"{100 * part / whole:.3g} %"
