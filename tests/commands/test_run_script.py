"""`run_script`: by name, as a trial, and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripting.models import Execution
from scripting.sources import sync
from tests.support.game import Game

DICE = """
log("rolling")
result = {"points": double(int(rand() * sides)), "score": score()}
"""


@pytest.fixture
def shipped(game: Game, transactional_db: None) -> Game:
    game.ship("dice", DICE)
    sync.sync()
    return game


def source(tmp_path: Path, text: str) -> str:
    file = tmp_path / "trial.py"
    file.write_text(text)
    return str(file)


def test_a_script_run_by_name_prints_the_contract_and_is_recorded(shipped: Game, manage: Callable) -> None:
    """Requirement 1.5."""
    ran = manage("run_script", "chess_club/dice", "--input", '{"sides": 6}', "--seed", "11", "--json")
    assert ran.code == 0, ran.err
    document = ran.json
    assert document["ok"] is True
    assert document["logs"] == ["rolling"]
    assert document["error"] is None
    assert {"compile_us", "wall_us", "cpu_us", "memory_bytes"} == document["metrics"].keys()
    assert document["version"].keys() == {"number", "digest", "origin", "language"}
    execution = Execution.objects.get(pk=document["execution"])
    assert (execution.seed, execution.inputs_value, execution.trigger) == (11, {"sides": 6}, "manual")


def test_the_same_seed_and_inputs_give_the_same_result(shipped: Game, manage: Callable) -> None:
    arguments = ("run_script", "chess_club/dice", "--input", '{"sides": 1000000}', "--seed", "5", "--json")
    assert manage(*arguments).json["result"]["points"] == manage(*arguments).json["result"]["points"]


def test_a_recorded_execution_repeats_identically_though_the_game_has_moved_on(shipped: Game, manage: Callable) -> None:
    execution = manage("run_script", "chess_club/dice", "--input", '{"sides": 6}', "--json").json["execution"]
    shipped.override("dice", "result = 'changed since'\n")
    sync.sync()
    again = manage("run_script", "--repeat", execution, "--json")
    assert again.code == 0, again.err
    assert again.json["differences"] == []
    assert again.json["result"] == Execution.objects.get(pk=execution).result_value


def test_a_failing_script_exits_1_with_line_column_excerpt_and_hint(
    game: Game, manage: Callable, tmp_path: Path
) -> None:
    """Requirement 7.4."""
    ran = manage("run_script", "--source", source(tmp_path, "points = {}\nresult = points['x']\n"))
    assert ran.code == 1
    assert "trial.py:2:10: execution: KeyError: 'x'" in ran.err
    assert "    result = points['x']\n             ^" in ran.err
    assert "hint:" in ran.err


def test_a_failing_script_by_name_is_recorded_and_json_still_comes_out_whole(game: Game, manage: Callable) -> None:
    game.ship("dice", "result = 1 / 0\n")
    sync.sync()
    ran = manage("run_script", "chess_club/dice", "--json")
    assert ran.code == 1
    error = ran.json["error"]
    assert (error["type"], error["line"]) == ("execution", 1)
    assert Execution.objects.get(pk=ran.json["execution"]).status == "failed"


def test_a_trial_is_recorded_nowhere(game: Game, manage: Callable, tmp_path: Path) -> None:
    ran = manage("run_script", "--source", source(tmp_path, "result = double(4)\n"), "--module", "chess_club", "--json")
    assert (ran.code, ran.json["result"], ran.json["execution"]) == (0, 8, None)
    assert not Execution.objects.exists()


@pytest.mark.slow
def test_limits_of_the_command_line_hold(game: Game, manage: Callable, tmp_path: Path) -> None:
    """Requirement 8.3."""
    text = source(tmp_path, "while True:\n    pass\n")
    ran = manage("run_script", "--source", text, "--timeout", "0.3", "--json")
    assert (ran.code, ran.json["error"]["type"]) == (1, "timeout")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("no-slash",),
        ("chess_club/dice", "--input", "{"),
        ("chess_club/dice", "--input", "[1]"),
        ("chess_club/dice", "--seed", "-1"),
        ("chess_club/dice", "--timeout", "0"),
        ("chess_club/dice", "--timeout", "nan"),
        ("chess_club/dice", "--timeout", "inf"),
        ("chess_club/dice", "--timeout", "3601"),
        ("chess_club/dice", "--memory", "0"),
        ("chess_club/dice", "--memory", "9" * 30),
        ("--source", __file__, "--timeout", "1e300"),
        ("chess_club/dice", "--source", __file__),
        ("--source", "/no/such/file.py"),
        ("--source", __file__, "--module", "no_such_module"),
        ("--source", __file__, "--language", "cobol"),
        ("--repeat", "nonsense"),
        ("--repeat", "01a20424-db9d-7ac9-9eee-52363d398fcd"),
    ],
)
def test_misuse_exits_2_and_says_what_to_write(shipped: Game, manage: Callable, arguments: tuple[str, ...]) -> None:
    ran = manage("run_script", *arguments)
    assert ran.code == 2
    assert ran.err
    assert "Traceback" not in ran.err


def test_an_unknown_script_exits_1_and_names_those_there_are(shipped: Game, manage: Callable) -> None:
    ran = manage("run_script", "chess_club/dise", "--json")
    assert (ran.code, ran.json["error"]["type"]) == (1, "not_found")
    assert "chess_club/dice" in ran.json["error"]["message"]


def test_bytes_and_odd_floats_come_out_as_json_and_go_in_again(game: Game, manage: Callable, tmp_path: Path) -> None:
    text = source(tmp_path, "result = [data, float('inf'), '\\u202e\\x1b[31m']\n")
    ran = manage("run_script", "--source", text, "--input", '{"data": {"$bytes": "AAH/"}}', "--json")
    assert ran.json["result"][:2] == [{"$bytes": "AAH/"}, {"$float": "inf"}]
    assert ran.out.isascii()


def test_no_text_of_a_script_acts_on_the_terminal(game: Game, manage: Callable, tmp_path: Path) -> None:
    """DESIGN.md, fixed rule 11."""
    ran = manage("run_script", "--source", source(tmp_path, "log('\\x1b[2J')\nresult = '\\u202e'\n"))
    assert "\x1b" not in ran.out + ran.err
    assert "\u202e" not in ran.out
    assert "\\x1b[2J" in ran.out
