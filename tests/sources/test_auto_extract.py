"""A module that asks for it has its defaults on disk after sync_scripts (requirement 4.1)."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import call_command

from scripting.modules.installed import modules
from tests.support.game import BETTER, GOOD, Game

pytestmark = pytest.mark.django_db(transaction=True)


def test_4_1_the_defaults_of_a_module_with_auto_extract_are_written_at_sync_and_files_kept(game: Game) -> None:
    """Requirements 4.1, 4.2, 4.4, 4.5."""
    [module] = modules
    type(module).config = replace(module.config, auto_extract=True)
    game.ship("dice")
    game.ship("coin")
    game.override("coin", BETTER)
    said = StringIO()
    call_command("sync_scripts", stdout=said)
    assert (game.scripts / "chess_club" / "dice.py").read_text() == GOOD
    assert (game.scripts / "chess_club" / "coin.py").read_text() == BETTER
    assert "dice.py: written" in said.getvalue()
    assert game.active_text("dice") == GOOD
    assert game.script("dice").active_version.origin == "embedded", "extraction activates nothing"  # type: ignore[union-attr]
    again = StringIO()
    call_command("sync_scripts", stdout=again)
    assert "written" not in again.getvalue()
