"""Every change of what runs is announced once: one step of the generation, and one notice that carries it."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.urls import reverse

from scripting.engine import get_engine
from scripting.models import Activation, Breaker, Script
from scripting.processes import generation, notices
from scripting.processes.notices import Notice
from scripting.registry import activating, lifecycle, publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.types import ExecutionRequest, ScriptInput
from tests.admin.people import staff
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)

Heard = queue.SimpleQueue[Notice]


@contextmanager
def one_announcement(heard: Heard, kind: str) -> Iterator[None]:
    """The block changes what runs once, and everybody is told once."""
    registry.forget()
    before = generation.read()
    yield
    after = generation.read()
    assert generation.number(after) == generation.number(before) + 1
    notice = heard.get(timeout=30)
    assert (notice.kind, notice.generation) == (kind, after)
    end = Notice(notices.CHANGED, "arena", "the end")
    notices.send(end)
    assert heard.get(timeout=30) == end, "there was a second one"


@pytest.fixture
def script(arena: Arena, heard: Heard) -> Script:
    """The arena's scorer on v2; what its making announced has been heard."""
    make_script("result = {'points': 1}")
    script = make_script("if broken: 1 / 0\nresult = {'points': 2}")
    while heard.get(timeout=30).number != 2:
        pass
    return script


def test_limits_saved_in_the_admin_are_announced(script: Script, heard: Heard) -> None:
    client = staff("designer", "change_script", "edit_script", "publish_script", "run_script")
    with one_announcement(heard, "changed"):
        form = reverse("admin:scripting_script_change", args=[script.pk])
        assert (
            client.post(form, {"max_execution_time": "2.5", "max_memory_bytes": "", "reason": "slow"}).status_code
            == 302
        )
    assert registry.resolve("arena", "scorer").limits.max_execution_time == 2.5


@pytest.mark.parametrize(
    "switch",
    [lifecycle.disable, lifecycle.enable, lifecycle.pin, lifecycle.unpin, lifecycle.retire, lifecycle.bring_back],
)
def test_a_switch_is_announced(script: Script, heard: Heard, switch: Callable[..., None]) -> None:
    with one_announcement(heard, "changed"):
        switch(script, actor=None, reason="for a test")


def test_publishing_rolling_back_and_reverting_are_announced_with_what_they_are(script: Script, heard: Heard) -> None:
    with one_announcement(heard, "activated"):
        text = "result = {'points': 3}"
        publishing.publish(script, "python", text, actor=None, reason="for a test", base=AnyBase)
    with one_announcement(heard, "activated"):
        publishing.rollback(script, 1, actor=None, reason="for a test")
    with one_announcement(heard, "reverted"):
        activating.activate(script, None, Activation.Cause.FILE_DELETED, base=AnyBase, changes={"file_digest": ""})


@pytest.mark.parametrize("field", sorted({f.name for f in Script._meta.concrete_fields} - {"id", "active_version"}))
def test_no_save_of_a_script_is_forgotten(script: Script, heard: Heard, field: str) -> None:
    """But for the active version, which `activate` alone saves."""
    with one_announcement(heard, "changed"):
        script.save(update_fields=[field])


def test_a_save_of_everything_is_announced(script: Script, heard: Heard) -> None:
    with one_announcement(heard, "changed"):
        script.save()


def test_what_is_not_committed_is_not_announced(script: Script, heard: Heard) -> None:
    before = generation.read()
    with transaction.atomic():
        lifecycle.disable(script, actor=None, reason="for a test")
        transaction.set_rollback(True)
    assert generation.read() == before
    assert heard.empty()


def hit(*, broken: bool) -> None:
    request = ExecutionRequest("arena", "scorer", ScriptInput({"broken": broken}), trigger="event", key="ada")
    get_engine().execute(request)


@pytest.mark.parametrize(("broken", "kind"), [(True, "breaker_opened"), (False, "breaker_closed")])
def test_a_breaker_that_opens_and_how_its_trial_went_are_announced(
    script: Script, heard: Heard, settings: pytest.FixtureRequest, *, broken: bool, kind: str
) -> None:
    settings.SCRIPTING_BREAKER_FAILURES = 2
    hit(broken=True)
    with one_announcement(heard, "breaker_opened"):
        hit(broken=True)
    Breaker.objects.update(opened_at=datetime.now(UTC) - timedelta(hours=1))
    with one_announcement(heard, kind):
        hit(broken=broken)


def test_a_fallback_that_is_one_no_longer_is_announced(
    script: Script, heard: Heard, settings: pytest.FixtureRequest
) -> None:
    settings.SCRIPTING_BREAKER_FAILURES = 2
    make_script("1 / 0")
    assert heard.get(timeout=30).number == 3
    hit(broken=True)
    registry.forget()
    Breaker.objects.filter(version__number=3).delete()
    with one_announcement(heard, "breaker_fallback_failed"):
        hit(broken=True)
