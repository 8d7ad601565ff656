"""The board at a moment of the battle: as it is now, or rebuilt from the log as it was when an entry was written.

A keyframe of the log holds the whole board, every other entry the units that it concerns, so that a moment takes the keyframe
before it and at most the `KEYFRAME_EVERY` entries behind that. What it gives are copies for pages: nobody may save them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wargame.models import BattleLogEntry, Game, LogKind, Side, Unit
from wargame.models.log import KEYFRAME_EVERY
from wargame.play.boards import folded


class NotRebuildable(LookupError):
    """The log of that moment lacks what the board is rebuilt from: it was written before the log held it."""


@dataclass(frozen=True)
class Board:
    """A game with its sides and units at one moment."""

    game: Game
    sides: Sequence[Side]
    units: Sequence[Unit]
    entry: BattleLogEntry | None = None
    """The entry whose moment it is; None for now."""


def now(game: Game) -> Board:
    return Board(game, list(game.sides.all()), list(game.units.select_related("side")))


def at(game: Game, sequence: int) -> Board:
    """The board when entry `sequence` was written. Raises NotRebuildable, and DoesNotExist where there is no such entry."""
    log = BattleLogEntry.objects.filter(game=game, sequence__lte=sequence)
    entry = log.select_related("unit__side", "target__side").get(sequence=sequence)
    frame = log.keyframes().order_by("-sequence").values_list("sequence", flat=True).first()
    if frame is None or sequence - frame >= KEYFRAME_EVERY:
        raise NotRebuildable
    changes: list[Any] = list(log.filter(sequence__gte=frame).order_by("sequence").values_list("board", flat=True))
    if len(changes) != sequence - frame + 1 or not all(changes):
        raise NotRebuildable
    board = now(Game.objects.get(pk=game.pk))
    _set_back(board, entry, folded(changes))
    return Board(board.game, board.sides, board.units, entry)


def _set_back(board: Board, entry: BattleLogEntry, past: Mapping[str, Any]) -> None:
    game = board.game
    game.sequence, game.turn, game.phase = entry.sequence, entry.turn, past["phase"]
    if entry.kind != LogKind.END:
        game.status, game.winner, game.outcome, game.ended = Game.Status.RUNNING, None, "", None
    for side in board.sides:
        side.score = past["scores"].get(side.key, side.score)
    for unit in board.units:
        unit.health, unit.x, unit.y = past["units"].get(unit.code, (unit.health, unit.x, unit.y))


def first_moment(game: Game) -> BattleLogEntry | None:
    """The first entry from which on every board can be rebuilt; None where none can."""
    log = BattleLogEntry.objects.filter(game=game)
    unknown = log.filter(board__isnull=True).order_by("-sequence").values_list("sequence", flat=True).first() or 0
    return log.keyframes().after(unknown).only("sequence", "turn").first()
