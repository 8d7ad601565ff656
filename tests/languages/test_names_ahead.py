"""Names made ahead for the next sandbox are given once, and print to the log of the sandbox that took them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.languages.names_ahead import NamesAhead


def made(print_: Callable[..., None]) -> dict[str, Any]:
    return {"write": lambda text: print_(text)}


def test_names_made_ahead_print_to_the_log_of_whoever_took_them() -> None:
    first: list[str] = []
    second: list[str] = []
    ahead = NamesAhead(made)
    ahead.make()
    names, others = ahead.take(first.append), ahead.take(second.append)
    names["write"]("one")
    others["write"]("two")
    assert (first, second) == (["one"], ["two"])
    assert names is not others


@pytest.mark.parametrize("language", ["tengo", "zygomys"])
def test_an_engine_gives_the_same_names_whether_it_made_them_ahead_or_not(language: str) -> None:
    engine = EngineFactory().engine(language)
    asked = engine.builtins({"rand": float}, map, print)
    engine.make_ahead()
    ahead = engine.builtins({"rand": float}, map, print)
    assert set(ahead) == set(asked)
    assert ahead["__import__"] is map
    assert ahead is not asked
