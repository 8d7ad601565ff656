"""A running battle on overrides in Tengo and in Zygomys: ours, and the original framework's own scripts, unmodified, where a copy is given.

GOBY_ORIGINAL_SCRIPTS is the path of a folder with the original's .tengo scripts; it is never part of this repository.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from scripting.bus.drain import DrainResult
from scripting.bus.streams import Stream
from scripting.models import Execution, Script
from scripting.registry.active import registry
from scripting.runtime.pool import close_pool
from scripting.workers import drain_job
from wargame.battle import start_battle
from wargame.director import Director
from wargame.models import Game

pytestmark = pytest.mark.django_db(transaction=True)

ORIGINALS = os.environ.get("GOBY_ORIGINAL_SCRIPTS", "")
NAMES = {"damage_calculator", "event_processor", "hit_simulator"}


@pytest.fixture(autouse=True)
def sandboxes() -> Iterator[None]:
    registry.forget()
    yield
    registry.forget()
    close_pool()


def override(settings: Any, folder: Path, source: Path) -> None:
    """The folder's .tengo scripts as overrides of the wargame's, discovered as at start-up."""
    settings.SCRIPTING_SCRIPTS_DIR = folder
    (folder / "wargame").mkdir()
    for script in source.glob("*.tengo"):
        shutil.copy(script, folder / "wargame")
    call_command("sync_scripts", verbosity=0)


def switched(settings: Any, folder: Path, language: str) -> None:
    """The rules in this language as `manage.py switch_rules` puts them there."""
    settings.SCRIPTING_SCRIPTS_DIR = folder
    call_command("switch_rules", language, verbosity=0)
    call_command("sync_scripts", verbosity=0)


def play(steps: int) -> Game:
    """The same battle each time: one in which nobody hit in so few steps would not have run all rules."""
    start_battle(seed=1)
    director = Director()
    for _ in range(steps):
        director.step()
        for game in Game.objects.running():
            while drain_job.drain_once(Stream.of("wargame", game.key, "")) is DrainResult.HANDED_OVER:
                pass
    return Game.objects.get()


def languages() -> set[str]:
    return {script.active_version.language for script in Script.objects.filter(module="wargame", name__in=NAMES)}


@pytest.mark.slow
@pytest.mark.parametrize("language", ["tengo", "zygomys"])
def test_the_wargame_is_played_on_its_rules_written_in_another_language_alone(
    settings: Any, tmp_path: Path, language: str
) -> None:
    switched(settings, tmp_path, language)
    assert languages() == {language}
    game = play(12)
    assert not Execution.objects.exclude(status="succeeded").exists()
    assert set(Execution.objects.values_list("script__name", flat=True)) == NAMES
    assert set(game.log.values_list("kind", flat=True)) & {"damage", "miss"}  # type: ignore[attr-defined]


@pytest.mark.skipif(not ORIGINALS, reason="GOBY_ORIGINAL_SCRIPTS names no folder with the original's scripts")
def test_the_originals_own_scripts_run_unmodified_in_a_running_battle(settings: Any, tmp_path: Path) -> None:
    override(settings, tmp_path, Path(ORIGINALS))
    assert languages() == {"tengo"}
    play(12)
    by_script = {name: Execution.objects.filter(script__name=name) for name in NAMES}
    assert all(runs.exists() for runs in by_script.values())
    for name in ("event_processor", "damage_calculator"):
        assert not by_script[name].exclude(status="succeeded").exists()
    # hit_simulator loses its result, as it always did (its check says so): the default decides instead, and the battle goes on.
    assert set(by_script["hit_simulator"].values_list("status", flat=True)) == {"fell_back"}
