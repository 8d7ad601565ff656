"""Scripts and their versions as the workbench's page reads them: JSON documents."""

from __future__ import annotations

from typing import Any

from scripting.hot_reload.fleet import spread_of
from scripting.insight import open_breakers
from scripting.models import Script, ScriptVersion
from scripting.registry import reach
from scripting.registry.bundles import pairs, values_in
from scripting.texts.escaping import display
from scripting.workbench import viewers


def active_of(script: Script) -> dict[str, Any]:
    """The active version, why it is, what is set for its knobs, which fallback runs in its place, whether anything runs it, who else is here and where it is loaded."""
    activation = script.latest_activation()
    fallback = open_breakers.of(script)
    return {
        "active": version_of(script.active_version) if script.active_version else None,
        "activation": {
            "cause": activation.cause,
            "actor": str(activation.actor or ""),
            "reason": activation.reason,
            "at": activation.created_at.timestamp(),
        }
        if activation
        else None,
        "knobs": {name: display(value) for name, value in pairs(values_in(script.active_knobs.content))}
        if script.active_knobs
        else {},
        "is_default": not script.is_overridden,
        "enabled": script.enabled,
        "unheard": reach.unheard(script),
        "fallback": fallback.described() if fallback else None,
        "loaded": spread_of(script).described(),
        "people": viewers.people_or_nobody(script.module, script.name),
    }


def version_of(found: ScriptVersion) -> dict[str, Any]:
    return {
        "number": found.number,
        "language": found.language,
        "origin": found.origin,
        "sha256": found.sha256,
        "accepted": found.accepted,
        "source": found.editable_text,
        "author": str(found.author or ""),
        "message": found.message,
        "at": found.created_at.timestamp(),
    }
