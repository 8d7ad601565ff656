"""execute_source: any text as a trial, whose failures are values and whose effects are listed, not done."""

from __future__ import annotations

import pytest

from scripting.engine import get_engine
from scripting.models import Execution
from scripting.types import ErrorType, ScriptInput, SecurityLimits
from tests.support.arena import Arena, score

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_trial_lists_the_effects_it_would_have_had_and_records_nothing(arena: Arena) -> None:
    output = get_engine().execute_source("award(double(4))\nresult = get_score()", module_name="arena")
    assert output.ok, output.error
    assert [(call.name, call.kind) for call in output.host_calls] == [
        ("double", "pure"),
        ("award", "effect"),
        ("get_score", "read"),
    ]
    assert score("") == 0
    assert not Execution.objects.exists()


def test_host_functions_refuse_arguments_that_their_annotations_do_not_admit(arena: Arena) -> None:
    output = get_engine().execute_source("result = 1\naward('many')", module_name="arena")
    assert output.error is not None
    assert output.error.type is ErrorType.EXECUTION
    assert output.error.line == 2
    assert "points" in output.error.message
    assert "int" in output.error.message


def test_a_refusal_of_a_host_function_can_be_caught_by_the_script(arena: Arena) -> None:
    output = get_engine().execute_source(
        "try:\n    get_rival('')\nexcept Exception as error:\n    result = str(error)", module_name="arena"
    )
    assert output.ok, output.error
    assert "name a rival" in output.result


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("while True: pass", {"timeout"}),
        ("x = [0] * 10**9", {"memory_limit"}),
        ("9**9**9", {"timeout", "memory_limit"}),
        ("(" * 100_000, {"invalid_syntax", "compilation"}),
        ("().__class__", {"security_violation"}),
        ("import os", {"security_violation"}),
        ("open('/etc/passwd')", {"security_violation"}),
        ("result = (", {"invalid_syntax"}),
        ("result = '\ud800'", {"invalid_syntax"}),
        ("result = \x00", {"invalid_syntax"}),
        ("result = 10**5000", {"execution"}),
        ("result = {'units': [0, 0, 0, {1, 2}]}", {"execution"}),
    ],
)
def test_8_5_each_kind_of_violation_has_its_own_error_type_and_the_next_run_is_unharmed(
    source: str, kinds: set[str]
) -> None:
    limits = SecurityLimits(max_execution_time=0.2 if "timeout" in kinds else 60)  # however busy the machine
    output = get_engine().execute_source(source, limits=limits)
    assert output.error is not None
    assert output.error.type.value in kinds, output.error
    assert get_engine().execute_source("result = 1", limits=SecurityLimits(max_execution_time=60)).result == 1


def test_a_result_that_is_no_plain_data_names_its_path() -> None:
    output = get_engine().execute_source("result = {'units': [0, 0, 0, {1, 2}]}")
    assert output.error is not None
    assert 'result["units"][3]' in output.error.message


def test_refusals_at_check_have_line_and_column() -> None:
    report = get_engine().check("x = 1\ny = ().__class__\n")
    assert not report.ok
    first = next(d for d in report.diagnostics if d.severity == "error")
    assert (first.type, first.line) == (ErrorType.SECURITY_VIOLATION, 2)
    assert first.column is not None
    assert first.column >= 5


def test_an_unknown_language_is_an_error_value_that_names_the_known_ones() -> None:
    output = get_engine().execute_source("x", language="cobol")
    assert output.error is not None
    assert "python" in output.error.message


def test_odd_inputs_never_raise() -> None:
    deep: list[object] = []
    for _ in range(10_000):
        deep = [deep]
    for context in ({"x": object()}, {"x": 2**80}, {"x": "\ud800"}, {1: 2}, {"x": deep}):
        assert get_engine().execute_source("result = 1", input=ScriptInput(context)).error is not None  # type: ignore[arg-type]


def test_timestamp_is_the_context_variable_and_the_function_at_once() -> None:
    source = "result = [timestamp, timestamp + 1, timestamp(), f'{timestamp}', {'at': timestamp}]"
    output = get_engine().execute_source(source, input=ScriptInput({"timestamp": 5}, clock_us=7_000_000))
    assert output.result == [5, 6, 7, "5", {"at": 5}]
    assert get_engine().execute_source("result = timestamp()", input=ScriptInput({}, clock_us=7_000_000)).result == 7
