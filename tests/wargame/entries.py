"""Entries of a battle log as tests want them, one at a time."""

from __future__ import annotations

from typing import Any

from django.db.models import F

from wargame.models import BattleLogEntry, Game, LogKind
from wargame.play.steps import TEXT_LIMIT


def logged(game: Game, kind: LogKind, text: str, **fields: Any) -> BattleLogEntry:
    """Write the next entry of the game, numbered as the battle numbers them."""
    Game.objects.filter(pk=game.pk).update(sequence=F("sequence") + 1)
    game.refresh_from_db(fields=["sequence"])
    return BattleLogEntry.objects.create(
        game=game,
        sequence=game.sequence,
        turn=fields.pop("turn", game.turn),
        kind=kind,
        text=text[:TEXT_LIMIT],
        **fields,
    )
