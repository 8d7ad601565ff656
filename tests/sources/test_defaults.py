"""Embedded defaults reach the registry: requirements 2.1 to 2.5."""

from __future__ import annotations

import pytest

from scripting.engine import get_engine
from scripting.models import Activation, Script, ScriptVersion
from scripting.registry import publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.sources import sync
from scripting.types import ExecutionRequest
from tests.support.game import BETTER, BROKEN, GOOD, Game

pytestmark = pytest.mark.django_db(transaction=True)


def outcomes(steps: list[sync.Step]) -> dict[str, str]:
    return {step.script: step.outcome for step in steps}


def test_defaults_inside_a_package_are_found_and_become_active_by_module(game: Game) -> None:
    """Requirements 2.1, 2.2, 2.4."""
    game.ship("dice")
    game.ship("score_board")
    steps = sync.sync()
    assert outcomes(steps) == {"chess_club/dice": "activated", "chess_club/score_board": "activated"}
    listed = {(s.module, s.name): s.active_version.origin for s in Script.objects.select_related("active_version")}
    assert listed == {("chess_club", "dice"): "embedded", ("chess_club", "score_board"): "embedded"}
    assert [a.cause for a in Activation.objects.all()] == ["default", "default"]


def test_with_nothing_overriding_the_default_is_what_runs(game: Game) -> None:
    """Requirements 2.3 and 2.5: the same call runs a default and an override."""
    game.ship("dice")
    sync.sync()
    request = ExecutionRequest("chess_club", "dice")
    assert get_engine().execute(request).result == {"points": 1}
    game.override("dice")
    sync.sync()
    registry.forget()
    assert get_engine().execute(request).result == {"points": 2}


def test_looking_again_changes_nothing(game: Game) -> None:
    game.ship("dice")
    game.override("dice")
    sync.sync()
    before = (ScriptVersion.objects.count(), Activation.objects.count())
    assert set(outcomes(sync.sync()).values()) == {"unchanged"}
    assert (ScriptVersion.objects.count(), Activation.objects.count()) == before


def test_an_upgraded_default_replaces_the_previous_one(game: Game) -> None:
    game.ship("dice")
    sync.sync()
    game.ship("dice", BETTER)
    assert outcomes(sync.sync()) == {"chess_club/dice": "upgraded"}
    assert game.active_text("dice") == BETTER
    assert game.script("dice").activations.first().cause == "upgrade"


@pytest.mark.parametrize("why", ["pinned", "file", "published"])
def test_an_upgraded_default_is_stored_and_flagged_where_something_else_was_chosen(game: Game, why: str) -> None:
    game.ship("dice")
    sync.sync()
    script = game.script("dice")
    if why == "pinned":
        script.pinned = True
        script.save()
    elif why == "file":
        game.override("dice", GOOD)  # a present file is an override even when it equals the default
        sync.sync()
    else:
        publishing.publish(script, "python", "result = 7\n", actor=None, reason="balance", base=AnyBase)
    before = game.active_text("dice")
    game.ship("dice", BETTER)
    steps = [step for step in sync.sync() if step.source == "default"]
    assert outcomes(steps) == {"chess_club/dice": "flagged"}
    assert game.active_text("dice") == before
    assert game.script("dice").default_version.text == BETTER


def test_a_default_that_fails_its_check_is_kept_rejected_and_the_previous_one_stays(game: Game) -> None:
    game.ship("dice")
    sync.sync()
    game.ship("dice", BROKEN)
    (step,) = sync.sync()
    assert step.is_failure
    assert "invalid_syntax" in step.detail
    assert game.active_text("dice") == GOOD
    assert game.script("dice").versions.rejected().get().source == BROKEN


def test_a_script_whose_default_vanished_from_the_package_keeps_running_and_it_is_said(game: Game) -> None:
    game.ship("dice")
    sync.sync()
    game.unship("dice")
    (step,) = sync.sync()
    assert step.outcome == "vanished"
    assert "keeps running" in step.detail
    assert game.active_text("dice") == GOOD


def test_a_default_that_comes_after_a_file_is_stored_and_the_file_stays_active(game: Game) -> None:
    game.override("dice")
    sync.sync()
    game.ship("dice")
    sync.sync()
    assert game.active_text("dice") == BETTER
    assert game.script("dice").default_version.text == GOOD


def test_files_that_are_no_scripts_are_not_shipped(game: Game) -> None:
    for name in ("__init__.py", "Upper.py", ".hidden.py", "notes.txt", "dice.py~"):
        (game.package / "scripts" / name).write_text(GOOD)
    assert sync.sync() == []
