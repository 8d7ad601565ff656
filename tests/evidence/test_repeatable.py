"""The daily check finds a decision that comes out otherwise than recorded, says so everywhere, and is quiet where all is well."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from scripting.models import Execution, RepeatCheck, Script
from scripting.sandbox.protocol import encode_value
from tests.commands.conftest import manage
from tests.evidence.recorded import hits, record
from tests.support.arena import Arena, make_script

__all__ = ["manage"]

EVENTS = 20


def overview_and_dashboard() -> list[str]:
    user, _ = User.objects.get_or_create(username="ada", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user)
    return [client.get(address).content.decode() for address in ("/admin/", "/admin/scripting/execution/figures/")]


@pytest.mark.slow
def test_all_that_the_live_versions_decided_comes_out_the_same(damage: Script, manage: Callable) -> None:
    record("wargame", "damage_calculator", "wargame.hit", hits(EVENTS))
    ran = manage("check_repeatable", "--json")
    assert ran.code == 0
    [found] = json.loads(ran.out)
    assert found == {
        "script": "wargame/damage_calculator",
        "events": EVENTS,
        "not_replayable": 0,
        "different": 0,
        "what": "",
        "execution": None,
    }
    assert all("cannot be repeated" not in page for page in overview_and_dashboard())


@pytest.mark.slow
def test_a_planted_difference_is_an_alarm_in_the_log_on_the_pages_and_by_the_exit(
    damage: Script, manage: Callable
) -> None:
    recorded = record("wargame", "damage_calculator", "wargame.hit", hits(EVENTS))
    planted = recorded[3]
    Execution.objects.filter(pk=planted.pk).update(result=encode_value(planted.result_value | {"damage": 1234}))
    ran = manage("check_repeatable", "wargame/damage_calculator", "--last", str(EVENTS))
    assert ran.code == 1
    assert "NOT REPEATABLE: wargame/damage_calculator: 1 of 20 came out otherwise" in ran.err
    logged = next(line for line in ran.err.splitlines() if "scripting.repeatability" in line)
    assert "NOT REPEATABLE: wargame/damage_calculator: 1 of 20 decisions of v1" in logged
    assert str(planted.pk) in logged
    for page in overview_and_dashboard():
        assert "1 of 20 decisions came out otherwise" in page
        assert str(planted.pk) in page
    Execution.objects.filter(pk=planted.pk).delete()
    assert manage("check_repeatable").code == 0
    assert RepeatCheck.objects.get().different == 0
    assert all("cannot be repeated" not in page for page in overview_and_dashboard())


def repeated(manage: Callable) -> list[tuple[str, int, int]]:
    ran = manage("check_repeatable", "--json")
    assert ran.code == 0, ran.err
    return [(each["script"], each["events"], each["different"]) for each in json.loads(ran.out)]


def test_reads_and_both_languages_are_checked_and_what_never_ran_is_left_out(
    arena: Arena, transactional_db: None, manage: Callable
) -> None:
    make_script("result = {'points': get_score() + int(rand() * 9)}")
    record("arena", "scorer", "arena.hit", [{"points": 1}] * 5, key="ada")
    assert repeated(manage) == [("arena/scorer", 5, 0)]
    make_script("result = {points: get_score() + int(rand() * 9)}", language="tengo")
    record("arena", "scorer", "arena.hit", [{"points": 1}] * 7, key="ada")
    make_script("result = 1\n", "idle", "arena")
    assert repeated(manage) == [("arena/scorer", 7, 0)], "those of its live version"
    assert manage("check_repeatable", "arena/nothing").code == 2
