"""Releases with cases and knobs: all of it in one transaction, each change held to the cases that come with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from scripting.evidence import cases, gate
from scripting.models import Script
from scripting.registry import knobs as registry_knobs
from scripting.registry.gate_policies import Mode, set_policy
from scripting.registry.moves import AtGate
from scripting.texts import case_text
from tests.api.conftest import Machine
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)

TUNED = "bonus = 0  # knob 0..9: what is added\nresult = {'points': message['payload']['sides'] + bonus}\n"


def text(source: str) -> dict[str, Any]:
    return {"module": "chess_club", "name": "dice", "language": "python", "source": source}


def case(points: int, **more: Any) -> dict[str, Any]:
    document = {
        "event": {"topic": "chess_club.roll", "payload": {"sides": 6}},
        "expect": [{"at": "result.points", "equal": points}],
    }
    return {"module": "chess_club", "script": "dice", "name": "six", "case": document, **more}


def dice() -> Script:
    return Script.objects.select_related("active_version", "active_knobs").get(module="chess_club", name="dice")


@pytest.fixture
def gated(club: Game) -> None:
    set_policy("", "", actor=None, reason="cases must hold", mode=Mode.REQUIRE, max_changed=None)


def test_a_release_is_held_to_its_own_cases_and_its_values_and_keeps_nothing_where_they_do_not_hold(
    machine: Machine, gated: None
) -> None:
    knobs = [{"module": "chess_club", "name": "dice", "values": {"bonus": 2}}]
    refused = machine.post(
        "releases", {"reason": "two more", "scripts": [text(TUNED)], "knobs": knobs, "cases": [case(7)]}
    )
    assert refused.json()["code"] == "gate_closed", refused.json()
    assert "1 of 1 cases red: six" in refused.json()["detail"]
    assert (dice().active_knobs, dice().cases.count()) == (None, 0)
    made = machine.post(
        "releases", {"reason": "two more", "scripts": [text(TUNED)], "knobs": knobs, "cases": [case(8)]}
    )
    assert made.status_code == 200, made.json()
    assert dice().active_knobs is not None
    assert dice().active_knobs.values == {"bonus": 2}
    assert [(each.name, each.user) for each in dice().cases.kept()] == [("six", "ada")]
    [evidence] = dice().activations.latest("id").evidence.all()
    assert (evidence.cases, evidence.red) == (1, [])


def test_a_case_that_a_release_takes_away_binds_it_no_longer_and_one_changed_meanwhile_is_not_overwritten(
    machine: Machine, gated: None
) -> None:
    kept = cases.add(dice(), "six", case_text.from_plain(case(6)["case"]), user="bo")
    document = {"reason": "five", "scripts": [text("result = {'points': 5}\n")]}
    assert machine.post("releases", document).json()["code"] == "gate_closed"
    stale = machine.post("releases", {**document, "cases": [case(5, base="0" * 64)]})
    assert (stale.status_code, "was changed meanwhile" in stale.json()["detail"]) == (409, True)
    gone = machine.post("releases", {**document, "cases": [case(0, case=None, base=kept.digest)]})
    assert gone.status_code == 200, gone.json()
    assert not dice().cases.kept().exists()


def test_knobs_and_cases_go_live_without_a_text_and_what_does_not_fit_is_said(machine: Machine, club: Game) -> None:
    machine.post("releases", {"reason": "a knob", "scripts": [text(TUNED)]})
    knobs = {"module": "chess_club", "name": "dice", "values": {"bonus": 3}}
    assert machine.post("releases", {"reason": "three", "knobs": [knobs], "cases": [case(9)]}).status_code == 200
    assert dice().active_knobs is not None
    again = machine.post("releases", {"reason": "three", "knobs": [knobs]})
    assert again.status_code == 200, "it is so already"
    wrong = machine.post("releases", {"reason": "x", "knobs": [{**knobs, "values": {"bonus": 99, "malus": 1}}]})
    assert (wrong.json()["code"], set(wrong.json()["problems"])) == ("values", {"bonus", "malus"})
    assert machine.post("releases", {"reason": "x"}).json()["code"] == "empty"
    assert machine.post("releases", {"reason": "x", "cases": [case(9), case(8)]}).json()["code"] == "doubled"


def test_cases_are_decided_by_what_is_live_where_no_text_comes_along_within_the_limits_of_the_script(
    machine: Machine, club: Game
) -> None:
    machine.post(
        "releases",
        {"reason": "six", "scripts": [text("n = 0\nwhile n < 3_000_000:\n    n += 1\nresult = {'points': 6}\n")]},
    )
    Script.objects.filter(pk=dice().pk).update(max_execution_time=0.01)
    for cases_sent, passed in (([case(6)], False), ([case(6)], True)):
        answer = machine.post("tests", {"cases": cases_sent})
        assert (answer.status_code, [each["passed"] for each in answer.json()]) == (200, [passed]), answer.json()
        Script.objects.filter(pk=dice().pk).update(max_execution_time=None)


def test_values_that_somebody_sets_while_a_release_is_replayed_are_not_overwritten_and_who_set_them_is_told(
    machine: Machine, gated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine.post("releases", {"reason": "a knob", "scripts": [text(TUNED)]}).status_code == 200
    grace = User.objects.create_superuser("grace")
    replayed = gate.weigh

    def set_meanwhile(*changes: Any, **how: Any) -> Any:
        if dice().active_knobs is None:
            urgent = AtGate("a festival")
            registry_knobs.publish(dice(), {"bonus": 5}, actor=grace, reason="harvest festival", at_gate=urgent)
        return replayed(*changes, **how)

    cases.add(dice(), "six", case_text.from_plain(case(9)["case"]), user="bo")
    wanted = {"module": "chess_club", "name": "dice", "values": {"bonus": 3}}
    monkeypatch.setattr(gate, "weigh", set_meanwhile)
    refused = machine.post("releases", {"reason": "three", "knobs": [wanted]})
    monkeypatch.undo()
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_base"), refused.json()
    assert "were set meanwhile (bonus = 5 by grace: harvest festival)" in refused.json()["detail"]
    live = dice().active_knobs
    assert live is not None
    assert live.values == {"bonus": 5}

    # A client that says what it saw is refused before anything is replayed, and goes over what it has seen.
    stale = machine.post("releases", {"reason": "three", "knobs": [{**wanted, "base": ""}]})
    assert (stale.status_code, "by grace" in stale.json()["detail"]) == (409, True)
    seen = machine.get("scripts/chess_club/dice").json()["knobs_digest"]
    assert machine.post("releases", {"reason": "three", "knobs": [{**wanted, "base": seen}]}).status_code == 200
    live = dice().active_knobs
    assert live is not None
    assert live.values == {"bonus": 3}
