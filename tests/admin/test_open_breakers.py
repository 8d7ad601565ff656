"""A script whose breaker is open: its pages, those of its versions, the list and the Overview name the fallback."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from scripting.engine import get_engine
from scripting.models import Script
from scripting.registry import publishing, storing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.types import ExecutionRequest
from tests.admin.people import page

pytestmark = pytest.mark.django_db(transaction=True)

SAYS = "v2 failed 3 times in a row, last"


@pytest.fixture
def failing(script: Script, settings: pytest.FixtureRequest) -> Script:
    """Its second version has failed until its breaker opened; the first is the default."""
    settings.SCRIPTING_BREAKER_FAILURES = 3
    publishing.publish(script, "python", "result = 1 / 0\n", actor=None, reason="a mistake", base=AnyBase)
    registry.forget()
    for _ in range(3):
        get_engine().execute(ExecutionRequest("chess_club", "dice", trigger="event"))
    return script


def text_of(client: Client, address: str) -> str:
    """The words of the page, without its markup."""
    whole = re.sub(r"<[^>]+>", " ", client.get(address).content.decode())
    return re.sub(r" (?=[,.;:])", "", re.sub(r"\s+", " ", whole))


def version_page(script: Script, number: int) -> str:
    return reverse("admin:scripting_scriptversion_change", args=[script.versions.get(number=number).pk])


def test_its_page_says_since_when_until_when_and_what_stands_in(failing: Script, viewer: Client) -> None:
    text = text_of(viewer, page(failing, "change"))
    assert "Runs now the default (v1); v2 editor · python is active" in text
    pause = r"breaker open v2 failed 3 times in a row, last [\d: -]+: the default \(v1\) decides as fallback until [\d: -]+, then the next run tries v2 again"
    assert re.search(pause, text), text
    assert "ZeroDivisionError: division by zero" in text
    assert "It runs whenever its module calls it" not in text
    assert (
        f"?script={failing.pk}&amp;version={failing.active_version_id}&amp;status=tried"
        in viewer.get(page(failing, "change")).content.decode()
    )


def test_who_may_not_see_executions_is_not_sent_to_them(failing: Script) -> None:
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_script"))
    client = Client()
    client.force_login(user)
    text = text_of(client, page(failing, "change"))
    assert SAYS in text
    assert "See the failures" not in text


def test_the_withheld_version_and_the_one_that_stands_in_say_it_and_no_other(failing: Script, viewer: Client) -> None:
    assert SAYS in text_of(viewer, version_page(failing, 2))
    assert SAYS in text_of(viewer, version_page(failing, 1))
    storing.store(failing, "python", b"result = 3\n", "editor")
    assert SAYS not in text_of(viewer, version_page(failing, 3))


@pytest.mark.slow
def test_the_list_and_the_overview_name_it_until_another_version_is_active(failing: Script, viewer: Client) -> None:
    scripts = reverse("admin:scripting_script_changelist")
    assert "breaker open" in text_of(viewer, scripts)
    assert f"chess_club/dice breaker open {SAYS}" in text_of(viewer, reverse("admin:index"))
    publishing.rollback(failing, 1, actor=None, reason="better so")
    assert "breaker open" not in text_of(viewer, scripts)
    assert "failed 3 times" not in text_of(viewer, reverse("admin:index"))
    assert "It runs whenever its module calls it" in text_of(viewer, page(failing, "change"))
