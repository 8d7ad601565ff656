"""Rules find causes: one alert of a cause, told when it begins and when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scripting.alerts import watching
from scripting.alerts.causes import causes_of
from scripting.bus import publishing, streams
from scripting.metrics import folding, rollups
from scripting.models import AlertMessage, AlertReceiver, AlertRule, Breaker, Evidence, Script
from scripting.models.rollups import StatDelta
from scripting.storage.bulk_insert import insert_rows
from scripting.storage.redis_client import redis_client
from tests.support.arena import arena_registered, make_script

NOW = datetime.now(UTC)


@pytest.fixture
def arena(transactional_db: None) -> Iterator[Script]:
    with arena_registered():
        yield make_script("result = {'points': message['payload']['points']}\n")


def rule(kind: str, **fields: object) -> AlertRule:
    made = AlertRule.objects.create(name=kind, kind=kind, **fields)
    made.receivers.add(AlertReceiver.objects.create(name=kind, address="https://x.example/"))
    return made


def told() -> list[tuple[str, str]]:
    return [(each.about, each.alert.words if each.alert else "") for each in AlertMessage.objects.order_by("pk")]


def test_a_cause_is_told_once_and_its_end_once_after_it_has_settled(arena: Script) -> None:
    rule("breaker")
    breaker = Breaker.objects.create(version=arena.active_version, opened_at=NOW, failures=5, last_error="timeout")
    assert [watching.look(NOW), watching.look(NOW + timedelta(seconds=10))] == [1, 0]
    breaker.delete()
    assert watching.look(NOW + timedelta(seconds=20)) == 0, "it may come back at once"
    assert watching.look(NOW + timedelta(seconds=41)) == 1
    words = "arena/scorer failed 5 times in a row: its fallback decides. Last error: timeout"
    assert told() == [("begun", words), ("ended", words)]
    Breaker.objects.create(version=arena.active_version, opened_at=NOW)
    assert watching.look(NOW + timedelta(seconds=60)) == 1, "a new one of the same cause"


def test_an_alert_whose_rule_is_disabled_is_over_and_its_end_is_told(arena: Script) -> None:
    dead = rule("breaker")
    Breaker.objects.create(version=arena.active_version, opened_at=NOW, failures=5, last_error="timeout")
    assert watching.look(NOW) == 1
    AlertRule.objects.filter(pk=dead.pk).update(enabled=False)
    assert [watching.look(NOW + timedelta(seconds=10)), watching.look(NOW + timedelta(seconds=20))] == [1, 0]
    assert [about for about, _ in told()] == ["begun", "ended"]
    AlertRule.objects.filter(pk=dead.pk).update(enabled=True)
    assert watching.look(NOW + timedelta(seconds=30)) == 1, "it is so still, and begins anew"


def test_a_failure_rate_counts_above_its_limit_and_not_below_enough_runs(arena: Script) -> None:
    now = datetime.now(UTC)
    outcomes = ["failed"] * 6 + ["succeeded"] * 14
    rows = [{"script_id": arena.pk, "finished_at": now, "status": each} for each in outcomes]
    insert_rows(StatDelta, rollups.deltas_of(rows))
    folding.fold()
    found = rule("failures", limit=25, least_runs=20)
    assert causes_of(found, now) == {"arena/scorer": "arena/scorer failed in 30 % of 20 runs in 10 minutes"}
    found.limit = 99
    assert causes_of(found, datetime.now(UTC)) == {}
    found.limit, found.least_runs = 1, 21
    assert causes_of(found, datetime.now(UTC)) == {}


def test_files_dead_letters_waiting_events_and_missing_workers_are_found(arena: Script) -> None:
    now = datetime.now(UTC)
    Script.objects.filter(pk=arena.pk).update(rejected_basis="abc")
    assert "did not pass its check" in causes_of(rule("file"), now)["arena/scorer"]
    assert causes_of(AlertRule(kind="file", module="other"), now) == {}
    redis_client().xadd(streams.dead_letters_key(), {"e": b"x"})
    assert "1 events could be neither run nor recorded" in causes_of(rule("dead_letters", limit=0), now)["dead letters"]
    stream = streams.Stream("arena", 0)
    redis_client().sadd(streams.names_key(), stream.name)
    redis_client().xadd(stream.entries, {"e": b"x"}, id=f"{int((now.timestamp() - 90) * 1000)}-0")
    [words] = causes_of(rule("event_age", limit=60), now).values()
    assert words.startswith("an event has waited for 9")
    assert "0 of 1 workers live" in causes_of(rule("workers", limit=1), now)["workers"]


def test_a_backlog_near_its_bound_is_told_before_publishers_are_refused(arena: Script, settings: Any) -> None:
    settings.SCRIPTING_MAX_WAITING = 4
    made, now = rule("backlog", limit=70), datetime.now(UTC)
    for _ in range(2):
        publishing.publish("arena.hit", {"points": 1}, key="ann")
    assert causes_of(made, now) == {}
    publishing.publish("arena.hit", {"points": 1}, key="ann")
    [words] = causes_of(made, now).values()
    assert words.startswith("3 events wait in stream arena:")
    assert "75 % of the 4 that may (SCRIPTING_MAX_WAITING); the oldest for 0 s" in words
    client = redis_client()
    client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.2))
    try:
        assert "of what events may take there" in causes_of(made, now)["full Redis"]
    finally:
        client.config_set("maxmemory", 0)


def test_a_replay_that_found_changed_decisions_is_told(arena: Script) -> None:
    Evidence.objects.create(
        script=arena, rests_on="a", candidate="b" * 64, title="v2", asked=10, complete=True, events=10, changed=3
    )
    now = datetime.now(UTC)
    [words] = causes_of(rule("replay", limit=10, minutes=60), now).values()
    assert words == "arena/scorer, v2: 10 decisions, 3 changed, 0 failing"
    assert causes_of(AlertRule(kind="replay", limit=30, minutes=60), now) == {}
