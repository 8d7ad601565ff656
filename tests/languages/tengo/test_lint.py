"""Warnings of a check about Tengo: names, calls and fields, as in Python."""

from __future__ import annotations

import pytest

from tests.conformance.cases import Case, cases
from tests.languages.tengo.harness import tengo
from tests.sandbox.checks import INPUTS, check, told

DUEL = "duel := message.payload\nattacker := duel.attacker || {}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x := 1", ["-! `result` is never assigned: the run gives nothing"]),
        ('publish_event("a", {})', ["- `result` is never assigned: the run gives nothing"]),
        ("hit := func(a, b) { return a }\nresult := hit(1)", ["2! hit() is called without b"]),
        ("hit := func(a, b) { return a }\nresult := hit(1, 2, 3)", ["2! hit() takes 2, and 3 are given here"]),
        ("hit := func(a, ...rest) { return a }\nresult := hit(1) + hit(1, 2, 3) + hit([1]...)", []),
        ("result := state(1, 2)", ["1! state() takes 1, and 2 are given here"]),
        ("result := http_request || message_topic", []),
        ("return 5", ["1 `return` outside a function ends the script with this result; the original refuses it"]),
    ],
)  # fmt: skip
def test_names_and_calls_are_warned_of(text: str, expected: list[str]) -> None:
    assert told(check(text, "tengo")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("result := damge", "unresolved reference 'damge'"),
        ("f := func() { return damge }\nresult := 1", "unresolved reference 'damge'"),
        ("if topic == 1 { damge = 5 }\nresult := 1", "unresolved reference 'damge'"),
        ("result := event_id", "unresolved reference 'event_id'"),
        ("message := 5\nresult := message", "'message' redeclared in this block: it comes with the context"),
    ],
)
def test_what_the_original_does_not_compile_is_refused_where_the_names_are_known(text: str, expected: str) -> None:
    assert [(found.severity, found.message) for found in check(text, "tengo")] == [("error", expected)]
    assert [found.severity for found in check(text, "tengo", inputs=())] == ["warning"]


def test_a_context_variable_may_be_hidden_in_a_function_and_where_no_run_brings_it() -> None:
    assert check("f := func() { message := 5; return message }\nendpoint := f()\nresult := endpoint", "tengo") == []


def test_an_error_is_told_beyond_any_number_of_warnings() -> None:
    text = "f := func(a) { return a }\nresult := [" + "f(1, 2), " * 200 + "damge]"
    assert "unresolved reference 'damge'" in [found.message for found in check(text, "tengo")]


def test_a_run_of_a_stored_version_does_not_ask() -> None:
    ran = tengo("f := func() { return damge }\nresult := 1", inputs_of_check=INPUTS, warns=False)
    assert (ran.fault, ran.result) == (None, 1)


def test_a_warning_says_what_may_be_meant() -> None:
    hints = [check(f"damage := 1\nresult := {name}", "tengo")[0].hint for name in ("damge", "attacker", "math")]
    assert hints == [
        "did you mean damage?",
        'the payload has it: write message["payload"]["attacker"]',
        'write math := import("math") at the top',
    ]


@pytest.mark.parametrize(
    "text",
    [
        "result := attacker.armor",
        'result := attacker["armor"] || 0',
        "power := func(unit) { return unit.armor }\nresult := power(attacker) + power(duel.target)",
        "sum := 0\nfor unit in duel.near { sum += unit.armor }\nresult := sum",
        "result := get_context().message.payload.target.armor",
    ],
)
def test_a_field_that_the_payload_does_not_have_is_certain(text: str) -> None:
    (found,) = check(DUEL + text, "tengo")
    assert (found.certain, found.message) == (True, '"armor" is no field of Unit: it is never there')
    line = (DUEL + text).split("\n")[(found.line or 1) - 1]
    assert line[(found.column or 1) - 1 :].lstrip('"').startswith("armor")


@pytest.mark.parametrize(
    "text",
    [
        "attacker.armor = 1\nresult := attacker.armor",
        "result := duel.extra.armor",
        "attacker = {armor: 1}\nresult := state().armor",
        'dress := import("shared/dress")\ndress(attacker)\nresult := attacker.armor',
        'for name in ["armor"] { attacker[name] = 1 }\nresult := attacker.armor',
    ],
)
def test_nothing_is_said_of_fields_that_may_be_there(text: str) -> None:
    helpers = {"dress": "export func(unit) { unit.armor = 1 }"} if "dress" in text else {}
    assert told(check(DUEL + text, "tengo", helpers=helpers)) == []


@pytest.mark.parametrize("inputs", [(), INPUTS], ids=["unknown inputs", "known inputs"])
@pytest.mark.parametrize("case", [case for case in cases("tengo") if not case.error], ids=lambda case: case.name)
def test_nothing_is_certain_to_fail_in_a_script_that_runs(case: Case, inputs: tuple) -> None:
    if case.context and inputs:
        inputs = (type(INPUTS[0])("all", {**INPUTS[0].variables, **dict.fromkeys(case.context, ())}),)
    assert [line for line in told(check(case.text, "tengo", inputs=inputs)) if "!" in line.split(" ")[0]] == []
