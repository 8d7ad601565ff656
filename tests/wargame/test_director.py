"""The director, one step at a time, and battles played to their end."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import redis
from django.utils import timezone

from tests.support.stack import wait_until
from tests.wargame.conftest import Duel
from tests.wargame.table import Table
from wargame import director as directing
from wargame.battle import start_battle
from wargame.director import Director
from wargame.hexes import distance
from wargame.models import Game, LogKind, Unit
from wargame.play import planning
from wargame.play.deployment import deploy

pytestmark = pytest.mark.django_db


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def director(table: Table, clock: Clock) -> Director:
    return Director(publish=table.publish, clock=clock)


def test_the_first_step_begins_a_battle_and_orders_moves(director: Director, table: Table) -> None:
    director.step()
    game = Game.objects.get()
    assert table.events[0].topic == "wargame.game.start"
    assert all(event.key == game.key for event in table.events)
    assert all(event.metadata["game_id"] == game.key for event in table.events)
    assert Unit.objects.filter(moved_turn__gt=0).count() == 0, "the director changed a unit"


def test_moves_are_followed_by_one_attack_a_step(duel: Duel, director: Director, table: Table) -> None:
    director.step()
    assert [e.topic for e in table.events] == ["wargame.state.update", "wargame.action"]
    table.carry_out()
    director.step()
    assert [e.payload["action"] for e in table.events if e.topic == "wargame.action"] == ["attack"]


def test_an_order_that_nobody_carries_out_is_given_again_with_growing_patience(
    duel: Duel, director: Director, table: Table, clock: Clock
) -> None:
    director.step()
    table.events.clear()
    published = []
    for _ in range(70):
        clock.now += 1
        if director.step():
            published.append(clock.now)
            table.events.clear()
    assert published == [10, 30, 70]


def test_a_turn_ends_when_all_who_can_attack_have(duel: Duel, director: Director, table: Table) -> None:
    topics = []
    for _ in range(6):
        director.step()
        topics += [event.topic for event in table.carry_out()]
        duel.game.refresh_from_db()
        if duel.game.turn > 1:
            break
    assert duel.game.turn == 2
    assert "wargame.turn.change" in topics


@pytest.mark.slow
def test_a_battle_is_played_to_its_end_and_another_begins(director: Director, table: Table) -> None:
    director.step()
    first = Game.objects.get()
    for _ in range(600):
        table.carry_out()
        first.refresh_from_db()
        if not first.is_running:
            break
        director.step()
    assert first.outcome
    assert first.log.filter(kind=LogKind.END).count() == 1  # type: ignore[attr-defined]
    director.step()
    assert Game.objects.count() == 1, "the end is shown for a while"
    Game.objects.update(ended=timezone.now() - timedelta(seconds=directing.PAUSE_SECONDS + 1))
    director.step()
    assert Game.objects.running().count() == 1


def test_old_battles_are_forgotten(director: Director, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directing, "KEEP_BATTLES", 2)
    for _ in range(4):
        game = start_battle()
        game.finish(game.sides.first(), "done")  # type: ignore[attr-defined]
    Game.objects.update(ended=timezone.now() - timedelta(minutes=1))
    director.step()
    assert Game.objects.count() == 3


def test_the_turn_limit_ends_a_battle_that_never_ends(duel: Duel, director: Director, table: Table) -> None:
    duel.tank.delete()
    far = duel.add(duel.harbour, "scouts", 0, 3, moved_turn=99, acted_turn=99)
    Unit.objects.update(moved_turn=99, acted_turn=99)
    Game.objects.update(turn=30, phase="combat")
    director.step()
    assert table.take("wargame.game.end").payload["reason"]
    assert far.is_alive


def test_planned_moves_end_on_different_hexes_within_reach() -> None:
    orders = planning.moves(deploy(3, now=0).battle)
    assert len(orders) > 10
    assert len({order.target for order in orders}) == len(orders)
    assert all(distance(o.unit.cell, o.target) <= o.unit.data.movement for o in orders)  # type: ignore[arg-type]


def test_the_director_waits_longer_each_time_while_redis_is_away(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    tried: list[float] = []

    class Stop:
        def is_set(self) -> bool:
            return len(tried) >= 7

        def wait(self, seconds: float) -> bool:
            clock.now += seconds
            return False

    def away(self: Director) -> int:
        tried.append(clock.now)
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(Director, "step", away)
    monkeypatch.setattr(directing, "close_old_connections", lambda: None)
    Director(clock=clock).run(Stop())  # type: ignore[arg-type]
    assert [round(later - before) for before, later in pairwise(tried)] == [4, 8, 16, 30, 30, 30]


class Counting(Director):
    """Counts its steps, and takes none."""

    steps = 0

    def step(self) -> int:
        self.steps += 1
        return 0


def test_of_several_directors_one_makes_the_steps_and_another_goes_on_when_it_ends(settings: Any) -> None:
    settings.WARGAME_TICK_SECONDS = 0.05
    directors = [Counting(), Counting(), Counting()]
    stops = [threading.Event() for _ in directors]
    threads = [threading.Thread(target=one.run, args=(stop,)) for one, stop in zip(directors, stops, strict=True)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: any(one.steps > 3 for one in directors), 60, "nobody directs")
        (first,) = [place for place, one in enumerate(directors) if one.steps]
        stops[first].set()
        wait_until(lambda: sum(one.steps > 0 for one in directors) == 2, 60, "nobody takes over")
    finally:
        for stop in stops:
            stop.set()
        for thread in threads:
            thread.join(20)
