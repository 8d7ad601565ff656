"""A replay decides what happened again by another text: every difference is found, counted and named."""

from __future__ import annotations

import os
import signal
import time
from typing import Annotated, Any

import msgspec
import pytest

from scripting.bus.publishing import publish
from scripting.evidence.corpus import Selection, resolve
from scripting.evidence.decide import Decider, Given, given
from scripting.evidence.replays import candidate_of, live_bundle, replay
from scripting.models import Execution, Script
from scripting.modules.calls import CallContext, EffectRefused
from scripting.modules.installed import limits_for, modules
from scripting.modules.scriptable import ExposedFunction
from scripting.registry.active import registry
from scripting.runtime.host_calls import RecordedHost
from scripting.runtime.pool import get_pool
from scripting.workers.worker import ScriptWorker
from tests.evidence.recorded import hits, record
from tests.support.arena import Arena, make_script

EVENTS = 300


@pytest.fixture
def recorded(damage: Script) -> list[Execution]:
    return record("wargame", "damage_calculator", "wargame.hit", hits(EVENTS))


def against(script: Script, text: str, selection: Selection = Selection(last=EVENTS)) -> dict[str, Any]:  # noqa: B008
    return replay(resolve(script, selection), candidate_of(script, text, "python"))


def live_text(script: Script) -> str:
    assert script.active_version is not None
    return script.active_version.text


def with_rule(script: Script, rule: str) -> str:
    """The live text followed by one more rule."""
    return f"{live_text(script)}\nhit = message['payload']\n{rule}\n"


@pytest.mark.slow
def test_the_live_version_decides_its_own_record_alike(damage: Script, recorded: list[Execution]) -> None:
    found = replay(resolve(damage, Selection(last=EVENTS)), live_bundle(damage))
    assert (found["events"], found["same"]) == (EVENTS, EVENTS)


@pytest.mark.slow
def test_exactly_the_events_change_that_the_rule_touches(damage: Script, recorded: list[Execution]) -> None:
    """An independent computation says which: the recorded damage, doubled for artillery on infantry."""
    rule = "if hit['attacker']['kind'] == 'artillery' and hit['target']['kind'] == 'infantry':\n    result['damage'] = min(10000, result['damage'] * 2)"  # fmt: skip
    found = against(damage, with_rule(damage, rule))
    expected = {}
    for execution in recorded:
        payload, result = execution.inputs_value["message"]["payload"], execution.result_value
        if (payload["attacker"]["kind"], payload["target"]["kind"]) == ("artillery", "infantry") and result["damage"]:
            expected[str(execution.pk)] = result["damage"]
    assert 0 < len(expected) < EVENTS
    assert (found["changed"], found["same"]) == (len(expected), EVENTS - len(expected))
    assert {change["execution"] for change in found["changes"]} == set(expected)
    difference = found["fields"]["damage"]
    assert difference["difference"] == pytest.approx(sum(expected.values()) / EVENTS)
    assert difference["low"] < difference["difference"] < difference["high"]
    first = found["where"][0]
    assert first["fields"] == {"attacker.kind": "artillery", "target.kind": "infantry"}
    assert first["changed"] == len(expected)
    assert (found["table"]["rows"], found["table"]["columns"]) == ("attacker.kind", "target.kind")
    assert first["percent"] == pytest.approx(100)


@pytest.mark.slow
def test_a_change_by_the_dice_alone_is_put_down_to_no_field(damage: Script, recorded: list[Execution]) -> None:
    text = live_text(damage).replace("CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 0.50")
    found = against(damage, text)
    assert found["changed"] > 50
    assert found["where"] == []


@pytest.mark.slow
def test_what_fails_for_some_events_only_is_counted_with_its_line(damage: Script, recorded: list[Execution]) -> None:
    scouts = sum(each.inputs_value["message"]["payload"]["attacker"]["kind"] == "scouts" for each in recorded)
    rule = "if hit['attacker']['kind'] == 'scouts':\n    result = hit['no such field']"
    text = with_rule(damage, rule)
    found = against(damage, text)
    assert (found["failing"], found["same"]) == (scouts, EVENTS - scouts)
    [failure] = found["failures"]
    assert failure["events"] == scouts
    assert failure["where"] == f"line {len(text.splitlines())}"
    assert "no such field" in failure["message"]


@pytest.mark.slow
def test_what_the_game_would_refuse_is_a_class_of_its_own(damage: Script, recorded: list[Execution]) -> None:
    found = against(damage, with_rule(damage, "result['damage'] = 'much'"))
    assert found["refused"] == EVENTS
    assert "must be a number" in found["failures"][0]["message"]


@pytest.mark.slow
def test_a_loop_without_end_on_one_event_costs_its_limit_and_no_more(damage: Script, recorded: list[Execution]) -> None:
    chosen = recorded[7].inputs_value["event_id"]
    damage.max_execution_time = 0.2
    damage.save()
    registry.forget()
    rule = f"if event_id == {chosen!r}:\n    while True: pass"
    found = against(damage, with_rule(damage, rule))
    assert (found["failing"], found["same"]) == (1, EVENTS - 1)
    assert found["changes"][0]["execution"] == str(recorded[7].pk)


def test_time_that_the_machine_took_is_not_held_against_a_text(damage: Script, recorded: list[Execution]) -> None:
    damage.max_execution_time = 0.3
    damage.save()
    decider = Decider(live_bundle(damage), limits_for("wargame", **damage.limit_changes()), modules.get("wargame"))
    event = given(recorded[0], [])
    assert isinstance(event, Given)
    assert not decider.decide(event).failed
    warm = {box.pid for box in get_pool().stats().sandboxes}
    for pid in warm:
        os.kill(pid, signal.SIGSTOP)
    assert not decider.decide(event).failed
    stopped = warm & {box.pid for box in get_pool().stats().sandboxes}
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    assert stopped != warm, "the first try ended with its sandbox"


def test_time_that_our_own_answers_took_is_not_held_against_a_text(
    damage: Script, recorded: list[Execution], monkeypatch: pytest.MonkeyPatch
) -> None:
    damage.max_execution_time = 0.2
    bundle = candidate_of(damage, with_rule(damage, "publish_event('wargame.hit', hit)"), "python")
    decider = Decider(bundle, limits_for("wargame", **damage.limit_changes()), modules.get("wargame"))
    answer, held_up = RecordedHost._answer, [0.3]

    def late(host: RecordedHost, function: ExposedFunction, raw: bytes) -> bytes:
        time.sleep(held_up.pop() if held_up else 0)
        return answer(host, function, raw)

    monkeypatch.setattr(RecordedHost, "_answer", late)
    event = given(recorded[0], [])
    assert isinstance(event, Given)
    assert not decider.decide(event).failed
    assert not held_up, "the first try was out of time"


@pytest.mark.slow
def test_another_log_alone_is_counted_and_changes_no_decision(damage: Script, recorded: list[Execution]) -> None:
    found = against(damage, with_rule(damage, "log('another line')"))
    assert (found["same"], found["only_log"]) == (EVENTS, EVENTS)


@pytest.mark.slow
def test_a_draft_that_always_loops_ends_with_its_time_and_says_what_was_left_out(
    damage: Script, recorded: list[Execution]
) -> None:
    damage.max_execution_time = 0.2
    damage.save()
    registry.forget()
    corpus = resolve(damage, Selection(last=EVENTS))
    found = replay(corpus, candidate_of(damage, "while True: pass\nresult = 1\n", "python"), seconds=0.5)
    assert found["not_replayable"] >= 1
    assert found["failing"] + found["not_replayable"] == EVENTS
    assert found["reasons"] == [{"reason": "the time of the replay was up", "events": found["not_replayable"]}]
    assert not found["complete"]
    assert found["sentence"].endswith(f" (its time was up after {found['failing']} of {EVENTS})")


def test_a_result_that_is_never_applied_is_refused_by_nobody(arena: Arena, transactional_db: None) -> None:
    script = make_script("result = {'points': 1}")
    record("arena", "scorer", "arena.hit", [{"points": 1}], key="ada")
    arena.applies = lambda context: False  # type: ignore[method-assign]
    found = against(script, "result = {'points': 100000}")
    assert (found["refused"], found["changed"]) == (0, 1)


def test_a_draft_that_fixes_what_failed_is_said_to(damage: Script) -> None:
    shipped = live_text(damage)
    make_script("result = 1 / 0", "damage_calculator", "wargame")
    registry.forget()
    failed = record("wargame", "damage_calculator", "wargame.hit", hits(10))
    assert {each.status for each in failed} == {"fell_back"}
    found = against(damage, shipped)
    assert (found["events"], found["fixed"]) == (10, 10)


@pytest.mark.slow
def test_executions_whose_inputs_are_gone_are_counted_and_not_guessed(
    damage: Script, recorded: list[Execution]
) -> None:
    Execution.objects.filter(pk__in=[each.pk for each in recorded[:40]]).update(inputs=b"")
    found = replay(resolve(damage, Selection(last=EVENTS)), live_bundle(damage))
    assert (found["not_replayable"], found["same"]) == (40, EVENTS - 40)
    assert found["reasons"] == [{"reason": "its inputs were deleted by retention", "events": 40}]


def test_a_read_is_answered_from_the_recording_and_a_new_one_leaves_it(arena: Arena, transactional_db: None) -> None:
    script = make_script("result = {'points': get_score()}")
    record("arena", "scorer", "arena.hit", [{"points": 1}] * 5, key="ada")
    again = against(script, "log('new')\nresult = {'points': get_score()}")
    assert (again["same"], again["left"]) == (5, 0)
    other = against(script, "result = {'points': get_rival('bob')}")
    assert (other["left"], other["same"], other["failing"]) == (5, 0, 0)
    assert other["reasons"] == [{"reason": "left the recording at call 1: get_rival()", "events": 5}]


def test_an_event_that_a_draft_newly_publishes_is_a_change_and_is_not_published(
    arena: Arena, transactional_db: None
) -> None:
    script = make_script("result = {'points': 1}")
    record("arena", "scorer", "arena.hit", [{"points": 1}] * 5, key="ada")
    before = Execution.objects.count()
    text = "publish_event('arena.unheard', {'points': 1})\nresult = {'points': 1}"
    found = against(script, text)
    assert (found["changed"], found["same"]) == (5, 0)
    assert found["changes"][0]["effects"] == [[], ["publish_event"]]
    assert Execution.objects.count() == before


class Points(msgspec.Struct):
    points: Annotated[int, msgspec.Meta(le=100)]


def test_a_result_that_fits_not_its_schema_is_refused_by_replay_and_game_alike(
    arena: Arena, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Arena, "results", {"scorer": Points})
    script = make_script("result = {'points': 1}")
    record("arena", "scorer", "arena.hit", [{"points": 1}], key="ada")
    found = against(script, "result = {'points': 'much'}")
    assert found["refused"] == 1
    assert found["failures"][0]["message"] == "the result.points must be int, not str"
    assert against(script, "result = {'points': 101}")["refused"] == 1
    call = CallContext("arena", "scorer", "1", topic="arena.hit", key="ada")
    with pytest.raises(EffectRefused, match=r"result\.points must be int, not str"):
        arena.demand_admissible(call, {"points": "much"})
    make_script("result = {'points': 'much'}")
    registry.forget()
    publish("arena.hit", {"points": 1}, key="ada")
    assert ScriptWorker("one").work_once(None)
    refused = Execution.objects.order_by("-id").first()
    assert refused is not None
    assert "the result.points must be int, not str" in refused.error_message
