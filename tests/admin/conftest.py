"""The small game that the tests of this folder are tried on, one script of it, and who looks at its pages."""

import pytest
from django.test import Client

from scripting.models import Script
from scripting.sources import sync
from tests.admin.people import staff
from tests.support.game import Game, game


@pytest.fixture
def script(game: Game) -> Script:
    game.ship("dice")
    sync.sync()
    return game.script("dice")


@pytest.fixture
def viewer(db: None) -> Client:
    return staff("viewer")


@pytest.fixture
def designer(db: None) -> Client:
    return staff("designer", "change_script", "edit_script", "publish_script", "run_script")


__all__ = ["designer", "game", "script", "viewer"]
