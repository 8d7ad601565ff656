"""The frame of our own pages in the admin, without the theme's scripts: where the theme's has everything, and with its choices."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.support.browser import be

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_the_menu_opens_on_a_tablet_and_the_colours_are_those_of_the_themes_pages(
    page: Page, live_server: LiveServer
) -> None:
    boss = User.objects.create_superuser("boss", password="browser-test")
    own, themed = (live_server.url + reverse(name) for name in ("admin:scripting_execution_changelist", "admin:index"))
    page.set_viewport_size({"width": 800, "height": 720})
    page.emulate_media(color_scheme="light")
    be(page, boss, live_server.url)
    page.goto(own)
    menu, opener = page.locator("#goby-menu"), page.get_by_role("button", name="Menu")
    expect(menu).to_be_hidden()
    opener.click()
    expect(menu.get_by_role("link", name="Executions")).to_have_attribute("aria-current", "page")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    menu.get_by_text("boss").click()
    menu.get_by_role("button", name="Dark").click()
    expect(page.locator("html.dark")).to_be_attached()
    page.goto(themed)
    expect(page.locator("html.dark")).to_be_attached()
    page.goto(own)
    expect(page.locator("html.dark")).to_be_attached()


def test_nothing_moves_between_the_themes_pages_and_ours_and_the_menu_is_put_away_on_both(
    page: Page, live_server: LiveServer
) -> None:
    boss = User.objects.create_superuser("boss", password="browser-test")
    own, themed = (live_server.url + reverse(name) for name in ("admin:scripting_execution_changelist", "admin:index"))
    be(page, boss, live_server.url)
    page.goto(themed)
    theirs, their_toggle = places(page), page.locator("#header-inner").get_by_text("dock_to_right").first
    page.goto(own)
    assert places(page) == theirs
    toggle, menu = page.get_by_role("button", name="Menu"), page.locator("#goby-menu")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    toggle.click()
    expect(menu).to_be_hidden()
    expect(toggle).to_have_attribute("aria-expanded", "false")
    page.goto(themed)
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    their_toggle.click()
    expect(page.locator("#nav-sidebar")).to_be_visible()
    page.goto(own)
    expect(menu).to_be_visible()
    menu.get_by_text("boss").click()
    expect(menu.get_by_role("link", name="Change password")).to_be_visible()
    page.mouse.click(900, 10)
    expect(menu.get_by_role("link", name="Change password")).to_be_hidden()


def places(page: Page) -> dict[str, list[float]]:
    """Where the items of the menu and what stands around them are, and how large their type is."""
    found: dict[str, list[float]] = page.evaluate(
        """() => {
          const menu = document.querySelector("#nav-sidebar, #goby-menu");
          const parts = [["menu", menu], ["mark", menu.querySelector("img")], ["user", [...menu.querySelectorAll("*")].find(
            (each) => each.children.length === 0 && each.textContent.trim() === "boss")]];
          for (const link of menu.querySelectorAll("li a")) parts.push(["link", link]);
          return Object.fromEntries(parts.map(([name, part], index) => {
            const { x, y, width, height } = part.getBoundingClientRect();
            const at = name === "user" ? [x, y] : [x, y, width, height];
            return [`${index} ${part.getAttribute("href") ?? name}`, [...at.map(Math.round), getComputedStyle(part).fontSize]];
          }));
        }"""
    )
    return found
