"""A battle's rows as the plain state that its rules take, and a rule's step written back as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scripting import clock
from wargame import journal, live, models
from wargame.play.state import Battle, Phase, Side, Unit
from wargame.play.steps import Step


@dataclass(frozen=True)
class Table:
    """A battle as it is stored: `battle` is its state, the rest finds its rows again."""

    game: models.Game
    battle: Battle
    units: Mapping[str, int]
    """Code → primary key; sides likewise."""
    sides: Mapping[str, int]


def locked(game: models.Game) -> Table:
    """The battle with its row locked until the transaction ends."""
    return read(models.Game.objects.locked(game.pk))


def read(game: models.Game) -> Table:
    """The battle as its rows have it now."""
    sides = list(game.sides.all())
    units = list(game.units.all())
    keys = {side.pk: side.key for side in sides}
    battle = Battle(
        game.key,
        game.seed,
        game.map,
        {side.key: Side(side.key, side.name, side.score) for side in sides},
        {unit.code: _unit(unit, keys[unit.side_id]) for unit in units},
        int(clock.seconds()),
        game.turn,
        Phase(game.phase),
        keys[game.winner_id] if game.winner_id is not None else None,
        game.outcome,
    )
    return Table(game, battle, {unit.code: unit.pk for unit in units}, {side.key: side.pk for side in sides})


def _unit(row: models.Unit, side: str) -> Unit:
    return Unit(
        row.code, row.name, row.kind, side, row.health, row.max_health, row.x, row.y, row.moved_turn, row.acted_turn
    )


def write(table: Table, step: Step) -> None:
    """Write what the step changed, and its entries. The caller holds the game's row lock."""
    before, after = table.battle, step.battle
    for code, unit in after.units.items():
        if unit is not before.units[code]:
            models.Unit.objects.filter(pk=table.units[code]).update(
                health=unit.health, x=unit.x, y=unit.y, moved_turn=unit.moved_turn, acted_turn=unit.acted_turn
            )
    for key, side in after.sides.items():
        if side is not before.sides[key]:
            models.Side.objects.filter(pk=table.sides[key]).update(score=side.score)
    game = table.game
    if (after.turn, after.phase) != (before.turn, before.phase):
        game.enter(after.turn, after.phase)
    if before.is_running and not after.is_running:
        winner = models.Side.objects.get(pk=table.sides[after.winner]) if after.winner else None
        game.finish(winner, after.outcome)
    journal.write(game, table.units, step, before)
    if after is not before or step.entries:
        live.announce_on_commit(game)
