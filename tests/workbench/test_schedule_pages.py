"""Schedules in the browser: made and previewed in the admin, followed, paused and run at once on their pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from scripting.models import Schedule, ScheduleRun
from scripting.processes import one_at_a_time
from scripting.schedules import keeping
from scripting.schedules.turning import Owner
from scripting.subscriptions.subscribed import table
from tests.support.arena import arena_registered, make_script
from tests.workbench.test_new_script import client_of

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "admin:scripting_schedule_add"
FORM: dict[str, str] = {
    "name": "closing time",
    "cron": "30 2 * * *",
    "seconds": "0",
    "zone": "Europe/Berlin",
    "topic": "arena.hit",
    "script": "",
    "payload": '{"points": 1}',
    "key": "",
    "missed": "once",
    "most": "10",
    "overlap": "skip",
    "reason": "the tavern closes",
}


@pytest.fixture(autouse=True)
def arena() -> Iterator[None]:
    with arena_registered():
        table.forget()
        make_script("result = {'points': 1}")
        yield
        table.forget()


@pytest.fixture
def designer() -> Client:
    return client_of("view", "edit", "run", "publish")


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.mark.any_database
def test_a_schedule_is_previewed_without_being_saved_then_made_and_changed(designer: Client) -> None:
    shown = text_of(designer.post(reverse(ADD), {**FORM, "reason": "", "_preview": "1"}))
    assert shown.count("02:30:00 +0") >= 4
    assert "Nothing is saved yet" in shown
    assert 'value="30 2 * * *"' in shown
    assert not Schedule.objects.exists()
    assert designer.post(reverse(ADD), FORM).status_code == 302
    schedule = Schedule.objects.get()
    assert (schedule.name, str(schedule.author)) == ("closing time", "dora")
    change = reverse("admin:scripting_schedule_change", args=[schedule.pk])
    assert "02:30:00 +0" in text_of(designer.get(change))
    answer = designer.post(change, {**FORM, "cron": "", "seconds": "90", "reason": "more often"})
    assert answer.status_code == 302
    schedule.refresh_from_db()
    assert (schedule.times, schedule.begins_at is not None) == ("every 90 s", True)
    assert schedule.history.latest().history_change_reason == "changed: more often"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"cron": "30 2 * *"}, "A cron expression has five fields"),
        ({"zone": "Berlin"}, "There is no time zone &#x27;Berlin&#x27;"),
        ({"payload": '{"pionts": 1}'}, "missing required field `points`"),
        ({"payload": "{"}, "valid JSON"),
        ({"seconds": "60"}, "Give a cron expression or an interval, one of them."),
        ({"topic": ""}, "Choose an event to publish, or a script to run: one of them."),
        ({"reason": ""}, "Say why"),
        ({"most": "1000"}, "at most 100 missed times"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(designer: Client, wrong: dict[str, str], told: str) -> None:
    answer = designer.post(reverse(ADD), {**FORM, **wrong})
    assert answer.status_code == 200
    assert told in text_of(answer)
    assert not Schedule.objects.exists()


@pytest.mark.slow
@pytest.mark.any_database
def test_a_schedule_is_followed_paused_resumed_and_run_at_once_on_its_page(
    designer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_at_a_time, "BEAT_SECONDS", 600.0)  # however long a page takes on a busy machine
    assert "No schedules yet" in text_of(designer.get("/scripts/schedules/"))
    schedule = keeping.create(
        actor=None, reason="x", name="minutely", cron="* * * * *", topic="arena.hit", payload={"points": 1}
    )
    page = f"/scripts/schedules/{schedule.pk}/"
    assert "No worker keeps the schedules now" in text_of(designer.get(page))
    assert Owner("keeper").turn(schedule.next_due) == 1
    assert "Run by the process <code>keeper</code>" in text_of(designer.get("/scripts/schedules/"))
    assert "published</span>" in text_of(designer.get(page))
    assert "Say why" in text_of(designer.post(f"{page}pause", {"reason": " "}))
    assert designer.post(f"{page}pause", {"reason": "quiet"}).status_code == 302
    assert "it is due at no time" in text_of(designer.get(page))
    assert designer.post(f"{page}run").status_code == 302
    assert ScheduleRun.objects.filter(by_hand=True).get().state == "published"
    assert designer.post(f"{page}resume", {"reason": "again"}).status_code == 302
    assert "resumed: again" in text_of(designer.get(page))


def test_who_may_only_look_sees_schedules_and_changes_none() -> None:
    looker = client_of("view", name="lou")
    schedule = keeping.create(
        actor=None, reason="x", name="minutely", cron="* * * * *", topic="arena.hit", payload={"points": 1}
    )
    page = f"/scripts/schedules/{schedule.pk}/"
    assert "Run now" not in text_of(looker.get(page))
    for way in ("pause", "resume", "run"):
        assert looker.post(page + way, {"reason": "x"}).status_code == 403
    assert looker.get(reverse(ADD)).status_code == 403
    assert looker.get(reverse("admin:scripting_schedule_change", args=[schedule.pk])).status_code == 200
    assert looker.get("/scripts/schedules/999/").status_code == 404
