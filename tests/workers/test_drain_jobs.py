"""Drains wired to the engine and the ledger, in this process: from a published event to its execution and its effects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from scripting.bus import held, publishing
from scripting.bus.drain import DrainResult
from scripting.bus.streams import Stream
from scripting.models import Execution, OutboxEvent, ReceiptLink, Script
from scripting.modules.calls import CallContext, Outcome
from scripting.modules.installed import modules
from scripting.storage import database
from scripting.workers import drain_job
from tests.support.arena import Arena, add, arena_registered, make_script, score
from tests.workers.track import laps

pytestmark = pytest.mark.usefixtures("track")


def run(lap: int, runner: str = "ann", **arguments: Any) -> str:
    payload = {"lap": lap, **arguments.pop("payload", {})}
    return publishing.publish("track.lap", payload, key=runner, **arguments)


def drain(module: str = "track", key: str = "ann") -> DrainResult:
    return drain_job.drain_once(Stream.of(module, key, ""))


def test_an_event_becomes_an_execution_with_its_effect() -> None:
    event_id = run(1, user_id="7", request_id="r1")
    assert drain() is DrainResult.EMPTY
    execution = Execution.objects.get()
    assert (execution.event_id, execution.topic, execution.key) == (event_id, "track.lap", "ann")
    assert (execution.status, execution.trigger, execution.deliveries) == ("succeeded", "event", 1)
    assert (execution.user, execution.request_id) == ("7", "r1")
    assert execution.inputs_value["message"]["payload"]["lap"] == 1
    assert execution.worker
    assert laps() == {"ann": [1]}


def test_an_event_published_twice_under_one_id_takes_effect_once() -> None:
    for _ in range(2):
        run(1, event_id="lap-1")
        drain()
    run(2, event_id="lap-2"), run(2, event_id="lap-2")
    drain()
    assert laps() == {"ann": [1, 2]}
    assert Execution.objects.count() == 2


def test_an_event_that_is_recorded_already_is_left_out_of_a_batch_whose_others_are_committed_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(held, "MAX_HELD_SECONDS", 60.0)  # however busy the machine: a batch is one commit
    run(1, event_id="lap-1"), drain()
    links = ReceiptLink.objects.count()
    run(2, event_id="lap-2"), run(1, event_id="lap-1"), run(3, event_id="lap-3")
    drain()
    assert laps() == {"ann": [1, 2, 3]}
    assert sorted(Execution.objects.values_list("event_id", "deliveries")) == [(f"lap-{n}", 1) for n in (1, 2, 3)]
    assert ReceiptLink.objects.count() == links + 1


def test_a_bug_of_the_module_ends_abandoned_and_takes_no_other_event_with_it() -> None:
    run(1), run(2, payload={"broken": True}), run(3)
    assert drain() is DrainResult.EMPTY
    assert laps() == {"ann": [1, 3]}
    abandoned = Execution.objects.get(status="abandoned")
    assert abandoned.deliveries == 3
    assert "ZeroDivisionError: the bug" in abandoned.error_message
    assert abandoned.inputs_value["message"]["payload"]["lap"] == 2
    assert sorted(Execution.objects.values_list("status", flat=True)) == ["abandoned", "succeeded", "succeeded"]


def test_an_event_of_a_disabled_script_is_recorded_as_skipped() -> None:
    Script.objects.update(enabled=False)
    run(1)
    drain()
    assert Execution.objects.get().status == "skipped"


def test_an_event_for_a_script_that_does_not_exist_is_set_aside() -> None:
    modules.get("track").config.message_handlers["track.lap"] = "nobody"  # type: ignore[union-attr, index]
    try:
        run(1)
        assert drain() is DrainResult.EMPTY
    finally:
        modules.get("track").config.message_handlers["track.lap"] = "marshal"  # type: ignore[union-attr, index]
    assert Execution.objects.count() == 0
    assert publishing.backlog().dead_letters == 1


def test_a_drain_takes_a_new_version_with_its_next_batch() -> None:
    run(1)
    drain()
    make_script("result = {'lap': message['payload']['lap'] + 100}\n", "marshal", "track")
    run(2)
    drain()
    assert laps() == {"ann": [1, 102]}


FOLLOW_UP = """
points = message['payload']['points']
result = {'points': points, 'follow_up': [{'points': points}]}
"""


def test_follow_up_events_run_until_they_are_too_deep() -> None:
    with arena_registered():
        make_script(FOLLOW_UP)
        publishing.publish("arena.hit", {"points": 1}, key="ann")
        for _ in range(publishing.max_depth() + 2):
            drain("arena")
        assert score("ann") == publishing.max_depth() + 1
        assert OutboxEvent.objects.count() == 0
        runs = Execution.objects.filter(script__module="arena").order_by("depth")
        assert list(runs.values_list("depth", flat=True)) == list(range(publishing.max_depth() + 2))
        refused = runs.last()
        assert refused is not None
        assert refused.status == "skipped"
        assert "refused" in refused.error_message
        assert refused.cause == list(runs)[-2].id


def test_the_read_of_a_script_sees_every_earlier_event_of_the_batch() -> None:
    with arena_registered():
        make_script("result = {'points': 1 + get_score()}\n")
        for _ in range(4):
            publishing.publish("arena.hit", {"points": 1}, key="ann")
        drain("arena")
        assert score("ann") == 15  # 1, then 2, 4, 8


class Thrifty(Arena):
    """An arena that adds up the points of a commit and writes each score once."""

    begun: ClassVar[list[int]] = []

    @contextmanager
    def unit_of_work(self, calls: Sequence[CallContext]) -> Iterator[Counter[str]]:
        self.begun.append(len(calls))
        points: Counter[str] = Counter()
        yield points
        for name, count in points.items():
            add(name, count)

    def apply(self, outcome: Outcome) -> None:
        outcome.context.unit_of_work[outcome.context.key] += outcome.result["points"]


def test_a_unit_of_work_is_around_a_commit_and_after_a_refusal_around_each_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(held, "MAX_HELD_SECONDS", 60.0)  # however busy the machine: a batch is one commit
    with arena_registered(Thrifty):
        make_script("result = {'points': message['payload']['points']}\n")
        Thrifty.begun.clear()
        for points in (1, 2):
            publishing.publish("arena.hit", {"points": points}, key="ann")
        drain("arena")
        assert (score("ann"), Thrifty.begun) == (3, [2])
        for points in (10, 5000, 20):
            publishing.publish("arena.hit", {"points": points}, key="ann")
        drain("arena")
        assert score("ann") == 33
        assert Thrifty.begun == [2, 3, 1, 1, 1, 1]  # the built-in rule's points are refused as well
        runs = Execution.objects.filter(script__module="arena").order_by("pk")
        assert list(runs.values_list("status", flat=True)) == [*["succeeded"] * 3, "failed", "succeeded"]


@contextmanager
def table_missing(*, a_migration_is_lacking: bool) -> Iterator[None]:
    """The table in which the module keeps its game has another name, as if it were to be made yet."""
    table, recorder = Group._meta.db_table, MigrationRecorder(connection)
    newest = recorder.migration_qs.filter(app="auth").latest("pk")
    with connection.schema_editor() as editor:
        editor.alter_db_table(Group, table, "not_yet")
    if a_migration_is_lacking:
        newest.delete()
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(Group, "not_yet", table)
        newest.save()


def test_events_wait_for_a_migration_that_the_database_lacks_and_then_run(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "outage", database.DatabaseOutage("the database"))  # whatever other tests met
    run(1), run(2), run(1, "bo")
    with table_missing(a_migration_is_lacking=True):
        drain_job.drain_once(Stream.of("track", "ann", ""), 1.0)
        assert not Execution.objects.exists()
        (told,) = [r.getMessage() for r in caplog.records if "events wait" in r.getMessage()]
        assert "auth.0012_alter_user_first_name_max_length: say `migrate`" in told
    drain(), drain(key="bo")
    assert laps() == {"ann": [1, 2], "bo": [1]}
    assert {execution.deliveries for execution in Execution.objects.all()} == {1}


def test_an_event_is_given_up_for_a_table_that_no_migration_makes() -> None:
    run(1)
    with table_missing(a_migration_is_lacking=False):
        drain_job.drain_once(Stream.of("track", "ann", ""), 10.0)
        execution = Execution.objects.get()
        assert (execution.status, execution.deliveries) == ("abandoned", 3)
        assert "auth_group" in execution.error_message


def test_a_process_without_the_module_says_once_that_its_scripts_run_without_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run(1), run(2)
    with monkeypatch.context() as later:
        later.delitem(modules._modules, "track")
        drain()
    assert laps() == {}
    (told,) = [each.getMessage() for each in caplog.records if "not installed" in each.getMessage()]
    assert told.startswith("events run scripts of track, a module that is not installed in this process")
