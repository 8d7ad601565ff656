"""Whether anything runs a script: its module's events and endpoints, or scripts that import it."""

from __future__ import annotations

from collections.abc import Collection

from scripting.models import SHARED, Script
from scripting.modules.installed import modules, runs_on
from scripting.registry import dependents


def unheard(script: Script, imported: Collection[str] | None = None) -> str:
    """Why nothing runs the script, and what would; empty where something does. `imported`: see `dependents.imported`."""
    if script.module == SHARED:
        found = dependents.imported() if imported is None else imported
        return "" if str(script) in found else "No script imports it yet, so nothing runs it."
    if runs_on(script.module, script.name):
        return ""
    if modules.get(script.module) is None:
        return f"The module {script.module} is not installed, so nothing runs it."
    return (
        "No event or endpoint runs it yet: an engineer names it in message_handlers or endpoint_scripts "
        f"of the module {script.module}."
    )
