"""Schedules as records: each due time becomes one event, or is left out by the policy that the schedule states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.db import IntegrityError

from scripting.bus.streams import Stream
from scripting.models import Execution, OutboxEvent, Schedule, ScheduleRun, Script
from scripting.modules.scriptable import ModuleSchedule, ModuleScriptConfig
from scripting.processes.one_at_a_time import BEAT_SECONDS
from scripting.schedules import defaults, keeping, turning
from scripting.schedules.keeping import ScheduleRefused
from scripting.schedules.turning import Owner, owner, run_now, turn
from scripting.workers.drain_job import drain_once
from tests.support.arena import Arena, arena_gone, make_script, score

pytestmark = [pytest.mark.usefixtures("arena"), pytest.mark.django_db(transaction=True)]

MINUTELY: dict[str, Any] = {"name": "each minute", "cron": "* * * * *", "topic": "arena.hit", "payload": {"points": 2}}


def made(**fields: Any) -> Schedule:
    if not Script.objects.filter(name="scorer").exists():
        make_script("result = {'points': message['payload']['points']}")
    return keeping.create(actor=None, reason="for a test", **{**MINUTELY, **fields})


def states() -> list[tuple[str, int]]:
    return list(ScheduleRun.objects.order_by("due_at").values_list("state", "left_out"))


def drain(schedule: Schedule) -> None:
    drain_once(Stream.of("arena", schedule.key or f"schedule-{schedule.pk}", ""))


def later(schedule: Schedule, minutes: float) -> datetime:
    assert schedule.next_due is not None
    return schedule.next_due + timedelta(minutes=minutes)


def test_a_due_time_becomes_one_event_whose_scripts_run() -> None:
    schedule = made()
    assert turn(later(schedule, -0.1)) == 0
    assert turn(later(schedule, 0.1)) == 1
    assert turn(later(schedule, 0.2)) == 0
    drain(schedule)
    run = ScheduleRun.objects.get()
    assert (run.state, run.due_at, run.subscribers) == ("published", schedule.next_due, 1)
    execution = Execution.objects.get(event_id=run.event_id)
    assert (execution.status, execution.topic) == ("succeeded", "arena.hit")
    assert execution.inputs_value["message"]["metadata"]["schedule"] == "each minute"
    assert score(f"schedule-{schedule.pk}") == 2


def test_a_script_is_run_by_itself_whatever_its_topics_are() -> None:
    script = make_script("result = {'points': message['payload']['points'] + 1}", "cheer")
    schedule = made(topic="", script=script)
    turn(later(schedule, 0))
    drain(schedule)
    execution = Execution.objects.get()
    assert (execution.script, execution.status, execution.topic) == (script, "succeeded", "schedule")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"missed": "once"}, [("published", 10)]),
        ({"missed": "all", "most": 3, "overlap": "queue"}, [("published", 8), ("published", 0), ("published", 0)]),
        ({"missed": "skip"}, [("missed", 10)]),
        ({"missed": "all", "most": 2, "overlap": "skip"}, [("published", 9), ("overlapped", 0)]),
    ],
)
def test_what_was_missed_goes_by_the_policy_and_every_due_time_is_counted(
    policy: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    schedule = made(seconds=300, cron="", **policy)
    assert turn(later(schedule, 52)) == 11
    assert states() == expected
    assert len(expected) + sum(left for _, left in expected) == 11


def test_a_run_that_is_not_done_lets_the_next_time_be_left_out_and_one_that_is_done_does_not() -> None:
    schedule = made()
    turn(later(schedule, 0)), turn(later(schedule, 1))
    assert [state for state, _ in states()] == ["published", "overlapped"]
    drain(schedule)
    turn(later(schedule, 2))
    assert [state for state, _ in states()] == ["published", "overlapped", "published"]


def test_with_the_other_policy_it_waits_and_runs_in_order() -> None:
    schedule = made(overlap="queue")
    turn(later(schedule, 0)), turn(later(schedule, 1))
    drain(schedule)
    assert score(f"schedule-{schedule.pk}") == 4


def test_a_due_time_that_another_worker_settled_is_not_settled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = made()
    at = later(schedule, 0)
    turn(at)
    Schedule.objects.update(settled_until=schedule.settled_until, next_due=schedule.next_due)  # as if not committed yet
    assert turn(at) == 0
    assert ScheduleRun.objects.count() == 1
    with pytest.raises(IntegrityError):
        turning._turn(schedule.pk, at)


def test_what_dies_between_its_commit_and_redis_is_sent_by_the_sweep_and_runs_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schedule = made()

    def dies(ids: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(turning, "relay", dies)
    with pytest.raises(redis.ConnectionError):
        turn(later(schedule, 0))
    assert ScheduleRun.objects.get().state == "published"
    from scripting.bus.outbox import send_outbox

    rows = list(OutboxEvent.objects.all())
    send_outbox(rows), send_outbox(rows)
    drain(schedule)
    assert Execution.objects.count() == 1


def test_paused_it_is_due_at_no_time_and_resumed_it_has_missed_nothing() -> None:
    ann = User.objects.create(username="ann")
    schedule = made(missed="all")
    keeping.pause(schedule.pk, actor=ann, reason="too loud")
    assert turn(later(schedule, 30)) == 0
    run_now(schedule.pk, user="ann")
    resumed = keeping.resume(schedule.pk, actor=ann, reason="again")
    assert turn(later(resumed, 0)) == 1
    told = schedule.history.order_by("history_id").values_list("history_user__username", "history_change_reason")
    assert list(told) == [(None, "made: for a test"), ("ann", "paused: too loud"), ("ann", "resumed: again")]
    assert [run.by_hand for run in ScheduleRun.objects.order_by("id")] == [True, False]


def test_what_cannot_run_is_refused_at_its_field_and_what_later_does_not_fit_is_told() -> None:
    for fields, field in (
        ({"cron": "* * *"}, "cron"),
        ({"zone": "Mars"}, "zone"),
        ({"topic": "arena.nothing"}, "topic"),
        ({"payload": {"pionts": 1}}, "payload"),
        ({"payload": [1]}, "payload"),
        ({"missed": "sometimes"}, "missed"),
        ({"most": 0}, "most"),
        ({"name": " "}, "name"),
        ({"topic": ""}, "topic"),
    ):
        with pytest.raises(ScheduleRefused) as refused:
            made(**fields)
        assert refused.value.field == field
    schedule = made()
    with pytest.raises(ScheduleRefused, match="of this name already"):
        made()
    Schedule.objects.update(payload={"points": "many"})
    turn(later(schedule, 0))
    run = ScheduleRun.objects.get()
    assert run.state == "refused"
    assert "points" in run.note


def test_one_process_keeps_the_schedules_and_another_takes_over_when_it_is_gone(
    monkeypatch: pytest.MonkeyPatch, redis_client: redis.Redis
) -> None:
    schedule = made()
    first, second = Owner("first"), Owner("second")
    assert second.turn(later(schedule, -1)) == 0
    assert owner() == "second"
    assert first.turn(later(schedule, 0)) == 0
    (lease,) = redis_client.keys("*schedules:owner")
    assert 0 < redis_client.pttl(lease) <= BEAT_SECONDS * 1000
    redis_client.delete(lease)  # as when it expires
    assert first.turn(later(schedule, 0)) == 1


SHIPPED = ModuleSchedule("nightly", cron="0 3 * * *", zone="Europe/Berlin", topic="arena.hit", payload={"points": 1})


def ship(monkeypatch: pytest.MonkeyPatch, *schedules: ModuleSchedule) -> list[str]:
    monkeypatch.setattr(Arena, "config", ModuleScriptConfig(message_handlers={"arena.hit": "scorer"}, schedules=schedules))  # fmt: skip
    return defaults.sync()


def test_schedules_of_the_code_are_made_changed_and_paused_with_it_and_what_people_set_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_script("result = {'points': 1}")
    assert ship(monkeypatch, SHIPPED) == ["arena/nightly: made"]
    assert ship(monkeypatch, SHIPPED) == []
    at_four = ModuleSchedule(
        "nightly", cron="0 4 * * *", zone="Europe/Berlin", topic="arena.hit", payload={"points": 1}
    )
    assert ship(monkeypatch, at_four) == ["arena/nightly: changed"]
    schedule = Schedule.objects.get(name="arena/nightly")
    assert schedule.cron == "0 4 * * *"
    keeping.change(schedule.pk, actor=None, reason="later", cron="30 5 * * *")
    assert ship(monkeypatch, SHIPPED) == ["arena/nightly: kept as people changed it"]
    assert Schedule.objects.get(name="arena/nightly").cron == "30 5 * * *"
    assert ship(monkeypatch, SHIPPED) == []
    assert ship(monkeypatch) == ["arena/nightly: paused, its module names it no longer"]
    assert not Schedule.objects.get(name="arena/nightly").enabled


def test_a_schedule_of_a_module_that_is_gone_with_its_topic_is_paused_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ship(monkeypatch, SHIPPED)
    with arena_gone():
        assert defaults.sync() == ["arena/nightly: paused, its module names it no longer"]
        assert not Schedule.objects.get().enabled
        assert defaults.sync() == []


def test_a_schedule_that_the_code_names_again_goes_on_unless_people_touched_it_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ship(monkeypatch, SHIPPED), ship(monkeypatch)
    assert ship(monkeypatch, SHIPPED) == ["arena/nightly: resumed, its module names it again"]
    assert Schedule.objects.get().enabled
    ship(monkeypatch)
    hourly = ModuleSchedule("nightly", cron="0 * * * *", topic="arena.hit", payload={"points": 1})
    assert ship(monkeypatch, hourly) == ["arena/nightly: changed", "arena/nightly: resumed, its module names it again"]
    ship(monkeypatch)
    schedule = Schedule.objects.get()
    keeping.resume(schedule.pk, actor=None, reason="for the fair")
    keeping.pause(schedule.pk, actor=None, reason="the fair is over")
    assert ship(monkeypatch, hourly) == []
    assert not Schedule.objects.get().enabled


def test_a_schedule_of_the_code_that_cannot_be_is_told_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ModuleSchedule("wrong", cron="0 3 * * *", script="nobody")
    told = ship(monkeypatch, wrong, SHIPPED)
    assert told == ["arena/wrong: there is no script arena/nobody", "arena/nightly: made"]
    make_script("result = None", "cheer")
    moment = ModuleSchedule("moment", cron="0 3 * * *", script="cheer", payload={"at": datetime(2026, 1, 1, tzinfo=UTC)})  # fmt: skip
    assert ship(monkeypatch, moment, SHIPPED) == ["arena/moment: Object of type datetime is not JSON serializable"]
    with pytest.raises(ValueError, match="give cron or seconds"):
        ModuleSchedule("both", cron="0 3 * * *", seconds=5, topic="arena.hit")
