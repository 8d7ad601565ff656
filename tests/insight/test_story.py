"""The page of one execution and of its errors: what failed where, what was not tried, who stopped it, what it cost."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from scripting.engine import get_engine
from scripting.execution.rows import encode_calls
from scripting.insight import audit
from scripting.metrics import error_groups
from scripting.models import Attempt, Breaker, ErrorGroup, Execution, Role, Script
from scripting.models.execution import encode_log
from scripting.registry import publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.sandbox.protocol import encode_value
from scripting.sources import sync
from scripting.types import ExecutionRequest, HostCallRecord, ScriptInput
from tests.insight.runs import publish, run, write
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)


def told(client: Client, execution: str | UUID | None) -> str:
    """The page's words, without its markup."""
    return words(page(client, "admin:scripting_execution_change", execution))


def page(client: Client, name: str, key: Any) -> str:
    response = client.get(reverse(name, args=[key]))
    assert response.status_code == 200
    return response.content.decode()


def words(html: str) -> str:
    text = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))
    return re.sub(r" ([.,;:])", r"\1", text)


def again(client: Client, execution: str | UUID | None, **form: str) -> str:
    return words(client.post(reverse("admin:scripting_execution_again", args=[execution]), form).content.decode())


def panel(client: Client, execution: str | UUID | None, title: str) -> str:
    html = page(client, "admin:scripting_execution_change", execution)
    return words(next(part for part in html.split("<section")[1:] if f"<h2>{title}</h2>" in part))


def hit() -> str | None:
    return (
        get_engine().execute(ExecutionRequest("chess_club", "dice", ScriptInput({}), trigger="endpoint")).execution_id
    )


@pytest.fixture
def withheld(game: Game, settings: Any) -> str | None:
    """An execution of v1, since the breaker of v2 is open."""
    settings.SCRIPTING_BREAKER_FAILURES = 2
    publish(game, "log('of v1')\nresult = 1\n")
    publish(game, "result = 1 / 0\n")
    hit()
    hit()
    error_groups.fold()
    registry.forget()
    return hit()


# -- where it failed -----------------------------------------------------------------------------------------------------


@pytest.fixture
def helper(game: Game) -> Script:
    """A helper whose v1 fails in line 2, and a script that calls it."""
    game.ship("dice", "result = 1\n")
    sync.sync()
    helper = Script.objects.create(module="shared", name="thirds", language="python")
    mend(helper, "def third(n):\n    return n / 0\n")
    publish(game, "from shared import thirds\nresult = thirds.third(3)\n")
    return helper


def mend(helper: Script, text: str) -> None:
    publishing.publish(helper, "python", text, actor=None, reason="for a test", base=AnyBase)
    registry.forget()


def test_an_error_in_a_helper_is_marked_in_the_version_of_it_that_the_run_took_in(
    game: Game, boss: Client, helper: Script
) -> None:
    failed = hit()
    first = helper.versions.get(number=1)
    mend(helper, "def third(n):\n    return n / 3\n\n")
    html = page(boss, "admin:scripting_execution_change", failed)
    assert "    return n / 0\n           ^" in html
    assert html.count('class="goby-line-error"') == 1
    assert f'{reverse("admin:scripting_scriptversion_change", args=[first.pk])}#L2">Open shared/thirds v1' in html


def test_an_error_group_of_a_helpers_line_leads_to_the_helper_not_to_the_script(
    game: Game, boss: Client, helper: Script
) -> None:
    hit()
    error_groups.fold()
    mend(helper, "def third(n):\n    return n / 3\n\n")
    html = page(boss, "admin:scripting_errorgroup_change", ErrorGroup.objects.get().pk)
    first = reverse("admin:scripting_scriptversion_change", args=[helper.versions.get(number=1).pk])
    assert f'{first}#L2">line 2 of shared/thirds v1</a>' in html
    assert html.count("#L") == 1


def test_the_line_of_a_helper_that_is_not_known_any_more_is_named_without_a_link(game: Game, boss: Client) -> None:
    version = publish(game, "result = 1\n")
    place = {"error_type": "execution", "error_script": "shared/gone", "error_line": 7, "error_version_id": version.pk}
    [failed] = write(game.script("dice"), 1, status="failed", error_message="KeyError: 'x'", **place)
    error_groups.fold()
    assert "shared/gone, line 7" in told(boss, failed)
    html = page(boss, "admin:scripting_errorgroup_change", ErrorGroup.objects.get().pk)
    assert "line 7 of shared/gone" in html
    assert "#L7" not in html


def test_an_error_group_speaks_of_what_its_page_shows_and_leads_to_the_latest_run(game: Game, boss: Client) -> None:
    publish(game, "result = 1 / 0\n")
    hit()
    latest = hit()
    error_groups.fold()
    html = page(boss, "admin:scripting_errorgroup_change", ErrorGroup.objects.get().pk)
    assert "below" not in html
    assert "marked line" not in html
    address = reverse("admin:scripting_execution_change", args=[latest])
    assert f'<a class="goby-link" href="{address}">The latest run that failed this way</a>' in html
    Execution.objects.all().delete()
    assert "The latest run" not in page(boss, "admin:scripting_errorgroup_change", ErrorGroup.objects.get().pk)


# -- what was not tried, and what was stopped ----------------------------------------------------------------------------


def test_a_withheld_run_says_that_the_breaker_was_open_since_when_and_what_decided(
    boss: Client, withheld: str | None
) -> None:
    opened = Breaker.objects.get().opened_at
    assert opened is not None
    html = page(boss, "admin:scripting_execution_change", withheld)
    text = words(html)
    assert "v2 failed 2 times in a row, so its breaker is open" in text
    assert f"The breaker was open since {opened:%Y-%m-%d %H:%M:%S}" in text
    assert "v1 decided instead" in text
    assert "The script raised" not in text
    assert "medium severity" not in text
    assert reverse("admin:scripting_errorgroup_change", args=[ErrorGroup.objects.get().pk]) in html
    Breaker.objects.update(opened_at=datetime.now(UTC))
    ErrorGroup.objects.all().delete()
    html = page(boss, "admin:scripting_execution_change", withheld)
    assert "open since" not in words(html), "it was opened anew since then"
    assert "status=tried" in html


def test_a_withheld_attempt_has_no_cost(boss: Client, withheld: str | None) -> None:
    assert "1 Primary v2 — — — not tried" in panel(boss, withheld, "Attempts")
    assert "attempts" not in panel(boss, withheld, "Cost"), "one was made"


def test_a_stopped_run_says_who_stopped_it_and_that_nothing_was_decided(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    by_boss, by_nobody = write(game.script("dice"), 2, status="cancelled", seed=1, clock_us=1)
    audit.record(User.objects.get(username="boss"), f"stopped execution {by_boss} of chess_club/dice")
    assert "it was stopped by boss while v1 (the default) ran, so nothing was decided." in told(boss, by_boss)
    assert "it was stopped while v1 (the default) ran, so nothing was decided." in told(boss, by_nobody)
    assert "memory not measured" in panel(boss, by_boss, "Cost")


def test_a_run_that_failed_does_not_say_that_a_version_decided(game: Game, boss: Client) -> None:
    text = told(boss, run(game, "result = 1 / 0\n").execution_id)
    assert "v1 (the default) failed, so nothing was decided." in text


# -- what it cost --------------------------------------------------------------------------------------------------------


def attempt(execution: UUID, ordinal: int, **fields: Any) -> None:
    version = Execution.objects.get(pk=execution).version
    given = {"version": version, "role": Role.FALLBACK, "seed": 1, "clock_us": 1, **fields}
    Attempt.objects.create(execution_id=execution, ordinal=ordinal, **given)


def test_the_cost_is_that_of_all_attempts_and_says_what_was_not_measured(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    [key] = write(game.script("dice"), 1, status="fell_back", error_type="timeout", seed=1, memory_bytes=0)
    attempt(key, 1, role=Role.PRIMARY, error_type="timeout", wall_us=2_000_000, cpu_us=1_000_000)
    attempt(key, 2, wall_us=250_000, cpu_us=500_000, memory_bytes=1000)
    cost = panel(boss, key, "Cost")
    assert "wall clock 2.25 s 2 attempts" in cost
    assert "CPU 1.50 s 2 attempts" in cost
    assert "memory < 256 KiB" in cost
    assert "the most of 2 attempts; attempt 1 not measured" in cost
    assert "2.00 s 1.00 s not measured" in panel(boss, key, "Attempts")


def test_an_execution_in_which_nothing_ran_shows_no_cost(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    [skipped] = write(game.script("dice"), 1, status="skipped", version_id=None)
    assert "Cost" not in told(boss, skipped)


def test_effects_name_the_follow_ups_that_were_committed_with_them(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    calls = encode_calls([HostCallRecord("award", "effect", encode_value([[5], {}]), encode_value(None))])
    alone, cause = write(game.script("dice"), 2, host_calls=calls)
    [follow_up] = write(game.script("dice"), 1, cause=cause, host_calls=calls)
    line = "Follow-up events were committed with it"
    assert line in told(boss, cause)
    assert 'id="followed"' in page(boss, "admin:scripting_execution_change", cause)
    assert line not in told(boss, alone)
    assert line not in told(boss, follow_up), "it was followed by nothing, though it is in a tree"


# -- run again -----------------------------------------------------------------------------------------------------------


def test_an_attempt_that_was_stood_in_for_says_what_was_compared_and_its_log_is(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    publish(game, "log('before')\nresult = 1 / 0\n")
    fell_back = hit()
    text = again(boss, fell_back)
    assert "Same error, log and host calls. The result of that attempt was not kept." in text
    Attempt.objects.filter(ordinal=1).update(log=encode_log(["another line"], [1]))
    assert "It differs (error, log and host calls were compared): the log." in again(boss, fell_back)
    assert "Same error, result, effects, log and host calls." in again(boss, fell_back, attempt="decided")


def test_a_withheld_version_is_not_run_and_the_one_that_decided_is_offered(boss: Client, withheld: str | None) -> None:
    text = again(boss, withheld)
    assert "v2 was not tried then, because its breaker was open: there is nothing to compare with" in text
    assert "Run v1, which decided, again" in text
    text = again(boss, withheld, attempt="decided")
    assert "Same error" in text
    assert "v1 of chess_club/dice ran" in text
    assert "of v1" in text


def test_other_errors_are_told_in_words(game: Game, boss: Client) -> None:
    failed = run(game, "points = {}\nresult = points['x']\n").execution_id
    Execution.objects.update(error_type="security_violation", error_message="no os", error_line=1, error_column=1)
    text = again(boss, failed)
    assert (
        "the error: “security violation: no os” at line 1, column 1 of chess_club/dice then, "
        "“KeyError: 'x'” at line 2, column 10 of chess_club/dice now." in text
    )
    Execution.objects.update(error_type="", error_message="", error_line=None, error_column=None)
    assert "the error: none then, “KeyError: 'x'”" in again(boss, failed)


@pytest.mark.slow
def test_a_repetition_whose_log_went_with_its_process_says_so(game: Game, boss: Client) -> None:
    publish(game, "log('begun')\n0.5 in range(10**13)\nresult = 1\n")
    Script.objects.update(max_execution_time=0.3)
    registry.forget()
    request = ExecutionRequest("chess_club", "dice", ScriptInput({}))
    execution = get_engine().execute(request).execution_id
    assert "The log is lost" in again(boss, execution)
