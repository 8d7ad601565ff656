"""Battles' rows as the plain state that their rules take, and the steps of rules written back as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import Any

import msgspec
from django.db import router
from msgspec.structs import replace

from scripting import clock
from scripting.modules.calls import OutOfDate
from scripting.storage.bulk_insert import insert_rows
from scripting.storage.bulk_update import update_all
from scripting.storage.compiled_query import Among, number
from wargame import journal, kept, live, models
from wargame.kept import Rows
from wargame.play import boards
from wargame.play.state import Battle, Phase, Side, Unit
from wargame.play.steps import Step


class Table(msgspec.Struct, frozen=True):
    """A battle as it is stored: `battle` is its state, the rest finds its rows again."""

    game: models.Game
    battle: Battle
    units: Mapping[str, int]
    """Code → primary key; sides likewise."""
    sides: Mapping[str, int]


def locked(game: models.Game) -> Table:
    """The battle with its row locked until the transaction ends."""
    return read(models.Game.objects.locked(game.id))


def all_locked(numbers: Iterable[int]) -> list[Table]:
    """Those of these battles that exist, with their rows locked. In order, so that no two transactions wait for each other."""
    using = router.db_for_write(models.Game)
    games = [models.Game.from_db(using, kept.COLUMNS, row) for row in _games.rows(using, sorted(numbers))]
    found = {game.id: rows for game in games if (rows := kept.memory.find(game))}
    if unknown := [game for game in games if game.id not in found]:
        found |= _read_rows([game.id for game in unknown], using)
        for game in unknown:
            kept.memory.keep(game, found[game.id])
    now = int(clock.seconds())
    return [_table(game, found[game.id], now) for game in games]


def all_kept(numbers: Iterable[int]) -> list[Table] | None:
    """These battles as this process keeps them; None where it does not keep them all."""
    using, now = router.db_for_write(models.Game), int(clock.seconds())
    found = []
    for key in numbers:
        if (latest := kept.memory.latest(key)) is None:
            return None
        row, rows = latest
        found.append(_table(models.Game.from_db(using, kept.COLUMNS, row), rows, now))
    return found


def lock_as_kept(stamps: Mapping[int, int]) -> None:
    """Lock these battles, which had these stamps when they were kept. Raises OutOfDate where one has another by now."""
    if dict(_stamps.rows(router.db_for_write(models.Game), sorted(stamps))) != stamps:
        raise OutOfDate


def read(game: models.Game) -> Table:
    """The battle as its rows have it now."""
    return _table(game, _read_rows([game.id], router.db_for_read(models.Unit))[game.id], int(clock.seconds()))


def _read_rows(numbers: Sequence[int], using: str) -> dict[int, Rows]:
    """Plain values, two queries for all: no unit becomes a model's instance."""
    sides: dict[int, dict[str, Side]] = {number: {} for number in numbers}
    side_keys: dict[int, dict[str, int]] = {number: {} for number in numbers}
    units: dict[int, tuple[dict[str, Unit], dict[str, int]]] = {}
    keys = {}
    for pk, game_id, key, name, score in _sides.rows(using, numbers):
        keys[pk] = key
        sides[game_id][key], side_keys[game_id][key] = Side(key, name, score), pk
    # Column by column: a commit may read a thousand units, of which it changes some.
    for game_id, of_game in groupby(_units.rows(using, numbers), itemgetter(1)):
        pks, _, side_ids, codes, *columns = zip(*of_game, strict=True)
        names, kinds, *numbers_of = columns
        made = map(Unit, codes, names, kinds, map(keys.__getitem__, side_ids), *numbers_of)
        units[game_id] = dict(zip(codes, made, strict=True)), dict(zip(codes, pks, strict=True))
    return {number: Rows(sides[number], side_keys[number], *units.get(number, ({}, {}))) for number in numbers}


UNIT = (
    "pk",
    "game_id",
    "side_id",
    "code",
    "name",
    "kind",
    "health",
    "max_health",
    "x",
    "y",
    "moved_turn",
    "acted_turn",
)
# Compiled once: a commit of one event would spend half of its time in the ORM.
_games = Among(
    lambda names: (
        models.Game.objects.select_for_update()
        .filter(pk__in=map(number, names))
        .order_by("pk")
        .values_list(*kept.COLUMNS)
    )
)
_stamps = Among(
    lambda names: (
        models.Game.objects.select_for_update()
        .filter(pk__in=map(number, names))
        .order_by("pk")
        .values_list("pk", "stamp")
    )
)
_sides = Among(
    lambda names: (
        models.Side.objects.filter(game__id__in=map(number, names))
        .order_by("pk")
        .values_list("pk", "game_id", "key", "name", "score")
    )
)
_units = Among(
    lambda names: (
        models.Unit.objects.filter(game__id__in=map(number, names)).order_by("game_id", "pk").values_list(*UNIT)
    )
)


def _table(game: models.Game, rows: Rows, now: int) -> Table:
    battle = Battle(
        game.key,
        game.seed,
        game.map,
        rows.sides,
        rows.units,
        now,
        game.turn,
        Phase(game.phase),
        next((key for key, pk in rows.side_keys.items() if pk == game.winner_id), None),
        game.outcome,
    )
    return Table(game, battle, rows.unit_keys, rows.side_keys)


class Changes:
    """Steps of a stored battle, carried out and not written yet. Its row lock is held."""

    def __init__(self, table: Table) -> None:
        self.table = table
        """The battle after the steps."""
        self.before = table.battle
        self.units: list[dict[int, dict[str, Any]]] = [{}]
        """Rows of units by key, in the order in which they are written: a unit may enter a hex once another has left it."""
        self.entries: list[dict[str, Any]] = []

    def add(self, step: Step) -> None:
        table, before, after = self.table, self.table.battle, step.battle
        for unit in boards.units_changed(before, after):
            if unit.cell != before.units[unit.code].cell:
                self.units.append({})
            pk = table.units[unit.code]
            self.units[-1][pk] = {
                "id": pk,
                "health": unit.health,
                "x": unit.x,
                "y": unit.y,
                "moved_turn": unit.moved_turn,
                "acted_turn": unit.acted_turn,
            }
        self.entries += journal.rows_of(table.game, table.units, step, before)
        self.table = replace(table, battle=after)

    def __bool__(self) -> bool:
        return bool(self.entries) or self.table.battle is not self.before


def write(table: Table, step: Step) -> None:
    """Write what the step changed, and its entries. The caller holds the game's row lock."""
    changes = Changes(table)
    changes.add(step)
    write_all([changes])


def write_all(all_changes: Iterable[Changes]) -> None:
    """Write changes of several battles, and tell their pages after the commit."""
    changed = [changes for changes in all_changes if changes]
    games = [changes.table.game for changes in changed]
    for changes in changed:
        _write_game(changes.table, changes.before)
        changes.table.game.stamp = kept.new_stamp()
    units = zip_longest(*(changes.units for changes in changed), fillvalue={})
    update_all(
        [
            *((models.Unit, [row for rows in together for row in rows.values()]) for together in units),
            (models.Side, [row for changes in changed for row in _scores(changes)]),
            (models.Game, [{"id": game.id, "sequence": game.sequence, "stamp": game.stamp} for game in games]),
        ]
    )
    insert_rows(models.BattleLogEntry, [row for changes in changed for row in changes.entries])
    for table in (changes.table for changes in changed):
        kept.memory.keep(table.game, Rows(table.battle.sides, table.sides, table.battle.units, table.units))
    live.announce_on_commit(*games)


def _scores(changes: Changes) -> Iterator[dict[str, Any]]:
    table = changes.table
    for key, side in table.battle.sides.items():
        if side is not changes.before.sides[key]:
            yield {"id": table.sides[key], "score": side.score}


def _write_game(table: Table, before: Battle) -> None:
    game, after = table.game, table.battle
    if (after.turn, after.phase) != (before.turn, before.phase):
        game.enter(after.turn, after.phase)
    if before.is_running and not after.is_running:
        winner = models.Side.objects.get(pk=table.sides[after.winner]) if after.winner else None
        game.finish(winner, after.outcome)
