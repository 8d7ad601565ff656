"""The frame of the workbench's pages: the site's own names, however the admin's theme is told them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.functional import lazystr

pytestmark = pytest.mark.django_db


def shown() -> str:
    """The list of scripts, as somebody who may see it."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client.get(reverse("workbench:scripts")).content.decode()


def here(request: Any) -> str:
    return f"Studio at {request.path}"


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Studio", "Studio"),
        ("Studio 2.0", "Studio 2.0"),
        (here, "Studio at /scripts/"),
        (f"{__name__}.here", "Studio at /scripts/"),
        (lazystr("A studio"), "A studio"),
    ],
    ids=["plain", "with a dot", "a function", "the name of a function", "lazy"],
)
def test_a_page_has_the_title_and_the_header_that_the_theme_is_told(settings: Any, title: Any, words: str) -> None:
    settings.UNFOLD = settings.UNFOLD | {"SITE_TITLE": title, "SITE_HEADER": title}
    page = shown()
    assert f"<title>Scripts · {words}</title>" in page
    assert f'aria-label="{words}"' in page


def test_a_theme_that_is_told_no_title_shows_the_admins_own(settings: Any) -> None:
    settings.UNFOLD = {name: value for name, value in settings.UNFOLD.items() if name != "SITE_TITLE"}
    assert "<title>Scripts · None</title>" in shown(), "as on the theme's pages"


def test_a_title_that_the_theme_changes_for_all_pages_is_shown(settings: Any) -> None:
    settings.UNFOLD = settings.UNFOLD | {"GLOBAL_CALLBACK": f"{__name__}.for_all"}
    assert "<title>Scripts · Tonight</title>" in shown()


def for_all(request: Any) -> dict[str, str]:
    return {"site_title": "Tonight"}
