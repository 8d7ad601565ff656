"""Defaults written to disk: requirement 4 whole, with real folders."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from scripting.registry import publishing
from scripting.registry.moves import AnyBase
from scripting.sources import sync
from scripting.sources.extraction import Extracted, NothingToExtract, extract
from scripting.supervisor.asked_to_end import AskedToEnd
from tests.support.game import BETTER, GOOD, Game

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shipped(game: Game) -> Game:
    game.ship("dice")
    game.ship("score_board", BETTER)
    sync.sync()
    return game


def outcomes(report: list[Extracted]) -> dict[str, str]:
    return {Path(item.path).name: item.outcome for item in report}


def test_every_default_is_written_to_a_folder_named_after_its_module(shipped: Game) -> None:
    """Requirements 4.1, 4.2, 4.3."""
    report = extract()
    assert outcomes(report) == {"dice.py": "written", "score_board.py": "written"}
    folder = shipped.scripts / "chess_club"
    assert {file.name: file.read_text() for file in folder.iterdir()} == {"dice.py": GOOD, "score_board.py": BETTER}


def test_an_existing_file_is_never_overwritten(shipped: Game) -> None:
    """Requirement 4.4."""
    mine = shipped.override("dice", "result = 'mine'\n")
    report = extract()
    assert outcomes(report) == {"dice.py": "kept", "score_board.py": "written"}
    assert mine.read_text() == "result = 'mine'\n"


def test_force_really_overwrites_and_says_so(shipped: Game) -> None:
    """Requirement 4.4."""
    mine = shipped.override("dice", "result = 'mine'\n")
    report = extract(force=True)
    assert outcomes(report)["dice.py"] == "overwritten"
    assert mine.read_text() == GOOD


def test_the_report_names_each_file_with_what_was_done(shipped: Game) -> None:
    """Requirement 4.5."""
    extract()
    (dice, _) = extract()
    assert dice.path == str(shipped.scripts / "chess_club" / "dice.py")
    assert (dice.outcome, bool(dice.detail)) == ("same", True)


def test_extraction_activates_nothing_even_when_files_are_looked_at_afterwards(shipped: Game) -> None:
    before = shipped.script("dice").activations.count()
    extract()
    assert {s.outcome for s in sync.sync()} == {"unchanged"}
    script = shipped.script("dice")
    assert script.activations.count() == before
    assert script.active_version == script.default_version


def test_deleting_an_extracted_file_changes_nothing(shipped: Game) -> None:
    extract()
    (shipped.scripts / "chess_club" / "dice.py").unlink()
    steps = sync.sync(wait=lambda _: None)
    assert "forgotten" in {step.outcome for step in steps}
    assert shipped.active_text("dice") == GOOD


def test_force_over_an_active_override_says_that_the_override_stays_active(shipped: Game) -> None:
    shipped.override("dice", "result = 'mine'\n")
    sync.sync()
    (dice, _) = extract(force=True)
    assert "stays active" in dice.detail
    assert shipped.active_text("dice") == "result = 'mine'\n"


def test_the_active_version_can_be_extracted_instead(shipped: Game) -> None:
    publishing.publish(shipped.script("dice"), "python", "result = 9\n", actor=None, reason="balance", base=AnyBase)
    extract(active=True)
    assert (shipped.scripts / "chess_club" / "dice.py").read_text() == "result = 9\n"


def test_a_dry_run_writes_nothing(shipped: Game) -> None:
    assert outcomes(extract(dry_run=True)) == {"dice.py": "written", "score_board.py": "written"}
    assert not shipped.scripts.exists()
    assert shipped.script("dice").file_digest == ""


def test_another_folder_is_no_override(shipped: Game, tmp_path: Path) -> None:
    extract(to=tmp_path / "elsewhere" / "deep")
    assert (tmp_path / "elsewhere" / "deep" / "chess_club" / "dice.py").read_text() == GOOD
    assert shipped.script("dice").file_digest == ""


def test_one_module_or_some_scripts_can_be_chosen(shipped: Game) -> None:
    assert outcomes(extract(scripts=[shipped.script("dice")])) == {"dice.py": "written"}
    with pytest.raises(NothingToExtract, match="chess_club"):
        extract(module="no_such_module")


@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_written_through_a_linked_file(shipped: Game, tmp_path: Path, force: bool) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    link = shipped.scripts / "chess_club" / "dice.py"
    link.parent.mkdir(parents=True)
    link.symlink_to(victim)
    report = extract(force=force)
    assert outcomes(report)["dice.py"] == "failed"
    assert victim.read_text() == "precious"
    assert link.is_symlink()


@pytest.mark.parametrize("where", ["module", "root", "parent"])
def test_nothing_is_written_through_a_linked_folder(shipped: Game, tmp_path: Path, where: str) -> None:
    outside = tmp_path / "outside"
    (outside / "scripts").mkdir(parents=True)
    root = shipped.scripts
    if where == "module":
        root.mkdir()
        (root / "chess_club").symlink_to(outside)
    elif where == "root":
        root.symlink_to(outside)
    else:
        (tmp_path / "linked").symlink_to(outside)
        root = tmp_path / "linked" / "scripts"
    report = extract(to=root, force=True)
    assert {item.outcome for item in report} == {"failed"}
    assert "symbolic link" in report[0].detail
    assert [path for path in outside.rglob("*") if path.is_file()] == []


def test_files_are_written_whole_and_leave_no_rest(shipped: Game) -> None:
    extract()
    folder = shipped.scripts / "chess_club"
    assert sorted(file.name for file in folder.iterdir()) == ["dice.py", "score_board.py"]
    assert stat.S_IMODE((folder / "dice.py").stat().st_mode) & 0o022 == 0


def test_a_folder_that_cannot_be_made_is_a_failure_and_what_was_known_stays(shipped: Game) -> None:
    shipped.scripts.write_text("a file where the folder should be")
    assert {item.outcome for item in extract()} == {"failed"}
    assert shipped.script("dice").file_digest == ""


def test_an_extraction_that_is_asked_to_end_leaves_what_is_known_of_the_file_as_it_was(
    shipped: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = shipped.override("dice", "result = 'mine'\n")
    sync.sync()
    before = shipped.script("dice").file_digest

    def end(*_: object) -> None:
        raise AskedToEnd

    monkeypatch.setattr("os.fsync", end)
    with pytest.raises(AskedToEnd):
        extract(force=True)
    monkeypatch.undo()
    assert (shipped.script("dice").file_digest, mine.read_text()) == (before, "result = 'mine'\n")
    assert [file.name for file in mine.parent.iterdir()] == ["dice.py"]
