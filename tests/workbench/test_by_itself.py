"""Work that a page begins by itself ends when its text has changed, and with its time: also in the middle of a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from scripting.models import ReplayReport, Script
from scripting.runtime.pool import get_pool
from scripting.workbench import cases, replays
from tests.evidence.recorded import record
from tests.support.arena import arena_registered, make_script
from tests.support.stack import wait_until
from tests.workbench.test_answers import ask, client_of
from tests.workbench.test_cases import LIVE, keep

pytestmark = pytest.mark.django_db(transaction=True)

ENDLESS = "while True:\n    pass\n"


@pytest.fixture
def script() -> Iterator[Script]:
    """Of a time limit that no test can wait for, with a case and a recorded event."""
    with arena_registered():
        made = make_script(LIVE)
        (found,) = record("arena", "scorer", "arena.hit", [{"points": 3}], key="ada")
        keep(client_of("view", "edit", "run", "publish", name="olga"), "three", execution=str(found.pk))
        made.max_execution_time = 300
        made.save(update_fields=["max_execution_time"])
        yield made


@pytest.fixture
def designer(script: Script) -> Client:
    return client_of("view", "edit", "run", "publish")


def busy_sandboxes() -> list[int]:
    return [box.pid for box in get_pool().stats().sandboxes if box.busy]


@pytest.mark.slow
@pytest.mark.parametrize("work", ["api/cases", "api/replay"])
def test_what_nobody_waits_for_any_more_is_stopped_in_the_middle_of_a_run(
    designer: Client, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "SECONDS", 300)
    monkeypatch.setattr(replays, "BY_ITSELF_SECONDS", 300)
    answers: list[tuple[int, Any]] = []
    asked = {"source": ENDLESS, "trial": "first"}
    begun = threading.Thread(target=lambda: answers.append(ask(designer, "POST", work, **asked)))
    begun.start()
    wait_until(busy_sandboxes, 60, what="the run")
    assert ask(designer, "POST", "api/cancel", trial="first") == (200, {})
    begun.join(60)
    assert not begun.is_alive()
    assert not busy_sandboxes()
    assert [status for status, _ in answers] == [200]
    assert not ReplayReport.objects.exists(), "nobody looks for what was stopped"


@pytest.mark.slow
def test_what_a_page_begins_by_itself_ends_with_its_time_in_the_middle_of_a_run(
    designer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "SECONDS", 0.3)
    monkeypatch.setattr(replays, "BY_ITSELF_SECONDS", 0.3)
    status, ran = ask(designer, "POST", "api/cases", source=ENDLESS)
    assert (status, ran["red"]) == (200, 1)
    assert ran["cases"][0]["message"] == "it has not run to its end: the time for all cases was up"
    status, replayed = ask(designer, "POST", "api/replay", source=ENDLESS)
    assert status == 200
    assert replayed["sentence"] == "no recorded decision could be replayed (its time was up after 0 of 1)"
