"""Writing the battle log: what happened, and every script version that had a say in it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from wargame.models import BattleLogEntry, Game, LogKind
from wargame.play.steps import Entry, Kind

logger = logging.getLogger(__name__)


def write(game: Game, units: Mapping[str, int], entry: Entry) -> None:
    """Write the next line of the log of `game`, whose row lock the caller holds. `units`: code → primary key."""
    if entry.kind is Kind.IGNORED:
        logger.info("battle %s: %s", game.pk, entry.text)
    BattleLogEntry.add(
        game,
        LogKind(entry.kind),
        entry.text,
        turn=entry.turn,
        unit_id=units[entry.unit] if entry.unit else None,
        target_id=units[entry.target] if entry.target else None,
        before=entry.before,
        after=entry.after,
        critical=entry.critical,
        decisions=list(entry.decisions),
        **_put_down_to(entry.decider or {}),
    )


def _put_down_to(decision: Mapping[str, Any]) -> dict[str, Any]:
    if not decision:
        return {}
    return {
        "script": decision["script"],
        "version": decision["version"],
        "origin": decision["origin"][:20],
        "execution_id": _uuid(decision["execution"]),
        "role": decision["role"],
        "error": decision["error"],
    }


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
