"""`manage.py replay_script`: what it says, how it exits, and what it writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from scripting.models import Script
from tests.commands.conftest import manage
from tests.evidence.recorded import hits, record

__all__ = ["manage"]

NAME = "wargame/damage_calculator"


@pytest.fixture
def softer(damage: Script, tmp_path: Path) -> Path:
    """Twenty recorded hits, and a file of the live text with no damage at all."""
    record("wargame", "damage_calculator", "wargame.hit", hits(20))
    assert damage.active_version is not None
    file = tmp_path / "softer.py"
    file.write_text(damage.active_version.text + "\nresult['damage'] = 0\n")
    return file


def test_without_a_text_the_live_version_agrees_with_its_record(softer: Path, manage: Callable) -> None:
    ran = manage("replay_script", NAME, "--last", "20")
    assert ran.code == 0
    assert "changes 0 of 20 decisions, 0 would fail" in ran.out


def test_the_document_has_the_totals_the_fields_and_the_changes(softer: Path, manage: Callable) -> None:
    ran = manage("replay_script", NAME, "--source", str(softer), "--json")
    found = json.loads(ran.out)
    assert ran.code == 0
    classes = ("same", "changed", "failing", "refused", "fixed", "left", "not_replayable")
    assert sum(found[name] for name in classes) == found["events"] == 20
    assert found["changed"] > 10
    assert set(found["fields"]["damage"]) >= {"before", "after", "difference", "low", "high"}
    assert found["fields"]["damage"]["after"] == 0
    assert found["changes"][0]["class"] == "changed"
    assert found["seconds"] > 0


def test_more_than_is_allowed_exits_1_and_says_so(softer: Path, manage: Callable, tmp_path: Path) -> None:
    junit = tmp_path / "replay.xml"
    ran = manage(
        "replay_script", NAME, "--source", str(softer), "--fail-on", "failing,changed:5%", "--junit", str(junit)
    )
    assert ran.code == 1
    assert "are changed; allowed: 5%" in ran.err
    suite = ET.parse(junit).getroot()
    assert suite.get("failures") == "1"
    [failed] = [case for case in suite if case.find("failure") is not None]
    assert failed.get("name") == "changed"
    assert manage("replay_script", NAME, "--source", str(softer), "--fail-on", "failing,changed:100%").code == 0


def test_a_junit_file_that_cannot_be_written_takes_no_report_with_it(
    softer: Path, manage: Callable, tmp_path: Path
) -> None:
    ran = manage("replay_script", NAME, "--source", str(softer), "--json", "--junit", str(tmp_path / "no" / "x.xml"))
    assert (ran.code, ran.json["events"]) == (2, 20)
    assert "--junit: " in ran.err


def test_an_old_version_is_a_candidate_too(softer: Path, manage: Callable) -> None:
    assert "changes 0 of 20" in manage("replay_script", NAME, "--version", "1").out
    ran = manage("replay_script", NAME, "--version", "7")
    assert (ran.code, "has no v7" in ran.err) == (2, True)


def test_a_text_that_does_not_pass_its_check_is_not_replayed(damage: Script, tmp_path: Path, manage: Callable) -> None:
    record("wargame", "damage_calculator", "wargame.hit", hits(2))
    broken = tmp_path / "broken.py"
    broken.write_text("result = (\n")
    ran = manage("replay_script", NAME, "--source", str(broken))
    assert ran.code == 1
    assert "does not pass its check: line 1" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["wargame/nothing"], "there is no script"),
        ([NAME, "--last", "0"], "a number from 1 to"),
        ([NAME, "--since", "yesterday"], "write a moment"),
        ([NAME, "--fail-on", "slow"], "write classes such as"),
    ],
)
def test_a_wrong_argument_is_misuse(damage: Script, manage: Callable, arguments: list[str], said: str) -> None:
    ran = manage("replay_script", *arguments)
    assert (ran.code, said in ran.err) == (2, True)


def test_a_script_that_never_ran_has_nothing_to_replay(damage: Script, manage: Callable) -> None:
    ran = manage("replay_script", NAME)
    assert (ran.code, "run it first" in ran.err) == (1, True)
