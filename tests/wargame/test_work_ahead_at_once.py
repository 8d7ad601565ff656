"""Threads that hit one unit ahead, inside a transaction and by hand, some of which fail: each hit counts once, none is lost."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import pytest
from django.db import connection, transaction

from scripting.modules.calls import CallContext, OutOfDate
from scripting.storage.transactions import writing
from tests.wargame.conftest import Duel
from tests.wargame.test_kept import health, hit
from tests.wargame.test_work_ahead import entries, hit_of, take
from wargame import unit_of_work
from wargame.models import Game, Unit

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

HITS = 150
"""Tried by each thread."""
FULL = 60_000


class Fails(Exception):
    """A commit ends badly, with all written that it was to write."""


def ahead(call: CallContext, dice: random.Random) -> None:
    work = unit_of_work.ahead([call])
    if work is None:
        raise OutOfDate
    take(call, work)
    time.sleep(dice.choice((0, 0, 0.002)))
    with writing("default"):
        work.write()
        if dice.random() < 0.2:
            raise Fails


def inside(call: CallContext, dice: random.Random) -> None:
    with writing("default"):
        with unit_of_work.around([call]) as work:
            take(call, work)
        if dice.random() < 0.3:
            raise Fails


def by_hand(duel: Duel, points: int) -> None:
    with transaction.atomic():
        Game.objects.locked(duel.game.pk)
        unit = Unit.objects.get(pk=duel.squad.pk)
        unit.health -= points
        unit.save()


def test_no_hit_is_lost_or_counts_twice(duel: Duel) -> None:
    Unit.objects.filter(pk=duel.squad.pk).update(health=FULL, max_health=FULL)
    hit(duel, 1)
    lost, ended = [1], Counter({"inside": 1})

    def fight(number: int) -> None:
        dice = random.Random(number)
        for _ in range(HITS):
            points = dice.randint(1, 3)
            kind = dice.choices(("ahead", "inside", "by hand"), (6, 3, 1))[0]
            call = hit_of(duel, points)
            try:
                if kind == "ahead":
                    ahead(call, dice)
                elif kind == "inside":
                    inside(call, dice)
                else:
                    by_hand(duel, points)
            except (OutOfDate, Fails) as problem:
                kind = type(problem).__name__
            else:
                lost.append(points)
            ended[kind] += 1
        ended["threads"] += 1
        connection.close()

    threads = [threading.Thread(target=fight, args=[number]) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert ended["threads"] == 4, ended
    assert min(ended[kind] for kind in ("ahead", "inside", "by hand", "OutOfDate", "Fails")) > 0, ended
    assert health(duel) == FULL - sum(lost)
    assert len(entries(duel)) == Game.objects.get().sequence == ended["ahead"] + ended["inside"]
