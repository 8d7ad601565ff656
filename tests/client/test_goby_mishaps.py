"""The command `goby` on folders that are damaged, too large or half taken away, and with servers and tokens that are not as they should be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from scripting.client import folder as folders
from scripting.client import testing
from scripting.evidence import cases
from scripting.models import Script
from scripting.registry import knobs as knob_values
from scripting.texts import case_text
from tests.client.rules_folder import DICE, folder, goby, live_text, publish, server, write
from tests.support.game import Game, game

__all__ = ["folder", "game", "server"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"inputs": {"a": 1, "a": 2}}', '"a" stands twice in one object'),
        ('{"inputs": {"a": NaN}}', "NaN is no number of JSON"),
        ('{"inputs": ' + "[" * 100_000 + "]" * 100_000 + "}", "it is nested too deeply"),
    ],
)
def test_a_case_that_a_push_would_refuse_is_not_tested_either_and_its_file_is_named(
    folder: Path, text: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, DICE)
    path = write(folder, text, "chess_club/cases/dice/six.json")
    assert goby("test", folder) == 2
    assert f"{path}: {why}" in capsys.readouterr().err


@pytest.mark.slow
def test_a_file_that_looks_like_a_rule_and_is_none_for_its_name_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, "result = 1\n")
    for name in ("chess_club/__init__.py", "tools-of-ours/make.py", ".venv/bin.py", "chess_club/notes.md"):
        write(folder, "", name)
    assert goby("check", folder) == 0
    assert "left out" not in capsys.readouterr().err
    wrong = ["Tavern/cook.py", "chess_club/Coin.py", "chess_club/cases/dice/Six.json", "chess_club/two-dice.tengo"]
    for name in wrong:
        write(folder, "result = 1\n", name)
    (folder / "chess_club" / "linked.py").symlink_to(write(tmp_path, "result = 1\n", "elsewhere/linked.py"))
    assert goby("check", folder) == 0
    said = capsys.readouterr().err.rpartition("left out: ")[2]
    assert said.partition(": ")[0].split(", ") == sorted(
        str(folder / name) for name in [*wrong, "chess_club/linked.py"]
    )


@pytest.mark.slow
def test_more_cases_than_fit_into_one_request_are_decided_in_several(
    server: Game, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(testing, "MAX_BODY_BYTES", 4000)
    write(folder, "def three():\n    return 3\n", "shared/numbers.py")
    for number in range(3):
        script = "from shared.numbers import three\nresult = three()\n" + "# a long text\n" * 100
        write(folder, script, f"chess_club/long_{number}.py")
        for place, expected in enumerate((3, 4)):
            case = {"inputs": {}, "expect": [{"at": "result", "equal": expected}]}
            write(folder, json.dumps(case), f"chess_club/cases/long_{number}/case_{place}.json")
    assert goby("test", folder) == 1
    assert "6 cases, 3 red" in capsys.readouterr().out


@pytest.mark.parametrize(("most", "count"), [("MOST_TEXTS", 3), ("MOST_CASES", 2)])
def test_no_request_has_more_texts_or_cases_than_the_server_takes(
    folder: Path, most: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "a = 1\n", "shared/numbers.py")
    write(folder, DICE, "chess_club/untested.py")
    for number in range(3):
        write(folder, DICE, f"chess_club/dice_{number}.py")
        write(folder, "{}", f"chess_club/cases/dice_{number}/one.json")
    monkeypatch.setattr(testing, most, count)
    sent = list(testing.requests(folders.cases_in(folder), folders.rules_in(folder)))
    assert [[each["script"] for each in one["cases"]] for one in sent] == [["dice_0", "dice_1"], ["dice_2"]]
    assert [[each["name"] for each in one["scripts"]] for one in sent] == [["numbers", "dice_0", "dice_1"], ["numbers", "dice_2"]]  # fmt: skip


def test_a_push_that_is_too_large_for_a_server_says_so_before_it_is_sent(
    server: Game, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        write(folder, "#" * (1 << 20), f"chess_club/long_{number}.py")
    assert goby("push", folder, "-m", "why") == 2
    assert "comes to 5.0 MiB, and a request may have 4" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["state.json", "beside.json", "namespace.json", "topics.json"])
@pytest.mark.parametrize("text", ['{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "<<<<<<< ours"])
def test_a_damaged_file_of_the_last_pull_is_named_with_what_to_do(
    server: Game, folder: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    goby("pull", folder)
    path = write(folder, text, f".goby/{name}")
    commands = {"namespace.json": ("check", folder), "topics.json": ("stubs", folder, "--offline")}
    assert goby(*commands.get(name, ("push", folder, "-m", "why"))) == 2
    assert f"{path} is damaged: delete it, then pull" in capsys.readouterr().err


@pytest.mark.slow
def test_a_difference_tells_of_cases_and_knobs_too_and_what_was_taken_away_there_is_not_brought_back(
    server: Game, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goby("pull", folder)
    write(folder, "bonus = 0  # knob 0..9: what is added\nresult = {'points': 2 + bonus}\n")
    knobs = write(folder, '{"bonus": 2}', "chess_club/knobs/dice.json")
    case = write(folder, '{"inputs": {}, "note": "first"}', "chess_club/cases/dice/six.json")
    capsys.readouterr()
    assert goby("diff", folder) == 1
    out = capsys.readouterr().out
    assert f"{knobs}: only here\n" in out
    assert f"{case}: only here\n" in out
    goby("push", folder, "-m", "two more")
    assert goby("diff", folder) == 0

    case.write_text('{"inputs": {}, "note": "second"}')
    capsys.readouterr()
    assert goby("diff", folder) == 1
    out = capsys.readouterr().out
    assert f"{case}: changed here\n" in out
    assert '+{"inputs": {}, "note": "second"}\n' in out
    assert out.endswith("\n1 cases and sets of values of knobs differ\n")
    goby("push", folder, "-m", "second")

    # Somebody takes both away in the browser.
    script = Script.objects.get(module="chess_club", name="dice")
    cases.remove(script.cases.get(), user="bo")
    knob_values.publish(script, {}, actor=None, reason="as the text has it")
    capsys.readouterr()
    assert goby("diff", folder) == 1
    assert f"{case}: changed there\n" in capsys.readouterr().out
    assert goby("push", folder, "-m", "again") == 1
    assert "changed there since your last pull" in capsys.readouterr().err
    case.write_text('{"inputs": {}, "note": "third"}')
    assert goby("pull", folder) == 0
    assert (case.exists(), knobs.exists()) == (True, False)
    assert goby("push", folder, "-m", "mine is another") == 0
    assert script.cases.kept().get().decoded().note == "third"


@pytest.mark.slow
def test_a_folder_whose_scripts_are_gone_is_not_pushed(
    server: Game, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goby("pull", folder)
    write(folder, '{"inputs": {}}', "chess_club/cases/dice/six.json")
    goby("push", folder, "-m", "a case")
    (folder / "chess_club").rename(folder.parent / "chess_club")
    assert goby("push", folder, "-m", "oh") == 2
    assert f"{folder} has no scripts" in capsys.readouterr().err
    assert Script.objects.get(module="chess_club", name="dice").cases.kept().exists()


def test_a_redirect_is_not_followed_with_the_token_and_its_goal_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(301)
            self.send_header("Location", f"/elsewhere{self.path}")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as httpd:
        Thread(target=httpd.serve_forever, daemon=True).start()
        monkeypatch.setenv("GOBY_SERVER", f"http://127.0.0.1:{httpd.server_port}")
        monkeypatch.setenv("GOBY_TOKEN", "goby_secret")
        assert goby("pull", folder) == 2
        httpd.shutdown()
    assert asked == ["/api/v1/scripts"]
    assert "says to ask /elsewhere/api/v1/scripts" in capsys.readouterr().err


def test_what_cannot_be_written_is_named_and_is_no_red_case(
    server: Game, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, DICE)
    write(folder, '{"inputs": {}}', "chess_club/cases/dice/six.json")
    assert goby("test", folder, "--junit", folder / "nowhere" / "cases.xml") == 2
    assert capsys.readouterr().err == f"{folder}/nowhere/cases.xml: No such file or directory\n"


@pytest.mark.slow
def test_a_reader_that_leaves_early_leaves_no_trace_of_errors(folder: Path) -> None:
    for number in range(50):
        write(folder, "import os\n" * 50, f"chess_club/rule_{number}.py")
    command_line = f'"{sys.executable}" -m scripting.client.main check "{folder}" | head -n 1'
    ran = subprocess.run(["sh", "-c", command_line], capture_output=True, text=True)
    assert "Traceback" not in ran.stderr
    assert "Broken" not in ran.stderr


@pytest.mark.parametrize("token", ["goby_abc\ndef", "goby_abc def", "goby_abc…"])
def test_a_token_that_no_header_can_carry_is_not_told_to_the_log(
    folder: Path, token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOBY_SERVER", "http://127.0.0.1:1")
    monkeypatch.setenv("GOBY_TOKEN", token)
    assert goby("pull", folder) == 2
    err = capsys.readouterr().err
    assert "GOBY_TOKEN holds a blank, a line break" in err
    assert "abc" not in err


@pytest.mark.slow
def test_a_token_pasted_with_a_line_break_at_its_end_is_that_token(
    server: Game, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOBY_TOKEN", f"{os.environ['GOBY_TOKEN']}\n")
    assert goby("pull", folder) == 0


@pytest.mark.slow
def test_a_conflict_is_over_once_its_file_is_mended_and_only_for_what_was_told(
    server: Game, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goby("pull", folder)
    case = write(folder, '{"inputs": {}, "note": "first"}', "chess_club/cases/dice/six.json")
    goby("push", folder, "-m", "a case")
    script = Script.objects.get(module="chess_club", name="dice")
    theirs, ours = DICE.replace("c = 3", "c = 4"), DICE.replace("c = 3", "c = 5")

    publish(theirs)
    cases.change(script.cases.get(), case_text.from_plain({"inputs": {}, "note": "theirs"}), user="bo")
    write(folder, ours)
    case.write_text('{"inputs": {}, "note": "ours"}')
    for _ in range(2):
        assert goby("pull", folder) == 1
        assert goby("push", folder, "-m", "not mended") == 1

    # Mended, and then somebody publishes again: what was told is not what is there.
    write(folder, DICE.replace("c = 3", "c = 4 + 5"))
    case.write_text('{"inputs": {}, "note": "both"}')
    publish(DICE.replace("c = 3", "c = 6"))
    assert goby("push", folder, "-m", "mended") == 1
    assert goby("pull", folder) == 1
    write(folder, DICE.replace("c = 3", "c = 6 + 5"))
    assert goby("pull", folder) == 0
    assert goby("push", folder, "-m", "mended again") == 0
    assert live_text() == DICE.replace("c = 3", "c = 6 + 5")
    assert script.cases.get().decoded().note == "both"
    assert (
        "conflict" not in (folder / ".goby" / "state.json").read_text() + (folder / ".goby" / "beside.json").read_text()
    )
