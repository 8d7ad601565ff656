"""The reservoir: a sample of each script keeps its payloads whatever its age, rare outcomes whole, the same however it is looked at."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scripting.metrics import reservoir, retention
from scripting.metrics.retention import prune
from scripting.models import Execution, KeptExecution, Script
from scripting.sandbox.protocol import encode_value
from tests.insight.runs import publish, write
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)
CAPACITY = 60


@pytest.fixture
def script(game: Game, settings: Any) -> Script:
    settings.SCRIPTING_KEEP_PAYLOAD_DAYS = 2
    settings.SCRIPTING_KEEP_DAYS = 5
    settings.SCRIPTING_KEEP_FAILURE_DAYS = 20
    settings.SCRIPTING_KEEP_RESERVOIR = CAPACITY
    publish(game, "result = 1\n")
    return game.script("dice")


def aged(script: Script, days: float, count: int, **fields: Any) -> list[Any]:
    return write(script, count, end=NOW - timedelta(days=days), **fields)


def with_payload() -> set[Any]:
    return set(Execution.objects.exclude(inputs=b"").values_list("pk", flat=True))


def test_common_outcomes_give_way_and_rare_ones_stay_whole_whatever_their_age(script: Script) -> None:
    common = aged(script, 30, 300, result=encode_value({"damage": 1}))
    flagged = aged(script, 30, 10, result=encode_value({"damage": 1, "critical": True}))
    other = aged(script, 30, 100, topic="chess_club.other", result=encode_value({"damage": 1}))
    failed = aged(script, 30, 5, status="failed")
    prune(60, now=NOW)
    kept = with_payload()
    assert set(flagged) | set(failed) <= kept
    assert len(kept & set(common)) == len(kept & set(other)) == 22, "an even share of what room there is"
    assert CAPACITY - 5 <= len(kept) <= CAPACITY
    assert set(Execution.objects.values_list("pk", flat=True)) == kept, "the rest has gone by its age"
    assert set(KeptExecution.objects.values_list("pk", flat=True)) == kept


@pytest.mark.slow
def test_the_sample_is_the_same_in_whatever_steps_it_is_drawn(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = aged(script, 3, 500)
    expected = set(sorted(ids, key=reservoir.number_of)[:CAPACITY])
    monkeypatch.setattr(retention, "BATCH", 7)
    prune(60, now=NOW)
    assert with_payload() == expected
    assert Execution.objects.count() == 500


def test_what_goes_out_for_a_newer_one_has_what_was_due_done(script: Script) -> None:
    old = aged(script, 30, 80)
    prune(60, now=NOW)
    assert Execution.objects.count() == CAPACITY
    young = aged(script, 3, 80)
    prune(60, now=NOW)
    kept = with_payload()
    assert kept == set(sorted([*old, *young], key=reservoir.number_of)[:CAPACITY])
    assert set(Execution.objects.values_list("pk", flat=True)) == kept | set(young), "those past their age are deleted"


def test_a_smaller_reservoir_shrinks_and_every_script_has_its_own(script: Script, game: Game, settings: Any) -> None:
    aged(script, 30, 80)
    prune(60, now=NOW)
    settings.SCRIPTING_KEEP_RESERVOIR = 20
    aged(script, 3, 200)
    prune(60, now=NOW)
    assert KeptExecution.objects.count() == len(with_payload()) == 20


def test_the_level_of_a_full_reservoir_leaves_small_kinds_whole() -> None:
    assert reservoir.level_of(Counter(a=5, b=100, c=300), 60) == 27
    assert reservoir.level_of(Counter(a=5), 60) == 5
    assert reservoir.level_of(Counter(), 60) == 0


def test_numbers_are_even() -> None:
    dice = random.Random(1)
    ids = [reservoir.UUID(int=dice.getrandbits(128)) for _ in range(2000)]
    share = sum(reservoir.number_of(one) < 1 << 61 for one in ids) / len(ids)
    assert 0.46 < share < 0.54
