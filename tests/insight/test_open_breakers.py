"""Pages of a script whose breaker is open say which fallback decides instead, and until when it is withheld."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from scripting.engine import get_engine
from scripting.insight import open_breakers
from scripting.insight.executions import filters, listing
from scripting.metrics import error_groups
from scripting.models import Breaker, ErrorGroup, Script
from scripting.modules.scriptable import ScriptableModule
from scripting.types import ExecutionRequest
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)

BROKEN = "1 / 0"


@pytest.fixture(autouse=True)
def two_failures_open_it(arena: Arena, settings: pytest.FixtureRequest) -> None:
    settings.SCRIPTING_BREAKER_FAILURES = 2
    settings.SCRIPTING_BREAKER_SECONDS = 60


def failing(name: str = "scorer", text: str = BROKEN) -> Script:
    """A script whose active version has failed until its breaker opened."""
    script = make_script(text, name)
    for _ in range(2):
        get_engine().execute(ExecutionRequest("arena", name, trigger="event", key="ada"))
    return script


def said(script: Script) -> str:
    return str(open_breakers.of(script))


def test_the_previous_version_stands_in_until_the_pause_is_over() -> None:
    make_script("result = {'points': 1}")
    script = failing()
    assert said(script) == "v2 failed 2 times in a row: v1 decides as fallback"
    found = open_breakers.of(script)
    assert found is not None
    assert found.last_error == "arena/scorer:1:1: execution: ZeroDivisionError: division by zero"
    assert found.until == found.last_failed + timedelta(seconds=60)
    assert not found.is_over
    Breaker.objects.update(opened_at=found.last_failed - timedelta(seconds=61))
    found = open_breakers.of(script)
    assert found is not None
    assert found.is_over


def test_the_default_is_called_so() -> None:
    script = make_script("result = {'points': 1}")
    script.default_version = script.active_version
    script.save()
    assert said(failing()) == "v2 failed 2 times in a row: the default (v1) decides as fallback"


def test_without_another_version_it_is_the_built_in_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    script = failing()
    assert said(script) == "v1 failed 2 times in a row: the built-in rule decides as fallback"
    monkeypatch.setattr(Arena, "built_in", ScriptableModule.built_in)
    assert said(script) == "v1 failed 2 times in a row: there is no fallback"


def test_nothing_stands_in_for_what_does_not_run_or_is_another_version() -> None:
    script = failing()
    assert open_breakers.of_all().keys() == {script.pk}
    script.enabled = False
    script.save()
    assert open_breakers.of_all() == {}
    script.enabled = True
    script.save()
    make_script("result = {'points': 2}")
    assert open_breakers.of_all() == {}
    script.refresh_from_db()
    assert open_breakers.of(script) is None


def test_many_are_read_in_as_many_queries_as_one(django_assert_num_queries: pytest.FixtureRequest) -> None:
    with django_assert_num_queries(1):
        assert open_breakers.of_all() == {}
    for number in range(3):
        make_script("result = {'points': 1}", f"one_{number}")
        failing(f"one_{number}", f"{number} / 0")
    with django_assert_num_queries(3):
        assert len(open_breakers.of_all()) == 3


@pytest.mark.parametrize("text", [BROKEN, "result = {'points': 2000}"])
def test_the_failures_that_opened_it_are_not_drowned_by_the_runs_that_it_spared(text: str) -> None:
    """One text raises at a line; the other's outcome is refused by the game, which has no line, as a spared run has none."""
    make_script("result = {'points': 1}")
    script = failing(text=text)
    for _ in range(3):
        get_engine().execute(ExecutionRequest("arena", "scorer", trigger="event", key="ada"))
    error_groups.fold()
    found = open_breakers.of(script)
    assert found is not None
    for query in (dict(parse_qsl(found.failures)), {"group": str(ErrorGroup.objects.get().pk)}):
        rows = listing.page(filters.parse(query)).rows
        assert len(rows) == 2, query
        assert not any(row.withheld for row in rows)
