"""`manage.py test_scripts`: cases of what is live, of a folder of rules without a database, of one file."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from scripting.evidence.cases import add
from scripting.models import Script
from scripting.texts import case_text
from tests.support import forked
from tests.support.arena import make_script
from tests.support.processes import child_environment

RULES = Path(__file__).parents[2] / "wargame" / "scripts"
OVERRIDES = RULES.parent / "overrides"
ONE = RULES / "cases" / "damage_calculator" / "every_hit_does_something.json"


def ran(*arguments: str) -> tuple[int, str]:
    """(exit code, standard output)."""
    out = io.StringIO()
    try:
        call_command("test_scripts", *arguments, stdout=out, stderr=io.StringIO())
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


def test_without_a_path_the_cases_of_all_live_scripts_are_run(damage: Script) -> None:
    assert ran() == (0, "11 cases, 0 red\n")
    assert ran("wargame/damage_calculator") == (0, "4 cases, 0 red\n")
    make_script("result = {'damage': 0, 'base_damage': 32}\n", "damage_calculator", "wargame")
    code, said = ran("wargame")  # the module, not the folder of the same name
    assert code == 1
    assert "wargame/damage_calculator/every_hit_does_something: result.damage: expected 1 to 15, got 0\n" in said
    assert said.endswith("11 cases, 3 red\n")


def test_a_case_is_not_run_by_the_text_of_another_script(damage: Script) -> None:
    other = make_script("result = 1\n", "other", "wargame")
    add(other, "one", case_text.decode('{"expect": [{"at": "result", "equal": 1}]}'), user="ada")
    assert ran("wargame/other") == (0, "1 case, 0 red\n")


def test_json_and_junit_name_each_case_with_what_came(damage: Script, tmp_path: Path) -> None:
    make_script("result = {'damage': 0, 'base_damage': 32}\n", "damage_calculator", "wargame")
    code, said = ran("wargame/damage_calculator", "--json", "--junit", str(tmp_path / "cases.xml"))
    document = json.loads(said)
    assert (code, document["ok"], document["red"], len(document["cases"])) == (1, False, 3, 4)
    red = next(each for each in document["cases"] if each["name"] == "every_hit_does_something")
    assert red["script"] == "wargame/damage_calculator"
    assert red["expectations"] == [{"at": "result.damage", "expected": "1 to 15", "came": "0", "holds": False}]
    suite = ET.parse(tmp_path / "cases.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "3")


@pytest.mark.parametrize("language", ["tengo", "zygomys"])
def test_a_folder_in_another_language_is_held_to_the_same_cases(language: str, tmp_path: Path) -> None:
    folder = tmp_path / "wargame"
    shutil.copytree(OVERRIDES / language, folder)
    shutil.copytree(RULES / "cases", folder / "cases")
    assert ran(str(tmp_path)) == (0, "11 cases, 0 red\n")


def test_a_folder_is_a_program_with_the_helpers_in_it(tmp_path: Path) -> None:
    """The helper is that of the folder; a script that the folder has not is the module's default."""
    rules = tmp_path / "wargame"
    shutil.copytree(RULES / "cases", rules / "cases")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "points.py").write_text("def least():\n    return 0\n")
    (rules / "damage_calculator.py").write_text("from shared import points\nresult = {'damage': points.least(), 'base_damage': 32}\n")  # fmt: skip
    code, said = ran(str(rules))
    assert code == 1
    assert f"{rules}/cases/damage_calculator/every_hit_does_something.json: result.damage: expected 1 to 15, got 0" in said  # fmt: skip
    assert said.endswith("11 cases, 3 red\n")


def test_a_file_that_is_no_case_is_red_with_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "wargame" / "cases" / "damage_calculator"
    folder.mkdir(parents=True)
    (folder / "broken.json").write_text('{"expect": [')
    (folder / "bad.json").write_text('{"seed": "x"}')
    code, said = ran(str(folder))
    assert code == 1
    assert said.splitlines() == [
        f"{folder}/bad.json: is no case: seed: Expected `int`, got `str`",
        f"{folder}/broken.json: is no case: line 1, column 13: Expecting value",
        "2 cases, 2 red",
    ]


@pytest.mark.parametrize("argument", ["nosuch", "wargame/nosuch", "wargame/No Such", "docs"])
def test_wrong_arguments_are_2(argument: str, damage: Script) -> None:
    assert ran(argument)[0] == 2


def test_the_case_in_the_documentation_is_one_that_holds(tmp_path: Path) -> None:
    page = (RULES.parents[1] / "docs" / "evidence.md").read_text()
    [example] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    folder = tmp_path / "wargame" / "cases" / "damage_calculator"
    folder.mkdir(parents=True)
    (folder / "documented.json").write_text(example)
    assert ran(str(tmp_path)) == (0, "1 case, 0 red\n")


@pytest.mark.slow
def test_a_folder_takes_no_database(tmp_path: Path) -> None:
    """In a process whose database cannot even be opened."""
    nowhere = child_environment(DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/db.sqlite3", GOBY_VAR=str(tmp_path))
    command = ("manage.py", "test_scripts", str(ONE), "--json")
    with (tmp_path / "told").open("wb") as output:
        process = forked.start(*command, environment=nowhere, stdout=output, stderr=output)
        status = process.wait(60)
    document: dict[str, Any] = json.loads((tmp_path / "told").read_text())
    assert (status, document["ok"], len(document["cases"])) == (0, True, 1)
