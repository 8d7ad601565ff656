"""Finding what an event speaks of: its game, its units, its hex."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scripting.modules.calls import CallContext
from wargame.hexes import Cell
from wargame.models import Game, Unit

_CELL = re.compile(r"\s*\(?\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)?\s*")


def find_game(context: CallContext, payload: Mapping[str, Any], unit_code: str = "") -> Game | None:
    """The game that an event is about: the one it names, else the running one in which `unit_code` is found.

    None when the event names no game that exists, or no game runs.
    """
    named = payload.get("gameID") or context.metadata.get("game_id") or context.key
    if named:
        text = str(named)
        return (
            Game.objects.filter(pk=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 18 else None
        )
    running = Game.objects.running().order_by("-demo", "-pk")
    found = running.filter(units__code=unit_code).first() if unit_code and "\x00" not in unit_code else None
    return found or running.first()


def game_of(context: CallContext, payload: Mapping[str, Any], unit_code: str = "") -> Game | None:
    """`find_game` with the game's row locked until the transaction ends."""
    game = find_game(context, payload, unit_code)
    return None if game is None else Game.objects.locked(game.pk)


def unit_of(game: Game, code: Any) -> Unit | None:
    """The unit of `game` with this code, or with this name, as people write it."""
    if not isinstance(code, str) or not code or "\x00" in code:
        return None
    units = Unit.objects.filter(game=game).select_related("side")
    return units.filter(code=code).first() or units.filter(name__iexact=code).first()


def cell_of(text: Any) -> Cell | None:
    """`3,4` as (3, 4)."""
    match = _CELL.fullmatch(text) if isinstance(text, str) else None
    return (int(match[1]), int(match[2])) if match else None
