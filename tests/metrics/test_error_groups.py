"""Error groups: the same error is counted once, whatever worker met it; resolved with a note, and back when it comes back."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from scripting.engine import get_engine
from scripting.metrics import error_groups
from scripting.models import ErrorDelta, ErrorGroup, Execution, Resolution
from scripting.registry.active import registry
from scripting.types import ExecutionRequest, ScriptInput
from tests.support.arena import Arena, arena_registered, make_script

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def arena() -> Iterator[Arena]:
    registry.forget()
    with arena_registered() as module:
        yield module
    registry.forget()


def run(points: object, trigger: str = "event") -> None:
    request = ExecutionRequest(
        "arena", "scorer", ScriptInput({"points": points}), trigger=trigger, key="ada", request_id="req-7"
    )
    get_engine().execute(request)


def fold() -> None:
    while error_groups.fold():
        pass


@pytest.mark.slow
def test_same_script_version_type_and_line_is_one_group_with_first_and_last_seen(arena: Arena) -> None:
    make_script("result = {'points': 1}")
    make_script("x = points\nresult = {'points': 10 // x}")
    run(0)
    fold()
    run(0)
    run("text")
    fold()
    group = ErrorGroup.objects.get(error_line=2)
    times = list(Execution.objects.filter(error_line=2).order_by("pk").values_list("finished_at", flat=True))
    assert group.count == len(times) == 3
    assert (group.first_seen, group.last_seen) == (times[0], times[-1])
    assert group.version is not None
    assert group.version.number == 2, "the version that failed, not the one that decided in its place"
    assert group.last_execution == Execution.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert not ErrorDelta.objects.exists()
    [summary] = error_groups.summaries([group])
    assert sum(summary.trend) == 3
    assert summary.is_new
    assert error_groups.group_of(Execution.objects.filter(error_line=2)[0]) == group


def test_a_new_version_with_the_same_mistake_is_a_new_group(arena: Arena) -> None:
    for text in ("result = 1 // points", "result = 2 // points"):
        make_script(text)
        run(0, trigger="manual")
    fold()
    assert ErrorGroup.objects.count() == 2
    assert [summary.is_new for summary in error_groups.summaries(list(ErrorGroup.objects.order_by("first_seen")))] == [
        False,
        True,
    ]


def test_resolved_takes_a_note_and_a_failure_after_it_brings_the_error_back(arena: Arena) -> None:
    make_script("result = 1 // points")
    run(0, trigger="manual")
    fold()
    group = ErrorGroup.objects.get()
    with pytest.raises(error_groups.NoteMissing, match="what was done"):
        error_groups.resolve(group, None, "  ")
    error_groups.resolve(group, None, "the caller sends no zero any longer")
    assert error_groups.summaries([group])[0].state == "resolved"
    run(0, trigger="manual")
    fold()
    group.refresh_from_db()
    assert error_groups.summaries([group])[0].state == "back"
    error_groups.resolve(group, None, "it does", resolved=False)
    assert error_groups.summaries([group])[0].state == "open"
    assert Resolution.objects.count() == 2, "what was said stays"


@pytest.mark.slow
def test_a_resolved_error_is_back_when_a_newer_version_fails_alike_and_both_pages_can_say_so(
    arena: Arena, client: Client
) -> None:
    make_script("result = 1 // points")
    run(0, trigger="manual")
    fold()
    resolved = ErrorGroup.objects.get()
    error_groups.resolve(resolved, None, "mended in v2")
    make_script("# mended\nresult = 2 // points")
    run("text", trigger="manual")
    fold()
    [summary] = error_groups.summaries([resolved])
    assert (summary.state, summary.newer) == ("resolved", None), "another error of the new version is another matter"

    run(0, trigger="manual")
    fold()
    newer = ErrorGroup.objects.exclude(pk=resolved.pk).get(message=resolved.message)
    assert newer.error_line == 2, "lines move from version to version"
    first, second = error_groups.summaries([resolved, newer])
    assert (first.state, first.newer) == ("back", newer)
    assert (second.state, second.older, second.newer) == ("open", resolved, None)
    client.force_login(User.objects.create_superuser("boss"))
    listed = reverse("admin:scripting_errorgroup_changelist")
    by_state = {
        state: set(client.get(listed, {"state": state}).context["cl"].result_list)
        for state in ("open", "resolved", "back")
    }
    assert by_state == {"open": set(ErrorGroup.objects.all()), "resolved": set(), "back": {resolved}}
    page = client.get(reverse("admin:scripting_errorgroup_change", args=[resolved.pk])).content.decode()
    assert "Called resolved, it was seen again in" in page
    page = client.get(reverse("admin:scripting_errorgroup_change", args=[newer.pk])).content.decode()
    assert "The same was called resolved in" in page

    error_groups.resolve(resolved, None, "mended in v3")
    assert error_groups.summaries([resolved])[0].state == "resolved"


def test_what_an_open_breaker_withheld_is_no_new_failure(arena: Arena, settings: pytest.FixtureRequest) -> None:
    settings.SCRIPTING_BREAKER_FAILURES = 2
    make_script("result = {'points': 1}")
    make_script("result = 1 // points")
    for _ in range(5):
        run(0)
    fold()
    assert ErrorGroup.objects.get().count == 2


def test_7_1_failures_are_logged_with_script_version_execution_and_request(
    arena: Arena, caplog: pytest.LogCaptureFixture
) -> None:
    make_script("log('a line')\nresult = 1 // points")
    with caplog.at_level(logging.DEBUG, "scripting"):
        run(0, trigger="manual")
    [record] = [record for record in caplog.records if record.name == "scripting.execution"]
    execution = Execution.objects.get()
    assert record.levelno == logging.ERROR
    assert "line 2" in record.getMessage()
    assert (record.script, record.version) == ("arena/scorer", 1)  # type: ignore[attr-defined]
    assert (record.execution, record.request_id) == (str(execution.pk), "req-7")  # type: ignore[attr-defined]
    [line] = [record for record in caplog.records if record.name == "scripting.lines"]
    assert line.getMessage() == "a line"
    assert line.execution == str(execution.pk)  # type: ignore[attr-defined]


def test_lines_of_a_failed_attempt_and_of_its_stand_in_carry_each_its_own_version(
    arena: Arena, caplog: pytest.LogCaptureFixture
) -> None:
    make_script("log('well')\nresult = {'points': 1}")
    make_script("log('not well')\nresult = 1 // points")
    with caplog.at_level(logging.DEBUG, "scripting.lines"):
        run(0)
    lines = [record for record in caplog.records if record.name == "scripting.lines"]
    assert [(line.getMessage(), line.version) for line in lines] == [("not well", 2), ("well", 1)]  # type: ignore[attr-defined]
    assert all(line.at_us > 0 for line in lines)  # type: ignore[attr-defined]


def test_7_5_a_security_violation_is_logged_as_a_security_event(arena: Arena, caplog: pytest.LogCaptureFixture) -> None:
    make_script("result = getattr(points, '__cla' + 'ss__')")
    with caplog.at_level(logging.INFO, "scripting.security"):
        run(1, trigger="manual")
    [record] = [record for record in caplog.records if record.name == "scripting.security"]
    assert record.execution == str(Execution.objects.get().pk)  # type: ignore[attr-defined]
    assert record.request_id == "req-7"  # type: ignore[attr-defined]
