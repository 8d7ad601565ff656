"""Finding the battle that an event speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripting.modules.calls import CallContext
from wargame.models import Game


def number_named(context: CallContext, payload: Mapping[str, Any]) -> int | None:
    """The number of the game that an event names; 0 where that can be none, None where it names none."""
    named = payload.get("gameID") or context.metadata.get("game_id") or context.key
    if not named:
        return None
    text = str(named)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def find_game(context: CallContext, payload: Mapping[str, Any], unit_code: str = "") -> Game | None:
    """The game that an event is about: the one it names, else the running one in which `unit_code` is found.

    None when the event names no game that exists, or no game runs.
    """
    named = number_named(context, payload)
    if named is not None:
        return Game.objects.filter(pk=named).first()
    running = Game.objects.running().order_by("-demo", "-pk")
    found = running.filter(units__code=unit_code).first() if unit_code and "\x00" not in unit_code else None
    return found or running.first()
