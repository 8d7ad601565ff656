"""Whether anything runs a script: its module's events and endpoints, or scripts that import it."""

from __future__ import annotations

from collections.abc import Collection

from scripting.models import SHARED, Script
from scripting.modules.installed import modules
from scripting.registry import dependents
from scripting.subscriptions import sets
from scripting.subscriptions.subscribed import runs_on


def unheard(script: Script, imported: Collection[str] | None = None) -> str:
    """Why nothing runs the script, and what would; empty where something does. `imported`: see `dependents.imported`."""
    if script.module == SHARED:
        found = dependents.imported() if imported is None else imported
        return "" if str(script) in found else "No script imports it yet, so nothing runs it."
    if runs_on(script.module, script.name):
        return ""
    if modules.get(script.module) is None:
        return f"The module {script.module} is not installed, so nothing runs it."
    if topic := sets.planned_topic(script):
        return f"It runs on {topic} as soon as you publish it."
    return (
        "No event or endpoint runs it yet: subscribe it on a topic's page, or an engineer names it in message_handlers or "
        f"endpoint_scripts of the module {script.module}."
    )
