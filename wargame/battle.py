"""Starting a stored battle."""

from __future__ import annotations

import secrets

from django.db import transaction

from scripting import clock
from scripting.storage.bulk_insert import insert_rows
from wargame import journal, live
from wargame.models import BattleLogEntry, Game, Side, Unit
from wargame.play.deployment import deploy


def start_battle(*, seed: int | None = None, demo: bool = True) -> Game:
    """A new game with both armies deployed. Raises IntegrityError when a demo game is running already."""
    seed = secrets.randbits(48) if seed is None else seed
    step = deploy(seed, now=int(clock.seconds()))
    battle = step.battle
    with transaction.atomic():
        game = Game.objects.create(map_name=battle.map.name, terrain=battle.map.text, seed=seed, demo=demo)
        sides = {
            side.key: Side.objects.create(game=game, key=side.key, name=side.name) for side in battle.sides.values()
        }
        Unit.objects.bulk_create(
            Unit(
                game=game,
                side=sides[unit.side],
                code=unit.code,
                name=unit.name,
                kind=unit.kind,
                health=unit.health,
                max_health=unit.max_health,
                x=unit.x,
                y=unit.y,
            )
            for unit in battle.units.values()
        )
        insert_rows(BattleLogEntry, journal.rows_of(game, {}, step))
        game.save(update_fields=["sequence"])
        live.announce_on_commit(game)
        before = Game.objects.filter(demo=demo, pk__lt=game.pk).order_by("-pk").first()
        if before is not None:
            live.announce_on_commit(before)  # those who watched it go on to this one
    return game
