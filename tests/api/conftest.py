"""A machine with a token of a designer who may publish events too, before the chess club."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from scripting.access import tokens
from scripting.access.tokens import Wanted
from scripting.api import access
from scripting.models import Action
from scripting.sources import sync
from tests.support.game import Game, game

__all__ = ["game"]

PERMISSIONS = (
    "view_script",
    "edit_script",
    "run_script",
    "publish_script",
    "publish_event",
    "view_execution",
)


@pytest.fixture(autouse=True)
def read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens are read for each request, so that what a test changes counts at once."""
    monkeypatch.setattr(access, "REMEMBERED", 0.0)


@dataclass
class Machine:
    """Asks the API with one token."""

    token: str
    client: Client

    def get(self, address: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{address}", query, headers=self.headers)

    def post(self, address: str, document: Any = None, **headers: str) -> Any:
        body = document if isinstance(document, (str, bytes)) else json.dumps(document or {})
        return self.client.post(
            f"/api/v1/{address}", body, content_type="application/json", headers={**self.headers, **headers}
        )

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@pytest.fixture
def designer(transactional_db: None) -> User:
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=PERMISSIONS))
    return user


def machine_of(user: User, *actions: str, **wanted: Any) -> Machine:
    """A machine with a token of this user."""
    chosen = actions or tuple(Action.values)
    _, text = tokens.make(Wanted("ci", user, chosen, **wanted), actor=user, reason="for a test")
    return Machine(text, Client(raise_request_exception=False))


@pytest.fixture
def club(game: Game, transactional_db: None) -> Game:
    """The chess club with its rule `dice`."""
    game.ship("dice", "result = {'points': message['payload']['sides']}\n")
    sync.sync()
    return game


@pytest.fixture
def machine(club: Game, designer: User) -> Machine:
    return machine_of(designer)
