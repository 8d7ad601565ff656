"""Subscriptions and schedules over the API: the same rules as on the pages, told as problems."""

from __future__ import annotations

from typing import Any

import pytest

from scripting.models import ScheduleRun
from scripting.schedules import keeping
from scripting.subscriptions.subscribed import table
from tests.api.conftest import Machine, machine_of
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)

ROLL = "topics/chess_club.roll/subscriptions"
DICE = {"script": "chess_club/dice", "enabled": True, "condition": "sides > 6"}


@pytest.fixture(autouse=True)
def _forget() -> None:
    table.forget()


def test_subscriptions_are_read_changed_and_rolled_back(club: Game, machine: Machine) -> None:
    table.forget()
    before = machine.get(ROLL).json()
    assert (before["number"], [one["script"] for one in before["subscribers"]]) == (0, ["chess_club/dice"])
    wanted = {"subscribers": [DICE], "reason": "big dice only", "base": 0}
    after = machine.post(ROLL, wanted).json()
    assert (after["number"], after["subscribers"], after["history"][0]["reason"]) == (1, [DICE], "big dice only")
    assert table.of("chess_club.roll").of({"sides": 6}) == []
    stale = machine.post(ROLL, wanted)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_base")
    wrong = machine.post(ROLL, {"subscribers": [{**DICE, "condition": "sids > 6"}], "reason": "x"})
    assert (wrong.status_code, "there is no field sids" in wrong.json()["detail"]) == (422, True)
    assert machine.post("topics/nothing/subscriptions", wanted).status_code == 404
    assert machine.post(f"{ROLL}/rollback", {"number": 0, "reason": "all dice"}).json()["number"] == 0
    table.forget()


def test_the_switch_that_leaves_publishing_to_commands_holds_for_subscriptions_too(
    club: Game, machine: Machine, settings: Any
) -> None:
    settings.SCRIPTING_BROWSER_PUBLISH = False
    answer = machine.post(ROLL, {"subscribers": [], "reason": "silence"})
    assert (answer.status_code, answer.json()["code"]) == (403, "switched_off")
    assert table.of("chess_club.roll").number == 0


def test_a_token_that_covers_not_every_script_of_a_topic_changes_none(club: Game, designer: object) -> None:
    machine = machine_of(designer, "publish", scripts=("chess_club/other",))  # type: ignore[arg-type]
    assert machine.post(ROLL, {"subscribers": [], "reason": "silence"}).status_code == 403


def test_schedules_are_listed_paused_resumed_and_run_at_once(club: Game, machine: Machine) -> None:
    made = keeping.create(actor=None, reason="x", name="daily", cron="0 9 * * *", topic="chess_club.roll", payload={"sides": 6})  # fmt: skip
    (listed,) = machine.get("schedules").json()
    assert (listed["name"], listed["times"], len(listed["upcoming"]), listed["last"]) == ("daily", "0 9 * * *", 5, None)
    paused = machine.post(f"schedules/{made.pk}/pause", {"reason": "quiet"}).json()
    assert (paused["enabled"], paused["upcoming"]) == (False, [])
    assert machine.post(f"schedules/{made.pk}/pause", {"reason": "quiet"}).status_code == 422
    ran = machine.post(f"schedules/{made.pk}/run", None).json()
    assert ran == {"state": "published", "event": ScheduleRun.objects.get().event_id, "note": ""}
    assert machine.post(f"schedules/{made.pk}/resume", {"reason": "again"}).json()["enabled"] is True
    assert machine.post("schedules/999/run", None).status_code == 404
