"""A served endpoint of the chess club, and somebody who may run it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import path

from scripting.endpoints import endpoint_urls
from scripting.registry.active import registry
from scripting.sources import sync
from tests.support.game import Game, game

__all__ = ["game"]

ECHO = "result = {'status': 201, 'body': http_request, 'headers': {'X-Script': 'dice', 'Set-Cookie': 'a=b'}}\n"


@pytest.fixture
def served(game: Game, settings: Any) -> Iterator[Game]:
    """The game's endpoint at /roll."""
    urls = ModuleType("chess_club_urls")
    urls.urlpatterns = [*endpoint_urls("chess_club"), path("login/", lambda request: None, name="login")]  # type: ignore[attr-defined]
    urls.handler400 = "scripting.endpoints.bad_request"  # type: ignore[attr-defined]
    sys.modules[urls.__name__] = urls
    settings.ROOT_URLCONF = urls.__name__
    settings.LOGIN_URL = "login"
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.startswith("goby_site.")]
    game.ship("dice", ECHO)
    sync.sync()
    yield game
    del sys.modules[urls.__name__]


@pytest.fixture
def runner(db: None) -> User:
    user = User.objects.create_user("runner")
    user.user_permissions.add(Permission.objects.get(codename="run_script"))
    return user


@pytest.fixture
def client_of_runner(runner: User) -> Client:
    client = Client()
    client.force_login(runner)
    return client


def runs(game: Game, text: str) -> None:
    game.override("dice", text)
    sync.sync()
    registry.forget()
