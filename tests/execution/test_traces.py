"""A recorded execution repeated with values is the same execution, and what pages show of it is masked and cut."""

from __future__ import annotations

import pytest

from scripting.engine import get_engine
from scripting.execution.replay import replay
from scripting.execution.traces import described
from scripting.models import Execution
from scripting.modules.masking import NOTHING, Mask
from scripting.sandbox.protocol import Step, Trace, TracedText
from scripting.types import Bundle, ExecutionRequest, ScriptInput, Source
from tests.support.arena import Arena, make_script


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_executions_repeated_with_values_are_the_ones_recorded(arena: Arena) -> None:
    make_script("luck = rand()\nif luck > 0.5:\n    log(f'{luck}')\nresult = {'points': round(luck * 10)}")
    for seed in range(8):
        request = ExecutionRequest("arena", "scorer", ScriptInput({}, seed), trigger="event", key="ada")
        get_engine().execute(request)
    for pk in Execution.objects.order_by("id").values_list("pk", flat=True):
        again = replay(str(pk), traces=True)
        assert again.identical, again.differences
        trace = again.attempt.outcome.trace
        assert trace is not None
        assert [step.line for step in trace.first][-1] == 4
        assert replay(str(pk)).attempt.outcome.trace is None


def shown(values: tuple[tuple[str, str], ...], mask: Mask) -> list[list[str]]:
    trace = Trace((TracedText("arena/scorer", ((1, 1),), (), ()),), (), 0, (), (Step(0, 1, 1, "", values),))
    bundle = Bundle(Source("arena/scorer", "python", "x = 1\n"))
    found: list[list[str]] = described(trace, bundle, mask)["last"][0][4]
    return found


def test_secrets_are_hidden_in_values_whole_or_cut() -> None:
    mask = Mask(frozenset({"token"}), frozenset({"abc", "swordfish"}), ("swordfish",))
    assert shown((("a", "'swordfish'"), ("b", "'abc'")), mask) == [["a", "•••"], ["b", "•••"]]
    assert shown((("a", "{'x': 'say swordfish'}"),), mask) == [["a", "{'x': 'say •••'}"]]
    assert shown((("a", "{'x': 'say swordf…"),), mask) == [["a", "{'x': 'say •••…"]]
    assert shown((("token", "12345678"), ("m['token']", "7"), ("self.token", "8")), mask) == [
        ["token", "•••"],
        ["m['token']", "•••"],
        ["self.token", "•••"],
    ]
    assert shown((("a", "{'token': 42}"),), mask) == [["a", "{'token': •••}"]]


def test_values_are_shown_as_text() -> None:
    assert shown((("a", "'\u202e'"),), NOTHING) == [["a", "'\\u202e'"]]


def test_a_text_is_shown_only_where_a_line_of_it_ran() -> None:
    texts = (TracedText("arena/scorer", ((1, 1),), (), ()), TracedText("shared/maths", ((1, 0),), (2,), ()))
    bundle = Bundle(Source("arena/scorer", "python", "x = 1\r\n"), (Source("shared/maths", "python", "y = 2\n"),))
    trace = Trace(texts, (), 0, (), ())
    assert [text["source"] for text in described(trace, bundle, NOTHING)["texts"]] == [None, None]
    assert [text["source"] for text in described(trace, bundle, NOTHING, with_script=True)["texts"]] == [
        "x = 1\n",
        None,
    ]
