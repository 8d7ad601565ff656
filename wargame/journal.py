"""The rows of the battle log: what happened, and every script version that had a say in it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from scripting import clock
from scripting.models.ids import id_of
from wargame.models import Game
from wargame.models.log import KEYFRAME_EVERY
from wargame.play import boards
from wargame.play.state import Battle
from wargame.play.steps import TEXT_LIMIT, Entry, Kind, Step

KEYFRAMES = frozenset({Kind.START, Kind.TURN, Kind.END})
"""Entries that hold the whole board."""

logger = logging.getLogger(__name__)


def rows_of(game: Game, units: Mapping[str, int], step: Step, before: Battle | None = None) -> list[dict[str, Any]]:
    """The entries of a step as the next rows of the log of `game`, whose row lock the caller holds. `units`: code → primary key.

    `game` counts them; who writes them saves its `sequence`. The first entry tells what the step changed of the board (`before` is the battle before it); now and then one has it whole.
    """
    if not step.entries:
        return []
    change = boards.changed(before, step.battle) if before is not None else boards.whole(step.battle)
    found = []
    for entry in step.entries:
        found.append(_row(game, units, step.battle, entry, change))
        change = {"phase": change["phase"]}
    return found


def _row(game: Game, units: Mapping[str, int], battle: Battle, entry: Entry, change: boards.Board) -> dict[str, Any]:
    if entry.kind is Kind.IGNORED:
        logger.info("battle %s: %s", game.id, entry.text)
    game.sequence += 1
    is_keyframe = entry.kind in KEYFRAMES or game.sequence % KEYFRAME_EVERY == 0
    actor = entry.unit or entry.target
    return {
        "game_id": game.id,
        "sequence": game.sequence,
        "turn": entry.turn,
        "kind": entry.kind.value,
        "text": entry.text[:TEXT_LIMIT],
        "side": battle.units[actor].side if actor else "",
        "unit_id": units[entry.unit] if entry.unit else None,
        "target_id": units[entry.target] if entry.target else None,
        "before": entry.before,
        "after": entry.after,
        "critical": entry.critical,
        "decisions": list(entry.decisions),
        "run": _uuid(entry.decisions[-1]["execution"]) if entry.decisions else None,
        "board": boards.whole(battle) if is_keyframe else change,
        "keyframe": is_keyframe,
        "created": clock.now(),
        **_put_down_to(entry.decider or {}),
    }


def _put_down_to(decision: Mapping[str, Any]) -> dict[str, Any]:
    if not decision:
        return {}
    return {
        "script": decision["script"],
        "version": decision["version"],
        "origin": decision["origin"][:20],
        "knobs": decision.get("knobs"),
        "execution_id": _uuid(decision["execution"]),
        "role": str(decision["role"]),
        "error": decision["error"],
    }


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return id_of(text)
    except ValueError:
        return None
