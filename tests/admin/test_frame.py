"""The frame of our own pages in the admin, without the theme's scripts: its menu on narrow windows, and light or dark as chosen."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import expect

from tests.support.browser import chromium

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


def test_the_menu_opens_on_a_tablet_and_the_colours_are_those_of_the_themes_pages(live_server: Any) -> None:
    User.objects.create_superuser("boss", password="browser-test")
    own, themed = (live_server.url + reverse(name) for name in ("admin:scripting_execution_changelist", "admin:index"))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 800, "height": 720}, color_scheme="light")
        page.goto(f"{live_server.url}{reverse('admin:login')}?next={reverse('admin:scripting_execution_changelist')}")
        page.fill("input[name=username]", "boss")
        page.fill("input[name=password]", "browser-test")
        page.click("button[type=submit]")
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
