"""`manage.py switch_rules` puts the rules in another language into the folder of overrides, and leaves alone what people changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from wargame import overrides

NAMES = {"damage_calculator", "event_processor", "hit_simulator"}


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.SCRIPTING_SCRIPTS_DIR = tmp_path
    return tmp_path / "wargame"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("language", ["tengo", "zygomys"])
def test_the_rules_come_and_go(folder: Path, language: str) -> None:
    call_command("switch_rules", language)
    assert names(folder) == {f"{name}.{language}" for name in NAMES}
    call_command("switch_rules", "python")
    assert names(folder) == set()


def test_one_language_takes_the_place_of_another(folder: Path) -> None:
    call_command("switch_rules", "tengo")
    call_command("switch_rules", "zygomys")
    assert names(folder) == {f"{name}.zygomys" for name in NAMES}


def test_what_somebody_changed_is_neither_replaced_nor_deleted(folder: Path) -> None:
    folder.mkdir()
    mine = folder / "hit_simulator.zygomys"
    mine.write_text("{hit: true}")
    assert {step.outcome for step in overrides.switch("zygomys")} == {"written", "kept"}
    overrides.switch("python")
    assert names(folder) == {mine.name}
    assert mine.read_text() == "{hit: true}"


def test_a_language_that_the_rules_are_not_written_in_is_refused(folder: Path) -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("switch_rules", "fortran")
