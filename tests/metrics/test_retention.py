"""Retention: by age and count per outcome, payloads first, failures longer, going on where it stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from scripting.insight import metrics_page
from scripting.metrics import error_groups, folding, retention
from scripting.metrics.retention import prune
from scripting.models import Attempt, ErrorGroup, Execution, ExecutionStat, Resolution, Script
from tests.insight.runs import publish, write
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)


@pytest.fixture
def script(game: Game, settings: Any) -> Script:
    settings.SCRIPTING_KEEP_PAYLOAD_DAYS = 2
    settings.SCRIPTING_KEEP_RESERVOIR = 0
    settings.SCRIPTING_KEEP_DAYS = 5
    settings.SCRIPTING_KEEP_FAILURE_DAYS = 20
    publish(game, "result = 1\n")
    return game.script("dice")


def aged(script: Script, days: float, count: int = 1, **fields: Any) -> list[Any]:
    return write(script, count, end=NOW - timedelta(days=days), **fields)


def left() -> set[Any]:
    return set(Execution.objects.values_list("pk", flat=True))


def test_payloads_go_before_rows_and_failures_keep_theirs(script: Script) -> None:
    [young] = aged(script, 1)
    [older] = aged(script, 3)
    [failed] = aged(script, 10, status="failed")
    [old] = aged(script, 6)
    [very_old_failure] = aged(script, 21, status="failed")
    done = prune(60, now=NOW)
    assert left() == {young, older, failed}
    assert (done.emptied, done.deleted, done.finished) == (2, 2, True)
    assert Execution.objects.get(pk=young).inputs_value == {"side": "red"}
    assert not bytes(Execution.objects.get(pk=older).inputs)
    assert Execution.objects.get(pk=failed).inputs_value == {"side": "red"}
    assert not prune(60, now=NOW), "what is done is not looked at again"
    assert old not in left()
    assert very_old_failure not in left()


def test_beyond_a_count_the_oldest_go(script: Script, settings: Any) -> None:
    settings.SCRIPTING_KEEP_COUNT = 6
    settings.SCRIPTING_KEEP_FAILURE_COUNT = 2
    ok = aged(script, 1, 8, every=timedelta(minutes=2))
    failed = aged(script, 0.5, 3, every=timedelta(minutes=2), status="failed")
    while folding.fold():
        pass
    prune(60, now=NOW)
    assert left() == {*ok[-3:], *failed[-2:]}


def test_a_batch_at_a_time_goes_on_from_where_time_ran_out(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "LOOK", 3)
    aged(script, 6, 9)
    kept = aged(script, 7, 2, status="failed")
    turns = 0
    while not prune(0, now=NOW).finished:
        turns += 1
        assert turns < 50
    assert turns > 5
    assert left() == set(kept)


def test_attempts_go_with_their_execution_and_rollups_and_errors_stay(script: Script) -> None:
    [key] = aged(script, 25, status="failed", error_type="timeout", error_version_id=script.active_version_id)
    Attempt.objects.create(execution_id=key, ordinal=1, role="primary")
    while folding.fold() + error_groups.fold():
        pass
    prune(60, now=NOW)
    assert not Execution.objects.exists()
    assert not Attempt.objects.exists()
    assert ErrorGroup.objects.get().count == 1
    spans = set(ExecutionStat.objects.values_list("span", flat=True))
    assert spans == {"hour", "day", "ever"}, "minutes are kept for as long as a chart reads them"


def test_errors_go_when_their_executions_have_and_they_were_not_seen_for_long_and_still_count(
    script: Script, settings: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_page, "KEEP_SECONDS", 0.0)
    settings.SCRIPTING_KEEP_ERROR_DAYS = 60
    version = script.active_version_id
    for days, line in ((70, 1), (50, 2), (71, 3), (1, 3)):
        aged(script, days, 2, status="failed", error_type="timeout", error_line=line, error_version_id=version)
    while folding.fold() + error_groups.fold():
        pass
    forgotten = ErrorGroup.objects.get(error_line=1)
    error_groups.resolve(forgotten, None, "done")

    def counted() -> list[str]:
        text = client.get("/metrics").content.decode()
        return [line for line in text.splitlines() if line.startswith("goby_errors_total")]

    before = counted()
    assert prune(60, now=NOW).errors == 1
    assert set(ErrorGroup.objects.values_list("error_line", flat=True)) == {2, 3}
    assert not Resolution.objects.exists()
    assert counted() == before, "a sum of all time never falls"
    settings.SCRIPTING_KEEP_ERROR_DAYS, settings.SCRIPTING_KEEP_FAILURE_DAYS = 10, 55
    assert not prune(60, now=NOW), "never sooner than the executions go"
    settings.SCRIPTING_KEEP_FAILURE_DAYS = 40
    assert prune(60, now=NOW).errors == 1
    assert counted() == before


def test_errors_whose_executions_are_still_there_stay(script: Script) -> None:
    aged(script, 400, status="failed", error_type="timeout", error_line=1, error_version_id=script.active_version_id)
    while folding.fold() + error_groups.fold():
        pass
    assert error_groups.forget([ErrorGroup.objects.get().pk], NOW) == 0
    prune(60, now=NOW)
    assert not ErrorGroup.objects.exists()


def test_the_command_does_all_of_it_and_says_what(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    aged(script, 6, 3)
    call_command("prune_executions")
    assert "3 executions deleted" in capsys.readouterr().out
    assert not left()
