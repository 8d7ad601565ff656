"""Completion and hover help say what the sandbox itself offers, so that they cannot drift from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripting.engine import get_engine
from scripting.models import Script
from scripting.sandbox.protocol import SCRIPT_FUNCTIONS
from scripting.supervisor.offered import offered
from scripting.types import ScriptInput
from scripting.workbench import inputs
from scripting.workbench.completion import namespace
from tests.support.arena import arena_registered, make_script

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def script() -> Iterator[Script]:
    with arena_registered():
        yield make_script("result = 1\n")


def run(source: str, **context: object) -> object:
    output = get_engine().execute_source(source, input=ScriptInput(context), module_name="arena")
    assert output.error is None, output.error
    return output.result


@pytest.mark.slow
def test_every_name_that_help_lists_is_there_in_a_real_run(script: Script) -> None:
    names = namespace(script, "python")
    listed = [entry["name"] for entry in names["builtins"] + names["functions"]]
    assert run(f"{'; '.join(f'x = {name}' for name in listed)}\nresult = {len(listed)}\n") == len(listed)
    for package, members in names["packages"].items():
        used = "\n".join(f"x = {package}.{member['name']}" for member in members)
        assert run(f"import {package}\n{used}\nresult = True\n") is True


def test_what_help_does_not_list_a_script_does_not_have(script: Script) -> None:
    listed = {entry["name"] for entry in offered()["builtins"]}
    for name in ("open", "eval", "exec", "compile", "globals", "input", "breakpoint", "vars"):
        assert name not in listed
        assert get_engine().check(f"x = {name}\nresult = 1\n", module_name="arena").diagnostics != ()


def test_functions_are_those_of_every_script_and_of_the_module(script: Script) -> None:
    functions = {entry["name"]: entry for entry in namespace(script, "python")["functions"]}
    assert set(SCRIPT_FUNCTIONS) | {"double", "award", "get_score"} <= set(functions)
    assert functions["double"]["signature"] == "double(points: int) -> int"
    assert functions["award"]["kind"] == "effect"
    assert functions["double"]["doc"] == "Twice the points."


def test_context_variables_are_those_that_a_run_on_the_example_gets(script: Script) -> None:
    source = next(one for one in inputs.sources(script) if one.key == "topic:arena.hit")
    context = inputs.example_context(script, source)
    variables = {entry["name"]: entry for entry in namespace(script, "python")["context"]}
    assert set(context) <= set(variables)
    assert run(f"result = [{', '.join(sorted(context))}]\n", **context) == [context[name] for name in sorted(context)]
    fields = {(entry["topic"], entry["path"]): entry["type"] for entry in namespace(script, "python")["fields"]}
    assert fields["arena.hit", "points"] == "int"


def test_the_signature_of_an_example_is_readable(script: Script) -> None:
    names = namespace(script, "python")
    assert not [entry for entry in names["builtins"] + names["functions"] if ": '" in entry["signature"]]
