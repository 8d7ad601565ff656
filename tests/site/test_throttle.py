"""Guessing a password: after some failures even the right one is refused for a while, and the form says so."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from goby_site.accounts import throttle
from goby_site.accounts.throttle import FAILURES_OF_ADDRESS, FAILURES_OF_NAME, WINDOW_SECONDS
from scripting.storage.redis_client import key, redis_client
from tests.support.redis import RedisServer

pytestmark = pytest.mark.django_db

WORDS = "Too many logins have failed"


@pytest.fixture(autouse=True)
def people() -> None:
    for name in ("ada", "ben"):
        User.objects.create_user(name, password="a right one", is_staff=True)


def attempt(client: Client, password: str, name: str = "ada", address: str = "192.0.2.7") -> str:
    """The message of the login form: none when it lets in."""
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


def test_a_name_that_is_guessed_from_everywhere_waits_but_not_where_its_owner_was_before(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goby_site.accounts.throttle.FAILURES_OF_NAME_ANYWHERE", 6)
    assert attempt(client, "a right one", address="192.0.2.200") == ""
    for number in range(6):
        assert WORDS not in attempt(client, "a wrong one", address=f"192.0.2.{number}")
    assert WORDS in attempt(client, "a right one", address="192.0.2.99")
    assert attempt(client, "a right one", address="192.0.2.200") == ""


def test_a_visitor_behind_the_same_proxy_does_not_close_the_site_to_those_who_were_there_before(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goby_site.accounts.throttle.FAILURES_OF_ADDRESS", 5)
    assert attempt(client, "a right one", name="ben") == ""
    for number in range(5):
        attempt(client, "a wrong one", name=f"nobody{number}")
    assert WORDS in attempt(client, "a right one", name="ada")
    assert attempt(client, "a right one", name="ben") == ""


def test_an_ipv6_address_counts_as_its_network(client: Client) -> None:
    for number in range(FAILURES_OF_NAME):
        attempt(client, "a wrong one", address=f"2001:db8:1:2::{number:x}")
    assert WORDS in attempt(client, "a right one", address="2001:db8:1:2:ffff::1")
    assert attempt(client, "a right one", address="2001:db8:1:3::1") == ""


@pytest.mark.slow
def test_right_passwords_are_not_counted_and_waiting_is_not_made_longer_by_trying(client: Client) -> None:
    for _ in range(2 * FAILURES_OF_NAME):
        assert attempt(client, "a right one") == ""
    for _ in range(2 * FAILURES_OF_NAME):
        attempt(client, "a wrong one")
    left = redis_client().pttl(key("logins", "pair", throttle._digest("192.0.2.7 ada")))
    assert 0 < left <= WINDOW_SECONDS * 1000
    assert int(redis_client().get(key("logins", "pair", throttle._digest("192.0.2.7 ada")))) == FAILURES_OF_NAME


def test_without_redis_each_process_counts_by_itself(client: Client, redis_server: RedisServer) -> None:
    redis_server.kill()
    for _ in range(FAILURES_OF_NAME):
        assert WORDS not in attempt(client, "a wrong one", name="eve", address="192.0.2.77")
    assert WORDS in attempt(client, "a wrong one", name="eve", address="192.0.2.77")
    assert attempt(client, "a right one", address="192.0.2.77") == "", "others are let in"
