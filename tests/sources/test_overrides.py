"""Files in scripts/<module>/ win over defaults, are validated first, and give way when deleted: requirements 3 and 5."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from scripting.admin.scripts import marks_of
from scripting.models import Script, ScriptVersion
from scripting.registry import publishing
from scripting.registry.moves import AnyBase
from scripting.sandbox.languages.table import LANGUAGES, Language
from scripting.sources import sync as discovery
from scripting.sources.beside import CANNOT_BE_TAKEN, file_beside, file_state, why_not_taken
from scripting.sources.folder import MAX_ENTRIES, MAX_FILE_BYTES, FolderRefused
from tests.support.game import BETTER, BROKEN, FORBIDDEN, GOOD, Game

pytestmark = pytest.mark.django_db(transaction=True)


def sync() -> dict[str, str]:
    """Deeds of the watcher, without waiting: absence is tried on the watcher, with its clock."""
    return {step.script: step.outcome for step in discovery.sync(wait=lambda _: None) if step.source == "file"}


def test_a_file_of_the_scripts_folder_wins_over_the_default(game: Game) -> None:
    """Requirements 3.1, 3.3, 3.4."""
    game.ship("dice")
    game.override("dice")
    assert sync() == {"chess_club/dice": "activated"}
    assert game.active_text("dice") == BETTER
    last = game.script("dice").activations.first()
    assert (last.cause, last.version.origin) == ("file", "file")


@pytest.mark.parametrize("text", [BROKEN, FORBIDDEN, b"result = 1 # \xff\n", b"result = 1\x00\n"])
def test_an_invalid_file_leaves_the_default_in_use_and_says_why(game: Game, text: str | bytes) -> None:
    """Requirements 3.5, 3.6, 5.3, 5.4; not UTF-8 and binary files are kept as rejected versions."""
    game.ship("dice")
    game.override("dice", text)
    (step,) = [step for step in discovery.sync() if step.source == "file"]
    assert step.outcome == "rejected"
    assert "1:" in step.detail or "2:" in step.detail
    assert game.active_text("dice") == GOOD
    kept = game.script("dice").versions.rejected().get()
    assert bytes(kept.content) == (text if isinstance(text, bytes) else text.encode())
    assert kept.diagnostics[0]["message"]


def test_a_file_that_will_certainly_fail_is_taken_and_said_in_the_log(
    game: Game, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement 3.4: a file is what its author saved; nobody is there to be asked."""
    game.ship("dice")
    game.override("dice", "def main():\n    result = 1\nmain()\n")
    (step,) = [step for step in discovery.sync() if step.source == "file"]
    assert step.outcome == "activated"
    assert "it will fail: line 2: `result` is assigned only inside main()" in step.detail
    assert step.detail in caplog.text


def test_an_invalid_change_leaves_the_previous_override_in_use(game: Game) -> None:
    """Requirement 5.4."""
    game.ship("dice")
    game.override("dice")
    sync()
    game.override("dice", BROKEN)
    assert sync() == {"chess_club/dice": "rejected"}
    assert game.active_text("dice") == BETTER
    assert sync() == {"chess_club/dice": "rejected"}  # it still is: said again, though not judged again
    assert game.script("dice").versions.count() == 3


def test_deleting_an_override_brings_the_default_back(game: Game) -> None:
    """Requirement 5.6."""
    game.ship("dice")
    file = game.override("dice")
    sync()
    file.unlink()
    assert sync() == {"chess_club/dice": "reverted"}
    assert game.active_text("dice") == GOOD
    assert game.script("dice").activations.first().cause == "file_deleted"


def test_deleting_a_broken_file_brings_the_default_back_over_the_text_it_held_before(game: Game) -> None:
    game.ship("dice")
    file = game.override("dice")
    sync()
    game.override("dice", BROKEN)
    sync()
    file.unlink()
    assert sync() == {"chess_club/dice": "reverted"}
    assert game.active_text("dice") == GOOD


def test_deleting_a_file_over_which_something_was_published_changes_nothing(game: Game) -> None:
    game.ship("dice")
    file = game.override("dice")
    sync()
    publishing.publish(game.script("dice"), "python", "result = 7\n", actor=None, reason="balance", base=AnyBase)
    assert sync() == {"chess_club/dice": "unchanged"}  # the last activation wins, the file did not change
    file.unlink()
    assert sync() == {"chess_club/dice": "forgotten"}
    assert game.active_text("dice") == "result = 7\n"


def test_a_script_without_default_is_not_found_once_its_file_is_gone(game: Game) -> None:
    file = game.override("extra")
    sync()
    assert game.active_text("extra") == BETTER
    file.unlink()
    assert sync() == {"chess_club/extra": "reverted"}
    assert game.active_text("extra") is None


def test_absence_is_looked_at_twice_before_it_counts(game: Game) -> None:
    game.ship("dice")
    file = game.override("dice")
    sync()
    file.rename(file.with_suffix(".tmp"))
    steps = discovery.sync(wait=lambda seconds: file.with_suffix(".tmp").rename(file) and None)
    assert {step.outcome for step in steps} == {"unchanged"}
    assert game.active_text("dice") == BETTER


def test_a_file_of_an_unknown_module_is_passed_over_and_said(game: Game) -> None:
    lost = game.scripts / "no_such_module" / "dice.py"
    lost.parent.mkdir(parents=True)
    lost.write_text(GOOD)
    assert sync() == {"scripts/no_such_module/dice.py": "ignored"}
    assert not Script.objects.exists()


# -- what else may lie in the folder -----------------------------------------------------------------------------------


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _blank(file: Path) -> None:
    file.write_bytes(b"\n  \n")


def _huge(file: Path) -> None:
    file.write_bytes(b"#" * (MAX_FILE_BYTES + 1))


def _link(file: Path) -> None:
    outside = file.parent.parent.parent / "outside.py"
    outside.write_text(BETTER)
    file.unlink()
    file.symlink_to(outside)


def _dangling(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere.py")


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("spoil", [_empty, _blank, _huge, _link, _dangling, _folder, _pipe])
def test_a_file_that_cannot_be_taken_is_said_and_what_ran_stays(game: Game, spoil: Callable[[Path], None]) -> None:
    game.ship("dice")
    file = game.override("dice")
    sync()
    spoil(file)
    assert sync() == {"chess_club/dice": "kept"}
    assert game.active_text("dice") == BETTER
    assert ScriptVersion.objects.count() == 2


def test_a_file_that_cannot_be_taken_is_told_on_pages_and_by_commands_until_it_can_be_or_is_gone(game: Game) -> None:
    game.ship("dice")
    file = game.override("dice")
    sync()
    _huge(file)
    sync()
    said = f"scripts/chess_club/dice.py is {MAX_FILE_BYTES + 1} bytes long: a script file may have {MAX_FILE_BYTES}"
    script = game.script("dice")
    assert (file_state(script), why_not_taken(script)) == (CANNOT_BE_TAKEN, f"{said}; what runs stays")
    assert said in str(file_beside(script, "python", BETTER.encode()))
    assert "file cannot be taken" in marks_of(script)
    listed = io.StringIO()
    call_command("list_scripts", stdout=listed)
    assert f"its file is not taken: {said}" in listed.getvalue()
    game.override("dice", BETTER)
    assert sync() == {"chess_club/dice": "unchanged"}
    assert file_state(game.script("dice")) == "active"
    _folder(file)
    sync()
    assert file.resolve() not in {each.resolve() for each in Path("/proc/self/fd").iterdir()}, "it is left open"
    assert file_state(game.script("dice")) == CANNOT_BE_TAKEN
    assert "dice.py is a folder with a script's name" in why_not_taken(game.script("dice"))
    file.rmdir()
    assert sync() == {"chess_club/dice": "reverted"}
    assert (game.script("dice").held, game.active_text("dice")) == ("", GOOD)


def test_a_file_that_never_could_be_taken_is_told_until_it_is_gone(game: Game) -> None:
    game.ship("dice")
    sync()
    file = game.override("dice")
    _huge(file)
    assert sync() == {"chess_club/dice": "kept"}
    assert file_state(game.script("dice")) == CANNOT_BE_TAKEN
    file.unlink()
    assert sync() == {"chess_club/dice": "forgotten"}
    assert (game.script("dice").held, game.active_text("dice")) == ("", GOOD)
    assert sync() == {}


def _linked_away(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.symlink_to("moved")


def _too_full(folder: Path) -> None:
    (folder / "dice.py").unlink()
    for number in range(MAX_ENTRIES + 1):
        (folder / f"a{number}.txt").touch()


@pytest.mark.parametrize("spoil", [_linked_away, _too_full])
def test_what_lies_in_a_folder_that_cannot_be_read_does_not_count_as_deleted(
    game: Game, spoil: Callable[[Path], None]
) -> None:
    game.ship("dice")
    file = game.override("dice")
    case = file.parent / "cases" / "dice" / "six.json"
    case.parent.mkdir(parents=True)
    event = {"topic": "chess_club.roll", "payload": {"sides": 6}}
    case.write_text(json.dumps({"event": event, "expect": [{"at": "outcome", "equal": "fails"}]}))
    sync()
    assert game.script("dice").cases.kept().count() == 1
    spoil(file.parent)
    assert sync()["scripts/chess_club"] == "ignored"
    assert game.active_text("dice") == BETTER
    assert game.script("dice").cases.kept().count() == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_said_and_what_ran_stays(game: Game) -> None:
    game.ship("dice")
    file = game.override("dice")
    sync()
    file.chmod(0)
    assert sync() == {"chess_club/dice": "kept"}
    file.chmod(0o644)
    file.parent.chmod(0)
    try:
        assert sync()["scripts/chess_club"] == "ignored"
    finally:
        file.parent.chmod(0o755)
    assert game.active_text("dice") == BETTER


@pytest.mark.parametrize(
    "name", [".dice.py", "dice.py~", "dice.py.swp", ".#dice.py", "#dice.py#", "dice.py.bak", "README.md"]
)
def test_dot_files_and_backups_of_editors_are_passed_over_without_a_word(game: Game, name: str) -> None:
    file = game.scripts / "chess_club" / name
    file.parent.mkdir(parents=True)
    file.write_text(GOOD)
    assert sync() == {}


@pytest.mark.parametrize("name", ["Dice.py", "notes.txt", "0dice.py", "nested/dice.py", "a-b.py", "x" * 65 + ".py"])
def test_what_is_no_script_is_ignored_and_said(game: Game, name: str) -> None:
    file = game.scripts / "chess_club" / name
    file.parent.mkdir(parents=True)
    file.write_text(GOOD)
    assert set(sync().values()) == {"ignored"}
    assert not Script.objects.exists()


def test_a_linked_module_folder_is_not_entered(game: Game, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "dice.py").write_text(GOOD)
    game.scripts.mkdir()
    (game.scripts / "chess_club").symlink_to(outside)
    assert sync() == {"scripts/chess_club": "ignored"}
    assert not Script.objects.exists()


def test_a_linked_scripts_folder_is_refused(game: Game, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    game.scripts.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderRefused, match="symbolic link"):
        discovery.sync()


def test_of_two_files_for_one_script_the_first_language_of_the_table_counts(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LANGUAGES, "other", Language("other", ".oth", "text", "nowhere"))
    game.override("dice")
    (game.scripts / "chess_club" / "dice.oth").write_text("anything")
    steps = discovery.sync()
    (conflict,) = [step for step in steps if step.outcome == "in_conflict"]
    assert "conflict with scripts/chess_club/dice.py" in conflict.detail
    assert game.active_text("dice") == BETTER
