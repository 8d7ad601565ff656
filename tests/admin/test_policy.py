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
from scripting.models import Execution, Script
from scripting.registry import publishing
from scripting.registry.active import registry
from scripting.registry.publishing import AnyBase
from scripting.sources import sync
from scripting.types import ExecutionRequest
from tests.support.browser import chromium
from tests.support.game import BROKEN, Game

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

REPORT = """addEventListener('securitypolicyviolation', (event) =>
    console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`), true)"""
PASSWORD = "a walk through it all"


@pytest.fixture
def boss(game: Game) -> User:
    """A superuser, with something on every page."""
    user = User.objects.create_superuser("boss", password=PASSWORD)
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


def test_the_themes_pages_admit_eval_and_no_inline_style(client_of_boss: Client) -> None:
    themed = [reverse("admin:index"), reverse("admin:scripting_script_changelist"), reverse("admin:auth_user_add")]
    for address in [*themed, "/django-rq/"]:
        found = policy(client_of_boss, address)
        assert found["script-src"] == ["'self'", "'unsafe-eval'"], address
        assert found["style-src"] == ["'self'"]
        assert not [name for name in found if name.startswith(("style-src-", "script-src-"))]


def every_page() -> list[str]:
    """The pages of every model that the admin shows, found in the admin itself, and those beside them."""
    found = [reverse("admin:index"), reverse("admin:password_change")]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        one = model._default_manager.first()
        kinds = [("add", [])] + ([(kind, [one.pk]) for kind in ("change", "history", "delete")] if one else [])
        found += [reverse(f"{name}_{kind}", args=args) for kind, args in kinds]
        if one is not None and hasattr(one, "history") and one.history.exists():
            found.append(reverse(f"{name}_simple_history", args=[one.pk, one.history.first().pk]))
    for app in {model._meta.app_label for model in admin.site._registry}:
        found.append(reverse("admin:app_list", args=[app]))
    user = User.objects.first()
    assert user is not None
    of_script = reverse("admin:scripting_script_change", args=[Script.objects.get(name="dice").pk])
    found.append(reverse("admin:auth_user_password_change", args=[user.pk]))
    found += [of_script.replace("change", end) for end in ("publish", "rollback/1", "revert", "extract")]
    found += [reverse("admin:scripting_execution_figures"), "/admin/nothing/here/"]
    return [*found, "/django-rq/", "/django-rq/queues/0/", "/django-rq/workers/0/"]


def is_expected(status: int, message: str) -> bool:
    """The browser itself says so of a page that is refused or not there."""
    return status in {403, 404} and message.startswith("Failed to load resource")


@pytest.mark.e2e
def test_no_page_of_the_admin_breaks_the_policy_or_complains(boss: User, live_server: Any) -> None:
    addresses = every_page()
    problems: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.add_init_script(REPORT)
        said: list[str] = []
        page.on("console", lambda m: said.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        log_in(page, live_server.url)
        for address in addresses:
            said.clear()
            response = page.goto(live_server.url + address)
            assert response is not None
            assert response.status in {200, 403, 404}, address
            choose_a_row(page)
            problems += [f"{address}: {text}" for text in said if not is_expected(response.status, text)]
    assert len(addresses) > 30
    assert problems == []


def log_in(page: Page, url: str) -> None:
    page.goto(f"{url}{reverse('admin:login')}?next={reverse('admin:index')}")
    page.fill("input[name=username]", "boss")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.get_by_text("Latest runs")).to_be_visible()


def choose_a_row(page: Page) -> None:
    """Where a list has actions, their bar is shown, as wide as the list."""
    boxes = page.locator("#result_list input.action-select")
    bar = page.locator("#changelist-actions")
    if not boxes.count() or not bar.count():
        return
    boxes.first.check()
    expect(bar).to_be_visible()
    width = page.locator("#changelist-form").bounding_box()
    shown = bar.bounding_box()
    assert width is not None
    assert shown is not None
    assert abs(width["width"] - shown["width"]) < 40, "the theme's bar got its width"
