"""Guessing a password: after some failures even the right one is refused for a while, and the form says so."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from goby_site.accounts.throttle import FAILURES_OF_ADDRESS, FAILURES_OF_NAME
from tests.support.redis import RedisServer

pytestmark = pytest.mark.django_db

WORDS = "Too many logins have failed"


@pytest.fixture(autouse=True)
def people() -> None:
    for name in ("ada", "ben"):
        User.objects.create_user(name, password="a right one", is_staff=True)


def attempt(client: Client, password: str, name: str = "ada", address: str = "192.0.2.7") -> str:
    """What the login form says: nothing when it lets in."""
    form = {"username": name, "password": password}
    response = client.post("/admin/login/?next=/healthz", form, REMOTE_ADDR=address)
    return "" if response.status_code == 302 else response.content.decode()


def test_after_some_failures_the_right_password_is_refused_too_and_the_form_says_so(client: Client) -> None:
    for _ in range(FAILURES_OF_NAME):
        assert WORDS not in attempt(client, "a wrong one")
    assert WORDS in attempt(client, "a right one")
    assert WORDS in attempt(client, "a right one", name="ADA")


def test_neither_others_nor_the_owner_elsewhere_are_kept_out(client: Client) -> None:
    for _ in range(FAILURES_OF_NAME):
        attempt(client, "a wrong one")
    assert attempt(client, "a right one", name="ben") == ""
    assert attempt(client, "a right one", address="192.0.2.8") == ""


def test_an_address_that_tries_many_names_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goby_site.accounts.throttle.FAILURES_OF_ADDRESS", FAILURES_OF_ADDRESS // 20)
    for number in range(FAILURES_OF_ADDRESS // 20):
        attempt(client, "a wrong one", name=f"nobody{number}")
    assert WORDS in attempt(client, "a right one")


def test_nobody_is_kept_out_while_redis_is_away(client: Client, redis_server: RedisServer) -> None:
    redis_server.stop()
    assert attempt(client, "a right one") == ""
