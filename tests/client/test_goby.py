"""The command `goby`: a folder of rules is checked, pulled, compared and pushed, with a real server and real sandboxes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.contrib.auth.models import User

from scripting.client import beside
from scripting.evidence import cases
from scripting.models import Activation, Script
from scripting.registry import knobs as registry_knobs
from scripting.texts import case_text
from tests.client.rules_folder import DICE, folder, goby, live_text, publish, server, write
from tests.support.game import BETTER, BROKEN, Game, game

__all__ = ["folder", "game", "server"]


# -- check ---------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_folder_is_checked_as_one_program_without_django(folder: Path) -> None:
    write(folder, "from shared import tables\nresult = tables.twice(2)\n")
    write(folder, "def twice(n):\n    return 2 * n\n", "shared/tables.py")
    write(folder, "result = (\n", "chess_club/broken.py")
    alone = "import sys; from scripting.client.main import main; code = main(); assert 'django' not in sys.modules; sys.exit(code)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
    ran = subprocess.run(
        [sys.executable, "-c", alone, "check", "rules"],
        cwd=folder.parent,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, "goby pull" in ran.stderr) == (1, True)
    assert "rules/chess_club/broken.py:1:" in ran.stdout
    assert ran.stdout.endswith("3 checked, 1 with errors\n")


@pytest.mark.slow
def test_findings_come_as_people_ci_servers_and_code_scanning_read_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, "import os\nresult = 1\n")
    printed = {}
    for form in ("json", "junit", "sarif", "github"):
        assert goby("check", folder, "--format", form) == 1
        printed[form] = capsys.readouterr().out
    assert json.loads(printed["json"])["files"][0]["diagnostics"][0]["line"] == 1
    assert ET.fromstring(printed["junit"]).get("failures") == "1"
    result = json.loads(printed["sarif"])["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1
    assert printed["github"].startswith(f"::error file={folder}/chess_club/dice.py,line=1,col=")


@pytest.mark.slow
def test_with_what_a_pull_told_a_check_knows_functions_and_fields(
    server: Game, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, "x = message['payload']['side']\nresult = double(1, 2, 3)\n")
    assert goby("check", folder) == 0
    (folder / "chess_club/dice.py").unlink()
    assert goby("pull", folder) == 0
    write(folder, "x = message['payload']['side']\nresult = double(1, 2, 3)\n")
    capsys.readouterr()
    assert goby("check", folder, "--strict") == 1
    out = capsys.readouterr().out
    assert "sides" in out
    assert "double" in out


@pytest.mark.parametrize("content", [None, "", "nothing.txt"])
def test_a_folder_without_scripts_is_the_callers_to_name_rightly(folder: Path, content: str | None) -> None:
    if content is not None:
        folder.mkdir()
        if content:
            (folder / content).touch()
    assert goby("check", folder) == 2


# -- pull, diff, push ----------------------------------------------------------------------------------------------------


def test_what_is_pulled_is_the_same_until_a_side_changes(server: Game, folder: Path) -> None:
    assert goby("pull", folder) == 0
    assert (folder / "chess_club/dice.py").read_text() == DICE
    assert goby("diff", folder) == 0
    write(folder, BETTER)
    assert goby("diff", folder) == 1
    assert goby("pull", folder) == 0
    assert (folder / "chess_club/dice.py").read_text() == BETTER
    assert goby("pull", folder, "--force") == 0
    assert (folder / "chess_club/dice.py").read_text() == DICE


def test_a_file_that_was_saved_on_windows_differs_in_its_line_ends_alone_and_merges_with_what_is_live(
    server: Game, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goby("pull", folder)
    path, windows = folder / "chess_club/dice.py", DICE.replace("\n", "\r\n")
    path.write_bytes(windows.encode())
    capsys.readouterr()
    assert goby("diff", folder) == 1
    assert capsys.readouterr().out.splitlines() == [
        "chess_club/dice: changed here",
        "\\ line ends differ: LF before, CRLF (Windows) after; nothing else",
        "1 scripts differ",
    ]
    path.write_bytes(windows.replace("a = 1", "a = 10").encode())
    publish(DICE.replace("e = 5", "e = 50"))
    assert goby("pull", folder) == 0
    assert path.read_bytes() == windows.replace("a = 1", "a = 10").replace("e = 5", "e = 50").encode()


@pytest.mark.slow
def test_a_push_is_one_release_with_its_reason_and_commit(server: Game, folder: Path) -> None:
    goby("pull", folder)
    write(folder, "from shared import tables\nresult = {'points': tables.twice(2)}\n")
    write(folder, "def twice(n):\n    return 2 * n\n", "shared/tables.py")
    assert goby("push", folder, "-m", "fairer", "--commit", "abc123", "--dry-run") == 0
    assert live_text() == DICE
    assert goby("push", folder, "-m", "fairer", "--commit", "abc123") == 0
    assert "tables" in live_text()
    assert {each.reason for each in Activation.objects.order_by("-id")[:2]} == {"fairer (abc123)"}
    before = Activation.objects.count()
    assert goby("push", folder, "-m", "again") == 0
    assert goby("diff", folder) == 0
    assert Activation.objects.count() == before


def test_a_push_with_a_wrong_text_publishes_nothing_and_says_where(
    server: Game, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goby("pull", folder)
    write(folder, BETTER)
    write(folder, BROKEN, "chess_club/bingo.py")
    capsys.readouterr()
    assert goby("push", folder, "-m", "why") == 1
    assert "chess_club/bingo:1: error" in capsys.readouterr().err
    assert live_text() == DICE


@pytest.mark.slow
def test_what_changed_on_both_sides_is_never_overwritten(
    server: Game, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goby("pull", folder)
    publish(DICE.replace("a = 1", "a = 10"))
    write(folder, DICE.replace("e = 5", "e = 50"))
    capsys.readouterr()
    assert goby("push", folder, "-m", "why") == 1
    assert "changed there since your last pull: chess_club/dice" in capsys.readouterr().err
    assert goby("pull", folder) == 0
    merged = DICE.replace("a = 1", "a = 10").replace("e = 5", "e = 50")
    assert (folder / "chess_club/dice.py").read_text() == merged
    assert goby("push", folder, "-m", "both") == 0
    assert live_text() == merged


@pytest.mark.slow
def test_the_same_line_changed_on_both_sides_is_left_to_a_person(server: Game, folder: Path) -> None:
    goby("pull", folder)
    publish(DICE.replace("a = 1", "a = 10"))
    mine = DICE.replace("a = 1", "a = 11")
    path = write(folder, mine)
    assert goby("pull", folder) == 1
    assert path.read_text() == mine
    assert goby("push", folder, "-m", "why") == 1
    assert "a = 10" in live_text()


def test_a_version_that_becomes_live_during_a_push_is_not_overwritten(
    server: Game, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goby("pull", folder)
    write(folder, BETTER)
    from scripting.client import syncing

    text_of = syncing._release_text

    def late(each: Any) -> dict[str, Any]:
        publish(DICE + "# meanwhile\n")
        return text_of(each)

    monkeypatch.setattr(syncing, "_release_text", late)
    assert goby("push", folder, "-m", "why") == 1
    assert "# meanwhile" in live_text()


def test_values_that_are_set_during_a_push_are_not_overwritten_and_who_set_them_is_told(
    server: Game, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish("bonus = 0  # knob 0..9: what is added\nresult = {'points': bonus}\n")
    assert goby("pull", folder) == 0
    write(folder, '{"bonus": 2}', "chess_club/knobs/dice.json")
    script, grace = Script.objects.get(module="chess_club", name="dice"), User.objects.create_user("grace")
    changed = beside.changed

    def late(items: Any) -> Any:
        registry_knobs.publish(script, {"bonus": 7}, actor=grace, reason="harvest festival")
        return changed(items)

    monkeypatch.setattr(beside, "changed", late)
    assert goby("push", folder, "-m", "why") == 1
    assert "were set meanwhile (bonus = 7 by grace: harvest festival)" in capsys.readouterr().err
    script.refresh_from_db()
    assert script.active_knobs is not None
    assert script.active_knobs.values == {"bonus": 7}


def test_an_older_version_goes_live_again(server: Game, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(BETTER)
    assert goby("rollback", "chess_club/dice", "1", "-m", "too good") == 0
    assert (live_text(), capsys.readouterr().out) == (DICE, "chess_club/dice: v1 is live\n")
    assert goby("rollback", "chess_club/dice", "9", "-m", "never was") == 1
    with pytest.raises(SystemExit):
        goby("rollback", "dice", "1", "-m", "of which module?")
    assert "write its module too" in capsys.readouterr().err


def test_a_file_is_replayed_on_the_server(server: Game, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder, BETTER)
    assert goby("replay", "chess_club/dice", "--source", path) == 1
    assert "No recorded execution" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"GOBY_TOKEN": ""}, "put a token into GOBY_TOKEN"),
        ({"GOBY_SERVER": ""}, "name the server"),
        ({"GOBY_SERVER": "ftp://goby.example"}, "name the server"),
        ({"GOBY_SERVER": "http://127.0.0.1:9"}, "does not answer"),
        ({"GOBY_TOKEN": "goby_nothing"}, "This token is not known here"),
    ],
)
def test_a_server_that_cannot_be_asked_is_named_with_what_to_do(
    server: Game,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
    said: str,
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    assert goby("pull", folder) in (1, 2)
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_stubs_and_schemas_are_written_from_the_server_and_later_without_it(
    server: Game, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert goby("stubs", folder, "--script", "chess_club/dice") == 0
    text = (folder / "__builtins__.pyi").read_text()
    assert "'sides': int" in text
    assert json.loads((folder / ".goby" / "schemas" / "chess_club.roll.json").read_text())["$id"] == "chess_club.roll"
    monkeypatch.delenv("GOBY_TOKEN")
    assert goby("stubs", folder, "--offline") == 0


@pytest.mark.slow
def test_cases_and_knobs_go_to_the_server_with_their_text_and_come_back(
    server: Game, folder: Path, capsys: Any
) -> None:
    goby("pull", folder)
    tuned = "bonus = 0  # knob 0..9: what is added\nresult = {'points': message['payload']['sides'] + bonus}\n"
    (folder / "chess_club" / "dice.py").write_text(tuned)
    knobs, case = folder / "chess_club" / "knobs" / "dice.json", folder / "chess_club" / "cases" / "dice" / "six.json"
    document = {
        "event": {"topic": "chess_club.roll", "payload": {"sides": 6}},
        "expect": [{"at": "result.points", "equal": 8}],
    }
    for path, content in ((knobs, {"bonus": 2}), (case, document)):
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))
    assert goby("push", folder, "-m", "two more") == 0
    assert "1 cases went along" in capsys.readouterr().out
    script = Script.objects.select_related("active_knobs").get(module="chess_club", name="dice")
    assert script.active_knobs is not None
    assert script.active_knobs.values == {"bonus": 2}
    assert goby("push", folder, "-m", "again") == 0
    assert "nothing to push" in capsys.readouterr().out

    # Somebody changes the case in the browser: a push overwrites nothing, a pull brings it.
    found = script.cases.get()
    changed = case_text.from_plain({**document, "note": "by hand"})
    cases.change(found, changed, user="bo")
    case.write_text(json.dumps({**document, "note": "mine"}))
    assert goby("push", folder, "-m", "mine") == 1
    assert "changed there since your last pull" in capsys.readouterr().err
    assert goby("pull", folder) == 1, "both changed it"
    case.write_text(json.dumps(document))
    assert goby("pull", folder) == 0
    assert json.loads(case.read_text())["note"] == "by hand"

    # It is deleted here, and with the next push there.
    case.unlink()
    assert goby("push", folder, "-m", "no case") == 0
    assert not script.cases.kept().exists()

    # One that became a link to nothing is named: it would be deleted there.
    knobs.unlink()
    knobs.symlink_to("nowhere.json")
    assert goby("push", folder, "-m", "a link") == 2
    assert "dice.json is a link to nothing" in capsys.readouterr().err
    assert Script.objects.filter(active_knobs__content__contains="bonus").exists()
