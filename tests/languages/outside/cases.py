"""Promises that a language from an installed package keeps; run by test_outside.py where it is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripting.engine import get_engine
from scripting.execution.replay import replay
from scripting.models import Execution, ScriptVersion
from scripting.registry import storing
from scripting.registry.active import registry
from scripting.runtime.pool import close_pool
from scripting.sandbox.languages.table import LANGUAGES
from scripting.sources import sync
from scripting.types import ExecutionRequest, ScriptInput, ScriptOutput
from scripting.workbench import beginnings
from scripting.workbench.completion import namespace
from tests.support.game import Game, game

__all__ = ["game"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_sandbox_left() -> Iterator[None]:
    registry.forget()
    yield
    registry.forget()
    close_pool()


def run() -> ScriptOutput:
    return get_engine().execute(ExecutionRequest(Game.name, "dice", ScriptInput({"roll": 5}), trigger="endpoint"))


def test_the_table_has_it() -> None:
    assert LANGUAGES["tally"].suffix == ".tally"


def test_a_file_of_it_overrides_a_default_and_an_execution_is_repeated(game: Game) -> None:
    game.ship("dice", "result = roll\n")
    sync.sync(wait=lambda _: None)
    assert run().result == 5
    file = game.scripts / game.name / "dice.tally"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("roll + 2\ngive roll\n")
    sync.sync(wait=lambda _: None)
    registry.forget()
    output = run()
    assert (output.error, output.result) == (None, 7)
    execution = Execution.objects.get(pk=output.execution_id)
    assert execution.version is not None
    assert execution.version.language == "tally"
    assert replay(str(execution.pk)).identical
    file.unlink()
    sync.sync(wait=lambda _: None)
    registry.forget()
    assert run().result == 5


def test_a_check_says_where_it_is_wrong(game: Game) -> None:
    game.ship("dice", "result = roll\n")
    sync.sync(wait=lambda _: None)
    version, diagnostics = storing.store(
        game.script("dice"), "tally", b"roll + 1\nroll / 2\n", ScriptVersion.Origin.EDITOR
    )
    assert not version.accepted
    assert (diagnostics[0].line, diagnostics[0].message) == (2, "write name + number, or give name")


def test_the_workbench_offers_its_names(game: Game) -> None:
    game.ship("dice", "result = roll\n")
    sync.sync(wait=lambda _: None)
    assert "give" in {entry["name"] for entry in namespace(game.script("dice"), "tally")["builtins"]}


def test_a_new_script_begins_with_its_template_or_empty(game: Game) -> None:
    given = {"module": Game.name, "name": "fresh", "purpose": ""}
    assert beginnings.text_for("tally", "event", **given) == "roll + 2\ngive roll\n"
    assert beginnings.text_for("tally", "helper", **given) == ""
