"""The admin in a real browser: its theme works under the site's policy, without a complaint in the console."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.support.browser import barriers

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_signing_in_and_the_index_complain_of_nothing(page: Page, live_server: LiveServer) -> None:
    User.objects.create_superuser("root", password="long enough to be one")
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{live_server.url}/admin/")
    page.fill("input[name=username]", "root")
    page.fill("input[name=password]", "long enough to be one")
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/admin/")
    primary = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--color-primary-600')")
    assert "oklch" in primary
    page.goto(f"{live_server.url}/admin/auth/user/")
    page.wait_for_selector("#result_list, table")
    assert complaints == []


def press_until(page: Page, key: str, wanted: str) -> None:
    """Press Tab until the element of that name has the focus, then the key."""
    for _ in range(80):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "document.activeElement.ariaLabel || document.activeElement.textContent.trim().split(/\\s/)[0]"
        )
        if name == wanted:
            page.keyboard.press(key)
            return
    raise AssertionError(f"no {wanted} among what Tab reaches")


def test_filters_and_the_menu_open_by_the_keyboard_and_have_the_focus(page: Page, live_server: LiveServer) -> None:
    User.objects.create_superuser("root", password="long enough to be one")
    page.set_viewport_size({"width": 820, "height": 800})
    page.goto(f"{live_server.url}/admin/login/?next=/admin/wargame/battlelogentry/")
    page.fill("input[name=username]", "root")
    page.fill("input[name=password]", "long enough to be one")
    page.click("button[type=submit]")
    page.wait_for_url("**/battlelogentry/")
    page.wait_for_load_state()
    press_until(page, "Enter", "Filters")
    page.wait_for_function("document.activeElement.closest('#changelist-filter')")
    page.keyboard.press("Escape")
    page.wait_for_selector("#changelist-filter", state="hidden")
    page.reload()
    press_until(page, " ", "Menu")
    page.wait_for_function("document.activeElement.closest('#nav-sidebar')")


LIST = """<!doctype html><html lang="en"><title>A list</title>
<style>body { background: #fff } .pale, .odd:nth-child(odd), .one:nth-child(38) { color: #ddd } @media (prefers-color-scheme: dark) { .dim { color: #eee } }</style>
<main><h1>A list</h1><ul>%s</ul></main>"""


def test_a_pale_line_is_found_wherever_it_is_in_a_list_whose_lines_are_alike(page: Page) -> None:
    """A line that can be read stands for those of the same colours alone."""

    def found(line: str, *, of_all: bool = False, **options: bool) -> bool:
        lines = [line if of_all or number == 37 else f"<li>line {number}</li>" for number in range(60)]
        page.set_content(LIST % "".join(lines))
        return any("color-contrast" in one for one in barriers(page, **options))

    assert not found("<li>line</li>")
    assert not found('<li class="dim">line</li>')
    assert found('<li class="pale">line</li>')
    assert found('<li class="pale">line</li>', of_all=True)
    assert found('<li class="odd">line</li>', of_all=True)
    assert found('<li class="one">line</li>', of_all=True)
    assert found('<li>line <b class="pale">of another</b></li>')
    page.emulate_media(color_scheme="dark")
    assert found('<li class="dim">line</li>', colours_only=True)
