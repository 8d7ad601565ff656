"""For tests of the command `goby`: a folder of rules, and the chess club on a server that the environment names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from scripting.access import tokens
from scripting.access.tokens import Wanted
from scripting.client import main as command
from scripting.models import Script
from scripting.registry import publishing
from scripting.registry.moves import AnyBase
from scripting.sources import sync
from tests.support.game import Game, game

__all__ = ["game"]

DICE = "a = 1\nb = 2\nc = 3\nd = 4\ne = 5\nresult = {'points': a + e}\n"
PERMISSIONS = ("view_script", "edit_script", "run_script", "publish_script")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "rules"


@pytest.fixture
def server(game: Game, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Game:
    """The chess club on a server, which the environment names."""
    user = User.objects.create_user("ci", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=PERMISSIONS))
    _, text = tokens.make(Wanted("ci", user, ("read", "check", "try", "publish")), actor=user, reason="for a test")
    monkeypatch.setenv("GOBY_SERVER", live_server.url)
    monkeypatch.setenv("GOBY_TOKEN", text)
    game.ship("dice", DICE)
    sync.sync()
    return game


def goby(*arguments: str | Path) -> int:
    return command.main([str(each) for each in arguments])


def live_text() -> str:
    version = Script.objects.get(module="chess_club", name="dice").active_version
    assert version is not None
    return version.text


def publish(text: str) -> None:
    """As somebody does in the browser."""
    script = Script.objects.get(module="chess_club", name="dice")
    publishing.publish(script, "python", text, actor=None, reason="in the browser", base=AnyBase)


def write(folder: Path, text: str, name: str = "chess_club/dice.py") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
