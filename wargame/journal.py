"""Writing the battle log: what happened, and every script version that had a say in it."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from scripting.modules.calls import Outcome
from scripting.texts.escaping import one_line
from wargame import live
from wargame.models import BattleLogEntry, Game, LogKind, Unit
from wargame.results import MESSAGE_LIMIT

logger = logging.getLogger(__name__)


def _decision(outcome: Outcome) -> dict[str, Any]:
    version = outcome.version
    return {
        "script": outcome.context.script,
        "version": version.number if version else None,
        "origin": version.origin if version else "",
        "execution": outcome.context.execution_id,
        "role": outcome.role,
        "error": one_line(outcome.error, 300),
    }


def decisions_of(outcome: Outcome, believed: bool = True) -> list[dict[str, Any]]:
    """Every script on the way here, this one last. An event from outside says nothing that is believed."""
    earlier: Any = outcome.context.payload.get("decidedBy") if believed and outcome.context.depth else None
    return [*(earlier or [])[-8:], _decision(outcome)]


def record(
    outcome: Outcome, game: Game, kind: LogKind, text: str, *, decider: dict[str, Any] | None = None, **fields: Any
) -> None:
    decisions = decisions_of(outcome)
    by = decider or decisions[-1]
    BattleLogEntry.add(
        game,
        kind,
        text,
        script=by["script"],
        version=by["version"],
        origin=by["origin"][:20],
        execution_id=_uuid(by["execution"]),
        role=by["role"],
        error=by["error"],
        decisions=decisions,
        **fields,
    )
    live.announce_on_commit(game)


def ignore(
    outcome: Outcome, game: Game | None, what: str, why: str, unit: Unit | None = None, target: Unit | None = None
) -> None:
    """An outcome that no longer fits the game leaves a trace and changes nothing."""
    logger.info("%s of %s ignored: %s", what, outcome.context.topic or outcome.context.script, why)
    if game is not None and game.is_running:
        record(outcome, game, LogKind.IGNORED, f"{what.capitalize()} ignored: {why}", unit=unit, target=target)


def with_remarks(text: str, *messages: str) -> str:
    """`text` with the remarks of the scripts behind it."""
    said = "; ".join(dict.fromkeys(one_line(message, MESSAGE_LIMIT) for message in messages if message))
    return f"{text} ({said})" if said else text


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
