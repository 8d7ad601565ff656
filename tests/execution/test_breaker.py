"""The circuit breaker: failures in a row bring the fallback, one trial after the pause decides, a new version starts afresh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scripting.engine import get_engine
from scripting.execution import breaker
from scripting.models import Breaker, Execution
from scripting.registry import publishing
from scripting.types import ExecutionRequest, ScriptInput, ScriptOutput, SecurityLimits
from tests.support.arena import Arena, make_script, score

pytestmark = pytest.mark.django_db(transaction=True)

WORSE = "if broken: 1 / 0\nresult = {'points': 2}"


def hit(*, broken: bool, trigger: str = "event", seconds: float = 60) -> ScriptOutput:
    """However busy the machine, what does not hang ends within its `seconds`."""
    limits = SecurityLimits(max_execution_time=seconds)
    request = ExecutionRequest(
        "arena", "scorer", ScriptInput({"broken": broken}), trigger=trigger, key="ada", limits=limits
    )
    return get_engine().execute(request)


@pytest.fixture(autouse=True)
def two_versions(arena: Arena, settings: pytest.FixtureRequest) -> None:
    settings.SCRIPTING_BREAKER_FAILURES = 3
    breaker._successes = breaker._Successes()
    make_script("result = {'points': 1}")
    make_script(WORSE)


def pause_over() -> None:
    Breaker.objects.update(opened_at=datetime.now(UTC) - timedelta(hours=1))
    get_engine().registry.forget()


def test_after_failures_in_a_row_the_previous_version_runs_without_the_failing_one_being_tried() -> None:
    for _ in range(3):
        assert hit(broken=True).status == Execution.Status.FELL_BACK
    assert Breaker.objects.get().opened_at is not None
    output = hit(broken=False)
    assert output.status == Execution.Status.FELL_BACK
    assert output.version is not None
    assert output.version.number == 1
    execution = Execution.objects.get(pk=output.execution_id)
    assert "breaker is open" in execution.error_message
    assert score("ada") == 4, "each event took effect once, by the fallback"


def test_a_breaker_that_a_wrong_clock_opened_in_the_future_does_not_stay_open_until_then() -> None:
    for _ in range(3):
        hit(broken=True)
    Breaker.objects.update(opened_at=datetime.now(UTC) + timedelta(days=365))
    get_engine().registry.forget()
    assert hit(broken=False).status == Execution.Status.SUCCEEDED
    assert Breaker.objects.get().opened_at is None


def test_a_success_in_between_starts_the_count_anew() -> None:
    for broken in (True, True, False, True, True):
        hit(broken=broken)
    assert Breaker.objects.get().opened_at is None
    assert hit(broken=False).status == Execution.Status.SUCCEEDED


@pytest.mark.any_database
def test_manual_runs_neither_count_nor_are_withheld() -> None:
    for _ in range(5):
        hit(broken=True, trigger="manual")
    assert not Breaker.objects.exists()
    for _ in range(3):
        hit(broken=True)
    assert hit(broken=False, trigger="manual").status == Execution.Status.SUCCEEDED


def test_after_the_pause_one_trial_that_goes_well_closes_it() -> None:
    for _ in range(3):
        hit(broken=True)
    pause_over()
    assert hit(broken=False).status == Execution.Status.SUCCEEDED
    assert Breaker.objects.get().opened_at is None
    assert hit(broken=False).status == Execution.Status.SUCCEEDED


@pytest.mark.any_database
def test_a_trial_that_fails_keeps_it_open_for_another_pause(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        hit(broken=True)
    pause_over()
    assert hit(broken=True).status == Execution.Status.FELL_BACK
    assert "v2 failed its trial" in caplog.text
    opened = Breaker.objects.get().opened_at
    assert opened is not None
    assert opened > datetime.now(UTC) - timedelta(minutes=1)
    assert "breaker is open" in Execution.objects.get(pk=hit(broken=False).execution_id).error_message


@pytest.mark.any_database
def test_a_new_version_runs_at_once() -> None:
    for _ in range(3):
        hit(broken=True)
    make_script("result = {'points': 3}")
    assert hit(broken=False).status == Execution.Status.SUCCEEDED


def attempts_of(output: ScriptOutput) -> list[tuple[str, int | None]]:
    """(role, version's number) of each."""
    tried = Execution.objects.get(pk=output.execution_id).attempts.select_related("version").order_by("ordinal")
    return [(attempt.role, attempt.version.number if attempt.version else None) for attempt in tried]


@pytest.mark.any_database
def test_a_version_whose_breaker_opened_does_not_stand_in_for_the_next_one() -> None:
    for _ in range(3):
        hit(broken=True)
    make_script("result = 1 / 0")
    assert attempts_of(hit(broken=True)) == [("primary", 3), ("fallback", 1)]


def test_a_version_that_fails_while_it_stands_in_soon_does_so_no_longer(caplog: pytest.LogCaptureFixture) -> None:
    make_script("1 / 0")
    for _ in range(3):
        assert attempts_of(hit(broken=True))[1] == ("fallback", 2)
    assert "v2 failed 3 times in a row as the fallback of v3" in caplog.text
    assert attempts_of(hit(broken=True)) == [("primary", 3), ("fallback", 1)]


def test_one_that_stands_in_well_starts_its_count_anew() -> None:
    make_script("1 / 0")
    for broken in (True, True, False, True, True):
        assert attempts_of(hit(broken=broken))[1] == ("fallback", 2)
    assert attempts_of(hit(broken=True))[1] == ("fallback", 2)


@pytest.mark.parametrize(
    ("order", "number"), [(("previous", "default"), 2), (("default", "previous"), 1), (("default",), 1), ((), None)]
)
def test_what_stands_in_is_what_the_site_says_and_the_built_in_rule_comes_last(
    settings: pytest.FixtureRequest, order: tuple[str, ...], number: int | None
) -> None:
    script = make_script("1 / 0")
    script.default_version = script.versions.get(number=1)
    script.save()
    settings.SCRIPTING_FALLBACK = order
    assert attempts_of(hit(broken=False))[1:] == [("fallback", number) if number else ("built_in", None)]


def test_a_version_that_is_activated_again_starts_with_a_closed_breaker() -> None:
    for _ in range(3):
        hit(broken=True)
    script = make_script("result = {'points': 3}")
    publishing.rollback(script, 2, actor=None, reason="with other inputs it is fine")
    assert hit(broken=False).status == Execution.Status.SUCCEEDED


def test_a_mended_helper_closes_the_breakers_of_what_imports_it() -> None:
    make_script("def points():\n    return 1 / 0\n", "prize", "shared")
    make_script("from shared.prize import points\nresult = {'points': points()}")
    for _ in range(3):
        hit(broken=False)
    assert "breaker is open" in Execution.objects.get(pk=hit(broken=False).execution_id).error_message
    make_script("def points():\n    return 5\n", "prize", "shared")
    assert hit(broken=False).status == Execution.Status.SUCCEEDED


@pytest.mark.slow
def test_an_execution_took_what_all_its_attempts_took(settings: pytest.FixtureRequest) -> None:
    """A rule that hangs for its whole time before another stands in is slow, not quick."""
    settings.SCRIPTING_RETRY_SECONDS = 0.001
    make_script("while broken: pass\nresult = {'points': 2}")
    execution = Execution.objects.get(pk=hit(broken=True, seconds=0.5).execution_id)
    tried = list(execution.attempts.all())
    assert len(tried) == 4
    assert execution.wall_us == sum(attempt.wall_us for attempt in tried) > 1_000_000
    assert execution.cpu_us == sum(attempt.cpu_us for attempt in tried)
    assert execution.memory_bytes == max(attempt.memory_bytes for attempt in tried)


@pytest.mark.slow
def test_a_timeout_is_tried_again_and_what_repeats_itself_is_not(settings: pytest.FixtureRequest) -> None:
    settings.SCRIPTING_RETRY_SECONDS = 0.001
    make_script("while broken: pass\nresult = {'points': 2}")
    output = hit(broken=True, seconds=0.5)
    roles = [attempt.role for attempt in Execution.objects.get(pk=output.execution_id).attempts.all()]
    assert roles[:3] == ["primary", "retry", "fallback"]
    make_script("result = 1 / 0")
    output = hit(broken=True, seconds=0.5)  # its fallback hangs
    roles = [attempt.role for attempt in Execution.objects.get(pk=output.execution_id).attempts.all()]
    assert roles[:2] == ["primary", "fallback"]


@pytest.mark.slow
def test_a_rule_that_fails_every_other_time_opens_its_breaker_too(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(19):
        assert hit(broken=number % 2 == 0).version is not None
    assert Breaker.objects.get().opened_at is None, "too few to tell"
    hit(broken=False)
    hit(broken=True)
    assert "v2 failed 11 of 21 times: " in caplog.text
    assert Breaker.objects.get().opened_at is not None
    withheld = Execution.objects.get(pk=hit(broken=False).execution_id)
    assert (withheld.withheld, withheld.version.number if withheld.version else None) == (True, 1)
    assert "v2 failed 11 of 21 times, so its breaker is open" in withheld.error_message


@pytest.mark.slow
@pytest.mark.parametrize("well", [True, False])
def test_one_that_opened_for_its_rate_is_tried_again_after_the_pause(*, well: bool) -> None:
    for number in range(21):
        hit(broken=number % 2 == 0)
    pause_over()
    hit(broken=not well)
    row = Breaker.objects.get()
    if well:
        assert (row.opened_at, row.failures, row.window_runs, row.window_failures) == (None, 0, 0, 0)
    else:
        assert row.opened_at is not None
        assert row.opened_at > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.slow
def test_one_failure_in_ten_opens_no_breaker_and_what_went_well_costs_no_write() -> None:
    for number in range(30):
        hit(broken=number % 10 == 9)
    row = Breaker.objects.get()
    assert (row.opened_at, row.window_failures) == (None, 3)
    assert row.window_runs == 30, "successes are counted with the next failure"
    with CaptureQueriesContext(connection) as queries:
        hit(broken=False)
        hit(broken=False)
    assert sum("scripting_breaker" in query["sql"] and "SELECT" not in query["sql"] for query in queries) <= 1


@pytest.mark.any_database
def test_failures_of_a_former_window_do_not_count(settings: pytest.FixtureRequest) -> None:
    for number in range(18):
        hit(broken=number % 2 == 0)
    Breaker.objects.update(window_at=datetime.now(UTC) - timedelta(minutes=2))
    for number in range(4):
        hit(broken=number % 2 == 0)
    assert Breaker.objects.get().opened_at is None


@pytest.mark.any_database
def test_the_share_and_its_minimum_are_settings(settings: pytest.FixtureRequest) -> None:
    settings.SCRIPTING_BREAKER_RATE, settings.SCRIPTING_BREAKER_RUNS = 0.25, 4
    for broken in (False, False, False, True):
        hit(broken=broken)
    assert Breaker.objects.get().opened_at is not None
