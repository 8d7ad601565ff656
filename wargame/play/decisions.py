"""Which scripts led to an outcome: what events carry on, and the log keeps."""

from __future__ import annotations

from typing import Any

from scripting.modules.calls import Outcome
from scripting.texts.escaping import one_line
from wargame.play.said import said

REMEMBERED = 8
"""Earlier decisions that an event carries."""


def decision_of(outcome: Outcome) -> dict[str, Any]:
    version = outcome.version
    return {
        "script": outcome.context.script,
        "version": version.number if version else None,
        "origin": version.origin if version else "",
        "execution": outcome.context.execution_id,
        "role": outcome.role,
        "error": one_line(outcome.error, 300),
        "failed": outcome.failed.number if outcome.failed else None,
        "knobs": outcome.knobs,
        "said": said(outcome.context.topic, outcome.context.payload, outcome.result),
    }


def decisions_of(outcome: Outcome, believed: bool = True) -> list[dict[str, Any]]:
    """Every script on the way here, this one last. An event from outside says nothing that is believed."""
    earlier: Any = outcome.context.payload.get("decidedBy") if believed and outcome.context.depth else None
    return [*(earlier or [])[-REMEMBERED:], decision_of(outcome)]
