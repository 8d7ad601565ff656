"""`{% upgrade_of script as upgrade %}`: a new default that waits under an override, and what each side changed."""

from __future__ import annotations

from django import template

from scripting.models import Script, ScriptVersion
from scripting.registry import upgrades
from scripting.registry.upgrades import Upgrade
from scripting.texts import diff
from scripting.texts.escaping import visible

register = template.Library()


@register.simple_tag
def upgrade_of(script: Script) -> Upgrade | None:
    return upgrades.upgrade_of(script)


@register.simple_tag
def unified(old: ScriptVersion | None, new: ScriptVersion) -> str:
    """The difference as text; the template escapes it."""
    return visible(diff.unified(old.editable_text if old else "", new.editable_text, str(old or "nothing"), str(new)))
