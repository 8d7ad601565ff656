"""Values for a time: they begin, end and are back by themselves, and two never meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scripting import clock
from scripting.models import KnobSchedule, Script
from scripting.registry import schedules
from scripting.registry.knobs import ValuesRefused
from scripting.registry.schedules import ScheduleRefused
from scripting.workers.sweep import Sweep, waiting_rows
from tests.registry.test_knobs import TEXTS, hit, points, tune
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)

State = KnobSchedule.State
HOUR = timedelta(hours=1)


def planned(script: Script, value: int, begins: timedelta, ends: timedelta) -> KnobSchedule:
    """From and until so long from now."""
    now = datetime.now(UTC)
    return schedules.plan(script, {"points": value}, now + begins, now + ends, actor=None, reason="a festival")


def turn(after: timedelta) -> None:
    schedules.turn(datetime.now(UTC) + after)


def state(schedule: KnobSchedule) -> tuple[str, str]:
    schedule.refresh_from_db()
    return schedule.state, schedule.note


def test_values_are_live_in_their_time_and_what_was_before_is_back_afterwards(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    tune(script, 5)
    festival = planned(script, 50, HOUR, 2 * HOUR)
    turn(HOUR - timedelta(seconds=5))
    assert (points(hit()), state(festival)) == (5, (State.PLANNED, ""))
    turn(HOUR + timedelta(seconds=1))
    assert (points(hit()), state(festival)) == (50, (State.LIVE, ""))
    turn(HOUR + timedelta(seconds=2))
    script.refresh_from_db()
    assert script.activations.count() == 3, "a turn that finds nothing due does nothing"
    turn(2 * HOUR + timedelta(seconds=1))
    assert (points(hit()), state(festival)) == (5, (State.OVER, ""))
    told = [(str(each.knobs.number), each.cause, each.reason) for each in script.activations.all()[:2] if each.knobs]
    assert told == [("1", "rollback", "their time is over"), ("2", "publish", "a festival")]


def test_a_look_at_all_that_waits_asks_for_its_own_moment(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    script = make_script(TEXTS["python"])
    planned(script, 50, HOUR, 2 * HOUR)
    now = datetime.now(UTC)
    for after, is_due in ((timedelta(), False), (HOUR + timedelta(seconds=1), True), (timedelta(seconds=1), False)):
        monkeypatch.setattr(clock, "now", lambda after=after: now + after)
        rows = waiting_rows()
        assert (rows.knobs, rows.schedules, rows.stats, rows.errors, rows.outbox) == (
            is_due,
            False,
            False,
            False,
            False,
        )
        assert rows.mark == Script.history.order_by("-history_id").values_list("history_id", flat=True)[0]
    hit()
    assert waiting_rows().stats


def test_the_defaults_are_back_where_nothing_was_set_and_a_new_text_keeps_the_time(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    festival = planned(script, 50, -HOUR, HOUR)
    assert festival.starts_at > datetime.now(UTC) - HOUR, "what is past begins now"
    Sweep().once()
    assert points(hit()) == 50
    make_script(TEXTS["python"] + "# more\n")
    assert points(hit()) == 50
    turn(HOUR)
    assert (points(hit()), state(festival)) == (1, (State.OVER, ""))


def test_what_somebody_sets_meanwhile_stays(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    festival = planned(script, 50, timedelta(), HOUR)
    turn(timedelta(seconds=1))
    script.refresh_from_db()
    tune(script, 60)
    turn(HOUR)
    assert (points(hit()), state(festival)) == (60, (State.OVER, "other values were set meanwhile: they stay"))


def test_two_schedules_never_meet_and_what_does_not_fit_is_refused_at_once(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    first = planned(script, 50, HOUR, 2 * HOUR)
    for begins, ends in ((0.0, 1.5), (1.2, 1.4), (1.5, 3.0), (0.0, 3.0)):
        with pytest.raises(ScheduleRefused, match="knobs 1 is planned in that time already"):
            planned(script, 60, begins * HOUR, ends * HOUR)
    planned(script, 60, 2.1 * HOUR, 3 * HOUR)
    with pytest.raises(ScheduleRefused, match="the end is not behind the beginning"):
        planned(script, 60, -2 * HOUR, -HOUR)
    with pytest.raises(ValuesRefused):
        planned(script, 600, 5 * HOUR, 6 * HOUR)
    schedules.cancel(first, actor=None, reason="rain")
    planned(script, 70, HOUR, 2 * HOUR)
    with pytest.raises(ScheduleRefused, match="it is over already"):
        schedules.cancel(first, actor=None, reason="rain")


def test_cancelling_what_is_live_ends_it_now(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    festival = planned(script, 50, timedelta(), HOUR)
    turn(timedelta(seconds=1))
    assert points(hit()) == 50
    schedules.cancel(festival, actor=None, reason="rain")
    assert (points(hit()), state(festival)) == (1, (State.CANCELLED, ""))
    turn(2 * HOUR)
    assert points(hit()) == 1


def test_what_no_worker_lived_to_begin_never_begins_and_what_came_due_meanwhile_ends_late(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    missed, begun = planned(script, 50, HOUR, 2 * HOUR), planned(script, 60, 3 * HOUR, 4 * HOUR)
    turn(3.5 * HOUR)
    assert (state(missed), state(begun)) == ((State.OVER, "no worker lived in its time"), (State.LIVE, ""))
    assert points(hit()) == 60
    turn(9 * HOUR)
    assert points(hit()) == 1


def test_a_text_that_lost_its_check_begins_nothing(arena: Arena) -> None:
    script = make_script(TEXTS["python"])
    festival = planned(script, 50, HOUR, 2 * HOUR)
    Script.objects.filter(pk=script.pk).update(active_version=None)
    turn(HOUR + timedelta(seconds=1))
    assert state(festival)[0] == State.REFUSED
    assert "no version of arena/scorer is live" in state(festival)[1]
