"""`{% upgrade_of script as upgrade %}`: a new default that waits under an override, and what each side changed."""

from __future__ import annotations

from django import template

from scripting import comparing
from scripting.comparing import Upgrade
from scripting.models import Script, ScriptVersion

register = template.Library()


@register.simple_tag
def upgrade_of(script: Script) -> Upgrade | None:
    return comparing.upgrade_of(script)


@register.simple_tag
def unified(old: ScriptVersion | None, new: ScriptVersion) -> str:
    """The difference as text; the template escapes it."""
    return comparing.unified(old, new)
