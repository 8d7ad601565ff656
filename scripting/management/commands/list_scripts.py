"""`list_scripts`: every script by module, with the version that runs and where it comes from (requirement 7.3)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from scripting.management.output import ScriptingCommand
from scripting.models import Script, ScriptVersion
from scripting.sources.beside import (
    ACTIVE,
    CANNOT_BE_TAKEN,
    DIFFERS,
    HELD,
    REJECTED,
    WAITING,
    file_state,
    why_not_taken,
)

STATES = {
    REJECTED: "file rejected",
    WAITING: "file waits",
    HELD: "file held",
    CANNOT_BE_TAKEN: "file not taken",
    DIFFERS: "file differs",
}


class Command(ScriptingCommand):
    """Reads the database alone."""

    help = "List every script by module: the active version, its source, and what overrides what."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--module", metavar="M", help="the scripts of one module alone")
        self.add_json(parser)

    def handle(self, *, as_json: bool, module: str | None, **options: Any) -> None:
        scripts = Script.objects.in_use().select_related("active_version", "default_version").order_by("module", "name")
        if module:
            scripts = scripts.filter(module=module)
            if not scripts:
                self.require_module(module)
        if as_json:
            self.print_json({"scripts": [_described(script) for script in scripts]})
        elif not scripts:
            self.say(f"There are no scripts{f' of module {module}' if module else ''}: run sync_scripts.")
        else:
            headings = ("script", "active", "origin", "language", "state", "digest")
            self.print_table(headings, [_row(script) for script in scripts])
            for script in scripts:
                if why := why_not_taken(script):
                    self.say(f"{script}: its file is {'not taken' if script.held else 'rejected'}: {why}")


def _row(script: Script) -> tuple[object, ...]:
    version = script.active_version
    states = [
        "override" if _is_overridden(script) else "default",
        STATES.get(file_state(script), ""),
        "" if script.enabled else "disabled",
        "pinned" if script.pinned else "",
    ]
    state = ", ".join(filter(None, states))
    if version is None:
        return (script, "none", "", script.language, "not found", "")
    return (script, f"v{version.number}", version.origin, version.language, state, version.sha256[:12])


def _is_overridden(script: Script) -> bool:
    """A file that holds the default's very text is an override too."""
    return script.is_overridden or file_state(script) == ACTIVE


def _described(script: Script) -> dict[str, Any]:
    return {
        "module": script.module,
        "name": script.name,
        "enabled": script.enabled,
        "pinned": script.pinned,
        "overridden": _is_overridden(script),
        "file": file_state(script) or None,
        "file_problem": why_not_taken(script) or None,
        "active": _version(script.active_version),
        "default": _version(script.default_version),
        "limits": script.limit_changes(),
    }


def _version(version: ScriptVersion | None) -> dict[str, Any] | None:
    if version is None:
        return None
    return {
        "number": version.number,
        "digest": version.sha256,
        "origin": version.origin,
        "language": version.language,
        "created_at": version.created_at.isoformat(),
    }
