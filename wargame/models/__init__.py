"""Models of the wargame: games with their sides, units and battle log."""

from wargame.models.game import Game, Side
from wargame.models.log import BattleLogEntry, LogKind
from wargame.models.unit import Unit

__all__ = ["BattleLogEntry", "Game", "LogKind", "Side", "Unit"]
