"""Pages offer a person the ways that are open to them: no entry of a menu ends in a refusal."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from scripting.sources import sync

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tuner(settings: Settings) -> Client:
    """Somebody who may set knobs, and nothing else."""
    settings.GOBY_DEMO = settings.WARGAME_PUBLIC = True
    sync.sync()
    user = User.objects.create_user("tess", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="tune_script"))
    client = Client()
    client.force_login(user)
    return client


def ways(page: str) -> set[str]:
    """Where the page's menus, its buttons and the end of an error lead."""
    parts = re.findall(
        r'<nav\b.*?</nav>|<p class="(?:ways|goby-actions)">.*?</p>|<a class="button tunes".*?</a>', page, re.DOTALL
    )
    return {link for part in parts for link in re.findall(r'href="(/[^"]*)"', part)}


@pytest.mark.parametrize(
    ("address", "status"), [("/wargame/", 200), ("/scripts/tune/", 200), ("/admin/", 200), ("/scripts/", 403)]
)
def test_who_may_only_tune_is_led_to_the_knobs_and_into_no_refusal(tuner: Client, address: str, status: int) -> None:
    answer = tuner.get(address)
    assert answer.status_code == status
    found = ways(answer.content.decode())
    assert "/scripts/tune/" in found
    assert {way for way in found if tuner.get(way, follow=True).status_code == 403} == set()
