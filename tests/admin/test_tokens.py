"""Tokens of the API in the admin: made and shown once, listed without their secret, revoked with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from scripting.access import tokens
from scripting.models import ApiToken

pytestmark = pytest.mark.django_db

LIST = "/admin/scripting/apitoken/"
GIVEN = {"name": "ci", "actions": ["read", "check"], "scripts": "wargame/* shared/*", "days": "30", "reason": "our ci"}


@pytest.fixture
def keeper(client: Client) -> Client:
    """Somebody who may make and revoke tokens."""
    user = User.objects.create_user("keeper", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__model="apitoken"))
    client.force_login(user)
    return client


def shown(response: Any) -> str:
    """The token on the page."""
    return str(response.context["text"])


def test_a_token_is_shown_once_where_it_is_made(keeper: Client) -> None:
    answer = keeper.post(f"{LIST}add/", GIVEN)
    assert shown(answer) in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    token = tokens.found(shown(answer))
    assert token is not None
    assert (token.user.get_username(), token.actions, token.scripts) == (
        "keeper",
        ["read", "check"],
        ["wargame/*", "shared/*"],
    )
    for page in (LIST, f"{LIST}{token.pk}/change/"):
        later = keeper.get(page).content.decode()
        assert token.public_id in later
        assert shown(answer).split("_", 2)[2] not in later


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"actions": []}, {"scripts": "wargame"}, {"networks": "home"}, {"days": "0"}, {"reason": ""}],
    ids=str,
)
def test_a_form_that_makes_no_sense_is_shown_again_with_what_to_mend(keeper: Client, change: dict[str, Any]) -> None:
    answer = keeper.post(f"{LIST}add/", {**GIVEN, **change})
    assert answer.status_code == 422
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked_with_a_reason_and_only_once(keeper: Client) -> None:
    keeper.post(f"{LIST}add/", GIVEN)
    token = ApiToken.objects.get()
    page = f"{LIST}{token.pk}/revoke/"
    assert page in keeper.get(f"{LIST}{token.pk}/change/").content.decode()
    assert keeper.post(page, {"reason": ""}).status_code == 422
    assert keeper.post(page, {"reason": "it leaked"}).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert "revoked: it leaked (keeper)" in keeper.get(f"{LIST}{token.pk}/change/").content.decode()
    assert page not in keeper.get(f"{LIST}{token.pk}/change/").content.decode()
    assert keeper.post(page, {"reason": "again"}).status_code == 422
