"""`check_scripts`: compiler-like output and exit codes fit for a hook."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from goby_site.paths import BASE_DIR
from tests.support.arena import make_script
from tests.support.commands import Commands
from tests.support.game import BROKEN, FORBIDDEN, GOOD, Game
from tests.support.processes import child_environment


def test_what_is_wrong_is_printed_as_compilers_do(game: Game, manage: Callable) -> None:
    """Requirements 3.6, 7.4 and 8.2."""
    file = game.override("dice", FORBIDDEN)
    ran = manage("check_scripts", str(file))
    assert ran.code == 1
    assert ran.out.startswith(f"{file}:1:1: error: ")
    assert "[security_violation]" in ran.out
    assert "1 of 1" in ran.err


def test_a_good_file_passes(game: Game, manage: Callable) -> None:
    assert manage("check_scripts", str(game.override("dice", GOOD))).code == 0


def test_a_folder_is_checked_whole(game: Game, manage: Callable) -> None:
    game.override("dice", GOOD)
    game.override("score_board", BROKEN)
    ran = manage("check_scripts", str(game.scripts), "--json")
    assert ran.code == 1
    assert {file["name"]: file["ok"] for file in ran.json["files"]} == {"dice": True, "score_board": False}
    assert ran.json["ok"] is False
    (diagnostic,) = [d for f in ran.json["files"] for d in f["diagnostics"] if d["severity"] == "error"]
    assert (diagnostic["type"], diagnostic["line"]) == ("invalid_syntax", 1)


def test_without_a_path_defaults_and_overrides_are_checked(game: Game, manage: Callable) -> None:
    game.ship("dice", GOOD)
    game.override("dice", GOOD)
    ran = manage("check_scripts", "--json")
    assert [file["path"] for file in ran.json["files"]] == [
        str(game.package / "scripts" / "dice.py"),
        "scripts/chess_club/dice.py",
    ]


def test_the_functions_of_the_folder_s_module_are_known(game: Game, manage: Callable) -> None:
    """Requirement 8.1."""
    text = "result = double(2)\n"
    known = manage("check_scripts", str(game.override("dice", text)), "--json").json
    assert known["files"][0]["diagnostics"] == []
    stranger = game.scripts.parent / "dice.py"
    stranger.write_text(text)
    unknown = manage("check_scripts", str(stranger), "--json").json
    assert [d["severity"] for d in unknown["files"][0]["diagnostics"]] == ["warning"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 2_000_000])
def test_files_that_cannot_be_scripts_are_errors_at_their_path(game: Game, manage: Callable, content: bytes) -> None:
    file = game.override("dice", content)
    ran = manage("check_scripts", str(file))
    assert ran.code == 1
    assert ran.out.startswith(f"{file}:1:1: error: ")


def test_a_linked_file_is_not_read(game: Game, manage: Callable, tmp_path: Path) -> None:
    target = tmp_path / "target.py"
    target.write_text("secret = 1\n")
    link = tmp_path / "dice.py"
    link.symlink_to(target)
    ran = manage("check_scripts", str(link))
    assert ran.code == 1
    assert "symbolic link" in ran.out
    assert "secret" not in ran.out


def test_misuse_exits_2(game: Game, manage: Callable, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no script")
    assert manage("check_scripts", "/no/such/place").code == 2
    assert manage("check_scripts", str(tmp_path / "notes.txt")).code == 2
    assert manage("check_scripts", "--module", "no_such_module").code == 2


def test_what_was_found_stands_in_the_order_of_the_text(game: Game, manage: Callable) -> None:
    game.override("dice", "import os\nresult = nowhere\nimport sys\n")
    ran = manage("check_scripts", "--json", str(game.scripts / game.name))
    assert [found["line"] for found in ran.json["files"][0]["diagnostics"]] == [1, 2, 3]


def test_a_helper_is_not_asked_for_a_result(game: Game, manage: Callable) -> None:
    helper = game.scripts / "shared" / "cards.py"
    helper.parent.mkdir(parents=True)
    helper.write_text("def draw():\n    return 7\n")
    ran = manage("check_scripts", str(helper))
    assert (ran.code, ran.out) == (0, "1 checked, 0 with errors\n")


@pytest.mark.slow
def test_a_folder_with_helpers_is_a_program_checked_without_a_database(tmp_path: Path) -> None:
    """In a hook or a build, where there is none: a real process, whose database address leads nowhere."""
    helpers = tmp_path / "rules" / "shared"
    helpers.mkdir(parents=True)
    (helpers / "armour.py").write_text("from shared import tables\n\ndef worth(n):\n    return n * tables.FACTOR\n")
    (helpers / "tables.py").write_text("FACTOR = 2\n")
    rules = tmp_path / "rules" / "wargame"
    rules.mkdir()
    (rules / "damage_calculator.py").write_text("from shared import armour\nresult = {'damage': armour.worth(2)}\n")

    nowhere = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nowhere", "REDIS_URL": "redis://127.0.0.1:1/0"}
    with contextlib.closing(Commands(BASE_DIR, child_environment(**nowhere), Path(sys.executable))) as manage:
        whole = manage.run("check_scripts", str(tmp_path / "rules"))
        assert (whole.returncode, whole.stdout) == (0, "3 checked, 0 with errors\n"), whole.stderr
        one = manage.run("check_scripts", str(rules / "damage_calculator.py"))
        assert one.returncode == 0, "a file brings the helpers beside its folder"
        (helpers / "tables.py").write_text("FACTORS = 2\n")
        broken = manage.run("check_scripts", str(tmp_path / "rules"))
        assert broken.returncode == 1
        assert 'armour.py:4:16: error: "shared.tables" does not offer "FACTOR"' in broken.stdout
        assert manage.run("check_scripts").returncode == 0, "everything, without a path"


def test_a_helper_that_only_the_database_knows_counts_when_asked_for(game: Game, manage: Callable) -> None:
    make_script("def roll(sides):\n    return sides\n", "dice", "shared")
    file = str(game.override("score", "from shared.dice import roll\nresult = roll(6)\n"))
    assert manage("check_scripts", file).code == 1
    assert manage("check_scripts", file, "--live").code == 0


def test_strict_makes_errors_of_warnings(game: Game, manage: Callable) -> None:
    file = str(game.override("dice", "x = 1\n"))
    assert manage("check_scripts", file).code == 0
    ran = manage("check_scripts", file, "--strict", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert {d["severity"] for d in ran.json["files"][0]["diagnostics"]} == {"error"}
