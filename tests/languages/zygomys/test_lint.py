"""Warnings of a check about Zygomys: fields that no payload has."""

from __future__ import annotations

import pytest

from tests.conformance.cases import Case, cases
from tests.sandbox.checks import INPUTS, check, told

DUEL = "(def duel (:payload message))\n(def attacker (:attacker duel))\n"


@pytest.mark.parametrize(
    "text",
    [
        "(:armor attacker 0)",
        "attacker.armor",
        "(hget attacker %armor)",
        "(defn power [unit] (:armor unit 0))\n(power (:target duel))",
        "(:armor (:target (:payload (:message (get_context)))))",
    ],
)
def test_a_field_that_the_payload_does_not_have_is_certain(text: str) -> None:
    (found,) = check(DUEL + text, "zygomys")
    assert (found.certain, found.message) == (True, '"armor" is no field of Unit: it is never there')
    assert found.hint == "did you mean armour?"


@pytest.mark.parametrize(
    "text",
    [
        "(hset attacker armor: 1)\n(:armor attacker)",
        "{attacker.armor = 1}\n(:armor attacker)",
        "(def attacker (hash armor: 1))\n(:armor attacker)",
        "(:armor (:extra duel))",
        "(:armour attacker)",
        "(defn power [unit] (:armor unit 0))\n(map power [(hash armor: 1)])",
    ],
)
def test_nothing_is_said_of_fields_that_may_be_there(text: str) -> None:
    assert [line for line in told(check(DUEL + text, "zygomys")) if "armor" in line] == []


@pytest.mark.parametrize("case", [case for case in cases("zygomys") if not case.error], ids=lambda case: case.name)
def test_nothing_is_certain_to_fail_in_a_script_that_runs(case: Case) -> None:
    inputs = (type(INPUTS[0])("all", {**INPUTS[0].variables, **dict.fromkeys(case.context or {}, ())}),)
    assert [line for line in told(check(case.text, "zygomys", inputs=inputs)) if "!" in line.split(" ")[0]] == []


@pytest.mark.parametrize(
    "case", [case for case in cases("zygomys") if "infix" in case.name], ids=lambda case: case.name
)
def test_names_that_infix_blocks_define_are_defined(case: Case) -> None:
    assert case.error or told(check(case.text, "zygomys")) == []
