"""`{% loaded_by script as loading %}`: which processes run a script's active version; `{{ loading }}` says it in a line."""

from __future__ import annotations

from django import template

from scripting.hot_reload import fleet
from scripting.hot_reload.fleet import Loading
from scripting.models import Script

register = template.Library()


@register.simple_tag
def loaded_by(script: Script) -> Loading | None:
    return fleet.loaded_by(script)
