"""`api_token` makes, lists and revokes tokens of the HTTP API."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from scripting.access import tokens
from scripting.models import ApiToken

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("api_token", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada")


def test_a_token_is_printed_once_and_listed_without_its_secret(ada: User) -> None:
    text = run("make", "ci", "--user", "ada", "--action", "read", "--action", "publish", "-m", "our ci").strip()
    token = tokens.found(text)
    assert token is not None
    assert (token.user, token.actions, token.scripts) == (ada, ["read", "publish"], ["*/*"])
    listed: dict[str, Any] = json.loads(run("list", "--json"))
    assert [each["id"] for each in listed["tokens"]] == [token.public_id]
    assert text.split("_", 2)[2] not in run("list") + json.dumps(listed)


def test_a_revoked_token_says_so(ada: User) -> None:
    run("make", "ci", "--user", "ada", "--action", "read", "-m", "our ci")
    public = ApiToken.objects.get().public_id
    run("revoke", public, "-m", "it leaked", "--by", "ada")
    assert json.loads(run("list", "--json"))["tokens"][0]["state"] == "revoked"
    with pytest.raises(CommandError, match="revoked already"):
        run("revoke", public, "-m", "again")


@pytest.mark.parametrize(
    "arguments",
    [
        ("make", "ci", "--user", "bob", "--action", "read", "-m", "why"),
        ("make", "ci", "--user", "ada", "--action", "all", "-m", "why"),
        ("make", "ci", "--user", "ada", "--action", "read", "-m", " "),
        ("make", "ci", "--user", "ada", "--action", "read", "-m", "why", "--scripts", "wargame"),
        ("make", "ci", "--user", "ada", "--action", "read", "-m", "why", "--network", "home"),
        ("make", "ci", "--user", "ada", "--action", "read", "-m", "why", "--days", "0"),
        ("make", "ci", "--user", "ada", "--action", "read", "-m", "why", "--days", "999999999999"),
        ("make", "ci", "--user", "ada", "--action", "read", "-m", "why", "--per-minute", "-4"),
        ("make", "ci", "--user", "ada", "--action", "read", "-m", "why", "--per-minute", "99999999999"),
        ("make", "c\udcff", "--user", "ada", "--action", "read", "-m", "why"),
        ("revoke", "000000000000", "-m", "why"),
        (),
    ],
)
def test_what_makes_no_sense_is_refused(ada: User, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
    assert not ApiToken.objects.exists()


def test_an_empty_list_says_how_to_make_one(db: None) -> None:
    assert "api_token make" in run("list")
