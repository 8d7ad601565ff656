"""The policy of the pages: none of our own admits anything unsafe, the theme's admit eval alone, and no page needs more."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from scripting.engine import get_engine
from scripting.metrics import error_groups
from scripting.models import Execution
from scripting.registry import publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.sources import sync
from scripting.types import ExecutionRequest
from tests.support.browser import be
from tests.support.game import BROKEN, Game

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boss(game: Game) -> User:
    """A superuser, with something on every page."""
    user = User.objects.create_superuser("boss")
    User.objects.create_user("someone").groups.add(Group.objects.create(name="readers"))
    game.ship("dice", "log('a line')\nresult = double(21)\n")
    sync.sync()
    game.override("dice", BROKEN)
    sync.sync()
    publishing.publish(game.script("dice"), "python", "result = 1 / 0\n", actor=None, reason="a mistake", base=AnyBase)
    registry.forget()
    get_engine().execute(ExecutionRequest("chess_club", "dice", trigger="endpoint"))
    error_groups.fold()
    return user


@pytest.fixture
def client_of_boss(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def policy(client: Client, address: str) -> dict[str, list[str]]:
    """The directives of a page's header."""
    header = client.get(address, follow=True).headers["Content-Security-Policy"]
    return {name: sources for name, *sources in (part.split() for part in header.split(";"))}


@pytest.mark.slow
def test_our_own_pages_run_only_scripts_that_our_templates_wrote(client_of_boss: Client, game: Game) -> None:
    execution = Execution.objects.first()
    assert execution is not None
    own = [
        "/",
        reverse("workbench:scripts"),
        reverse("workbench:script", args=["chess_club", "dice"]),
        reverse("workbench:history", args=["chess_club", "dice"]),
        reverse("admin:scripting_execution_changelist"),
        reverse("admin:scripting_execution_figures"),
        reverse("admin:scripting_execution_change", args=[execution.pk]),
    ]
    for address in own:
        found = policy(client_of_boss, address)
        assert not [source for sources in found.values() for source in sources if "unsafe" in source], address
        assert found["default-src"] == ["'none'"]
        assert len(found["script-src"]) == 1, address
        assert re.fullmatch(r"'nonce-[\w+/=]{20,}'", found["script-src"][0]), address


def test_each_answer_has_a_nonce_of_its_own(client_of_boss: Client) -> None:
    address = reverse("workbench:scripts")
    assert policy(client_of_boss, address)["script-src"] != policy(client_of_boss, address)["script-src"]


@pytest.mark.slow
def test_the_themes_pages_admit_eval_and_no_inline_style(client_of_boss: Client) -> None:
    themed = [reverse("admin:index"), reverse("admin:scripting_script_changelist"), reverse("admin:auth_user_add")]
    for address in [*themed, "/django-rq/"]:
        found = policy(client_of_boss, address)
        without_nonce = [source for source in found["script-src"] if not source.startswith("'nonce-")]
        assert without_nonce == ["'self'", "'unsafe-eval'"], address
        assert found["style-src"] == ["'self'"]
        assert not [name for name in found if name.startswith(("style-src-", "script-src-"))]


@pytest.mark.e2e
def test_the_bar_of_actions_is_as_wide_as_its_list(
    boss: User, client_of_boss: Client, page: Page, live_server: Any
) -> None:
    """The theme lays it out by a script, which the policy could keep from it. Of every page the workbench's tests ask the rest."""
    lists = [reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist") for model in admin.site._registry]
    with_a_bar = [address for address in lists if has_a_bar(client_of_boss.get(address).content)]
    assert len(with_a_bar) > 1
    be(page, boss, live_server.url)
    for address in with_a_bar:
        page.goto(live_server.url + address)
        choose_a_row(page)


def has_a_bar(text: bytes) -> bool:
    """Whether the list has actions and a row to choose: others need no browser."""
    return b'name="_selected_action"' in text and b'id="changelist-actions"' in text


def choose_a_row(page: Page) -> None:
    """The bar is shown, as wide as the list."""
    bar = page.locator("#changelist-actions")
    page.locator("#result_list input.action-select").first.check()
    expect(bar).to_be_visible()
    width = page.locator("#changelist-form").bounding_box()
    shown = bar.bounding_box()
    assert width is not None
    assert shown is not None
    assert abs(width["width"] - shown["width"]) < 40, "the theme's bar got its width"
