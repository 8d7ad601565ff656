"""A case says what must hold for a script's outcome on given inputs, and is decided by any text of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripting.evidence.cases import NO_TIME, NameTaken, add, cases_digest, change, red_cases, remove, run_cases
from scripting.evidence.replays import candidate_of, live_bundle
from scripting.models import Script
from scripting.texts import case_text
from scripting.texts.case_text import CaseProblem
from tests.support.arena import Arena, make_script

SCORER = "result = {'points': get_score() + message['payload']['points'], 'rival': get_rival('ada')}\naward(points=2)\nlog('scored')\n"
HIT = {"topic": "arena.hit", "payload": {"points": 3}, "key": "1"}
READS = [{"function": "get_score", "arguments": {}, "answer": 10}, {"function": "get_rival", "answer": 7}]


@pytest.fixture
def scorer(arena: Arena, transactional_db: None) -> Script:
    return make_script(SCORER)


def keep(script: Script, name: str, expect: list[dict[str, Any]], **more: Any) -> None:
    document = {"event": HIT, "reads": READS, "expect": expect} | more
    add(script, name, case_text.decode(json.dumps(document)), user="ada")


def reds(script: Script, text: str = SCORER) -> dict[str, str]:
    return {each.name: each.message for each in red_cases(script, candidate_of(script, text, "python"))}


def test_every_kind_of_expectation_holds_for_what_it_allows_and_names_what_came_else(scorer: Script) -> None:
    keep(scorer, "exact", [{"at": "result", "equal": {"points": 13, "rival": 7}}])
    keep(scorer, "about", [{"at": "result", "equal": {"points": 12.6, "rival": 7.3}, "within": 0.5}])
    keep(
        scorer, "bounds", [{"at": "result.points", "between": [13, None]}, {"at": "result.rival", "between": [None, 7]}]
    )
    keep(scorer, "effects", [{"at": "effects", "equal": [{"name": "award", "arguments": {"points": 2}}]}])
    keep(scorer, "log", [{"at": "log[0]", "equal": "scored"}])
    keep(scorer, "class", [{"at": "outcome", "equal": "succeeds"}])
    assert reds(scorer) == {}
    assert reds(scorer, SCORER.replace("get_score() +", "5 * get_score() +")) == {
        "about": "result.points: expected 12.6 ±0.5, got 53",
        "exact": "result.points: expected 13, got 53",
    }
    other = SCORER.replace("get_score() +", "").replace("points=2", "points=3").replace("scored", "done")
    assert reds(scorer, other) == {
        "about": "result.points: expected 12.6 ±0.5, got 3",
        "bounds": "result.points: expected 13 or more, got 3",
        "effects": "effects[0].arguments.points: expected 2, got 3",
        "exact": "result.points: expected 13, got 3",
        "log": 'log[0]: expected "scored", got "done"',
    }


def test_a_run_that_fails_is_refused_or_asks_for_more_is_told_in_words(scorer: Script) -> None:
    keep(scorer, "points", [{"at": "result.points", "equal": 13}])
    assert (
        reds(scorer, "award(points=2)\nx = 1 / 0\n")["points"]
        == "it fails at line 2: ZeroDivisionError: division by zero"
    )
    refused = reds(scorer, "result = {'points': 5000}\n")["points"]
    assert refused.startswith("the game would refuse this: points must be a whole number")
    assert refused.endswith("result.points: expected 13, got 5000")
    script = scorer.cases.get()
    change(script, case_text.decode(json.dumps({"event": HIT})), user="ada")
    assert reds(scorer)["points"] == "it asks for what the case does not answer, at call 1: get_score()"


def test_a_failure_may_be_what_is_expected(scorer: Script) -> None:
    keep(scorer, "fails", [{"at": "error.type", "equal": "execution"}])
    assert reds(scorer, "result = 1 / 0\n") == {}
    assert reds(scorer) == {
        "fails": 'outcome: expected "fails", got "succeeds"; error.type: expected "execution", got nothing'
    }


def test_whole_numbers_are_exact_to_the_last_digit_and_bytes_stay_bytes(scorer: Script) -> None:
    big = (1 << 63) - 1
    expect = [{"at": "result", "equal": {"n": big, "b": {"$bytes": "aGk="}}}]
    add(scorer, "exact", case_text.decode(json.dumps({"inputs": {"n": big, "b": {"$bytes": "aGk="}}, "expect": expect})), user="ada")  # fmt: skip
    assert reds(scorer, "result = {'n': n, 'b': b}\n") == {}
    assert reds(scorer, "result = {'n': n - 1, 'b': b}\n") == {"exact": f"result.n: expected {big}, got {big - 1}"}


def test_dice_and_clock_are_those_of_the_case(scorer: Script) -> None:
    text = "result = {'dice': rand(), 'now': timestamp()}\n"
    bundle = candidate_of(scorer, text, "python")
    add(scorer, "dice", case_text.decode('{"seed": 7, "clock_us": 1700000000000000, "expect": [{"at": "result.now", "equal": 1700000000}]}'), user="")  # fmt: skip
    one, two = run_cases(scorer, bundle), run_cases(scorer, bundle)
    assert one[0].passed
    assert one[0].came == two[0].came


def test_the_digest_changes_with_every_case_added_changed_or_deleted(scorer: Script) -> None:
    seen = {cases_digest(scorer)}
    keep(scorer, "one", [{"at": "outcome", "equal": "succeeds"}])
    seen.add(cases_digest(scorer))
    keep(scorer, "two", [{"at": "outcome", "equal": "succeeds"}])
    seen.add(cases_digest(scorer))
    two = scorer.cases.get(name="two")
    change(two, case_text.decode('{"expect": [{"at": "result", "equal": 1}]}'), user="ada")
    seen.add(cases_digest(scorer))
    before = cases_digest(scorer)
    change(two, case_text.decode('{"expect": [{"equal": 1, "at": "result"}], "seed": 0}'), user="bo")
    assert cases_digest(scorer) == before  # the same case, written otherwise
    remove(two, user="ada")
    assert len(seen) == 4
    assert cases_digest(scorer) in seen
    with pytest.raises(NameTaken, match="choose another name"):
        keep(scorer, "one", [])


def test_what_does_not_fit_the_game_is_red_and_says_so(scorer: Script) -> None:
    keep(scorer, "unread", [], reads=[{"function": "get_weather", "answer": 1}])
    keep(scorer, "misfit", [], event={"topic": "arena.hit", "payload": {"points": "three"}})
    found = reds(scorer)
    assert found["unread"].startswith("the case does not fit: reads[0].function: arena has no function get_weather")
    assert found["misfit"].startswith("the case does not fit: event.payload: ")


def test_after_its_time_the_rest_is_red(scorer: Script) -> None:
    keep(scorer, "one", [])
    assert [each.message for each in red_cases(scorer, live_bundle(scorer), seconds=-1)] == [NO_TIME]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "line 1, column 2: Expecting property name"),
        ('{"sed": 1}', "Object contains unknown field `sed`"),
        ('{"seed": 9223372036854775808}', "seed: Expected `int` <= 9223372036854775807"),
        ('{"inputs": {"n": 9223372036854775808}}', 'inputs["n"]: is an integer beyond 64 bits'),
        ('{"inputs": {"a": 1, "a": 2}}', '"a" stands twice in one object'),
        ('{"inputs": {"a": NaN}}', "NaN is no number of JSON"),
        ('{"event": {"topic": "x"}, "inputs": {}}', "inputs: give one of event and inputs"),
        ('{"expect": [{"at": "points", "equal": 1}]}', "expect[0].at: a place begins with one of outcome, result"),
        ('{"expect": [{"at": "result..x", "equal": 1}]}', "expect[0].at: write result.name"),
        ('{"expect": [{"at": "result"}]}', "expect[0]: give one of equal and between"),
        ('{"expect": [{"at": "result", "between": [2, 1]}]}', "expect[0].between: 2 is more than 1"),
        ('{"expect": [{"at": "outcome", "equal": "fine"}]}', "expect[0].equal: an outcome is one of succeeds"),
    ],
)
def test_a_text_that_is_no_case_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(CaseProblem) as refused:
        case_text.decode(text)
    assert str(refused.value).startswith(problem)


def test_a_case_has_one_text_whatever_the_order_in_which_it_was_written() -> None:
    one = case_text.decode('{"seed": 1, "inputs": {"b": 1, "a": 2}, "expect": [{"equal": {"d": 1, "c": 2}, "at": "result"}]}')  # fmt: skip
    two = case_text.decode('{"expect": [{"at": "result", "equal": {"c": 2, "d": 1}}], "inputs": {"b": 1, "a": 2}, "seed": 1}')  # fmt: skip
    text = case_text.encode(one)
    assert text == case_text.encode(two)
    assert text.index('"b"') < text.index('"a"')  # what a script can see keeps its order
    assert case_text.encode(case_text.decode(text)) == text
    assert text.endswith("}\n")
