"""Values of knobs are versions like any other: stored, activated, recorded, rolled back, repeated."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from scripting.engine import get_engine
from scripting.execution.replay import replay
from scripting.models import Execution, KnobSet, Script
from scripting.registry import knobs, publishing
from scripting.registry.knobs import ValuesRefused
from scripting.registry.moves import AlreadyActive, AnyBase, PublishRefused, StaleBase
from scripting.registry.reading import load, recorded
from scripting.types import ExecutionRequest, ScriptInput
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)

KEY = ("arena", "scorer")
TEXTS = {
    "python": "points = 1  # knob 0..100: what a hit is worth\nresult = {'points': points}\n",
    "tengo": "points := 1  // knob 0..100: what a hit is worth\nresult := {points: points}\n",
    "zygomys": "(def points 1)  // knob 0..100: what a hit is worth\n(hash points: points)\n",
}


def hit() -> Execution:
    """Run the script on an event."""
    request = ExecutionRequest(*KEY, ScriptInput({}), trigger="event", key="ada")
    return Execution.objects.get(pk=get_engine().execute(request).execution_id)


def points(execution: Execution) -> int:
    return int(execution.result_value["points"])


def tune(script: Script, value: object, **more: object) -> KnobSet | None:
    return knobs.publish(script, {"points": value}, actor=None, reason="a reason", **more).knobs  # type: ignore[arg-type,dict-item]


@pytest.mark.parametrize("language", TEXTS)
def test_an_event_is_decided_by_the_values_and_an_old_execution_is_repeated_with_its_own(
    arena: Arena, language: str
) -> None:
    script = make_script(TEXTS[language], language=language)
    runs = [hit()]
    for value in (5, 9):
        tune(script, value)
        runs.append(hit())
    assert [points(run) for run in runs] == [1, 5, 9]
    assert len({run.bundle_digest for run in runs}) == 3
    assert {run.version_id for run in runs} == {script.active_version_id}, "one text"
    for run, value in zip(runs, (None, 5, 9), strict=True):
        assert dict(recorded(run).bundle.script.knobs) == ({} if value is None else {"points": value})
        again = replay(str(run.pk))
        assert again.identical, again.differences


def test_a_set_records_who_why_and_its_number_and_never_changes(arena: Arena) -> None:
    ada = get_user_model().objects.create_user("ada")
    script = make_script(TEXTS["python"])
    activation = knobs.publish(script, {"points": 5}, actor=ada, reason="too little")
    assert activation.knobs is not None
    assert (activation.version, activation.actor, activation.reason) == (script.active_version, ada, "too little")
    kept = activation.knobs
    assert (kept.number, kept.values, kept.author, kept.message) == (1, {"points": 5}, ada, "too little")
    assert str(activation) == "arena/scorer v1, knobs 1 (publish)"
    latest = script.history.latest()
    assert (latest.history_user, latest.history_change_reason, latest.active_knobs) == (
        ada,
        "publish: too little",
        kept,
    )
    with pytest.raises(ValidationError):
        kept.save()
    tune(script, 6)
    again = tune(script, 5)
    assert again == kept, "equal values are one set"


def test_rolling_back_activates_an_old_set_and_0_the_defaults(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    tune(script, 5)
    tune(script, 9)
    knobs.rollback(script, 1, actor=None, reason="too much")
    assert points(hit()) == 5
    knobs.rollback(script, 0, actor=None, reason="as it was")
    assert points(hit()) == 1
    with pytest.raises(PublishRefused, match="has no knobs 7"):
        knobs.rollback(script, 7, actor=None, reason="a guess")


def test_the_default_is_no_value_of_its_own(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    before = load([KEY])[KEY].active.bundle.digest
    tune(script, 5)
    reset = tune(script, 1)
    assert reset is not None
    assert reset.values == {}
    assert load([KEY])[KEY].active.bundle.digest == before, "so that what was recorded before is known to be the same"


@pytest.mark.parametrize("value", [101, -1, 1.5, "5", True, float("nan"), 10**30, None, [1]])
def test_bounds_hold_whoever_asks(arena: Arena, value: object) -> None:
    script = make_script(TEXTS["python"])
    with pytest.raises(ValuesRefused) as refused:
        tune(script, value)
    assert set(refused.value.problems) == {"points"}
    with pytest.raises(ValuesRefused, match="nobody is no knob of this script"):
        knobs.publish(script, {"nobody": 1}, actor=None, reason="a guess")
    assert not KnobSet.objects.exists()


def test_two_people_do_not_overwrite_each_other(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    tune(script, 5, base=None)
    with pytest.raises(StaleBase, match="the knobs of arena/scorer were set meanwhile"):
        tune(script, 6, base=None)
    with pytest.raises(AlreadyActive, match="set so already"):
        tune(script, 5)
    other = Script.objects.get(pk=script.pk)
    make_script(TEXTS["python"] + "# more\n")
    with pytest.raises(StaleBase, match="the text of arena/scorer was changed meanwhile"):
        tune(other, 6)


def test_a_new_text_keeps_the_values_that_fit_and_says_which_do_not(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    kept = tune(script, 50)
    wider = TEXTS["python"].replace("0..100", "0..200")
    narrow = TEXTS["python"].replace("0..100", "0..10")
    gone = "result = {'points': 3}\n"
    assert publishing.check(*KEY, "python", wider).diagnostics == ()
    [finding] = publishing.check(*KEY, "python", narrow).diagnostics
    assert (finding.severity, finding.line) == ("warning", 1)
    assert "the value 50 that is set for points is not between 0 and 10: the default 1 is taken" in finding.message
    [finding] = publishing.check(*KEY, "python", gone).diagnostics
    assert "the text has no knob points: the value 50 that is set for it is not taken" in finding.message
    for text, decided in ((wider, 50), (narrow, 1), (gone, 3), (TEXTS["python"], 50)):
        activation = publishing.publish(script, "python", text, actor=None, reason="a reason", base=AnyBase)
        assert activation.knobs == kept
        assert points(hit()) == decided


def test_what_fails_by_a_value_falls_back_to_what_did_well_with_its_own_values(arena: Arena) -> None:
    text = "part = 2  # knob 0..10: divides\nresult = {'points': 100 // part}\n"
    script = make_script(text)
    knobs.publish(script, {"part": 5}, actor=None, reason="less")
    assert points(hit()) == 20
    script = make_script(text + "# more\n")
    knobs.publish(script, {"part": 0}, actor=None, reason="a mistake")
    run = hit()
    assert (run.status, points(run)) == ("fell_back", 20)
    assert recorded(run).info.number == 1
    assert dict(recorded(run).bundle.script.knobs) == {"part": 5}


def test_the_values_of_a_helper_are_part_of_every_bundle_that_imports_it(arena: Arena) -> None:
    helper = make_script("SIDES = 6  # knob 2..20: of the die\ndef roll():\n    return SIDES\n", "dice", "shared")
    make_script("from shared.dice import roll\nresult = {'points': roll()}\n")
    runs = [hit()]
    knobs.publish(helper, {"SIDES": 20}, actor=None, reason="more")
    runs.append(hit())
    assert [points(run) for run in runs] == [6, 20]
    assert all(replay(str(run.pk)).identical for run in runs)
