"""Cases as files: taken, changed, deleted and extracted as scripts are, and the last good one is kept."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scripting.evidence import cases
from scripting.hot_reload.watcher import Watcher
from scripting.models import Case
from scripting.sources import sync
from scripting.sources.extraction import NothingToExtract, extract_cases
from scripting.sources.steps import Step
from scripting.texts import case_text
from tests.support.game import BETTER, Game

pytestmark = pytest.mark.django_db(transaction=True)

ONE = '{"expect": [{"at": "result.points", "equal": 1}]}'
TWO = '{"expect": [{"at": "result.points", "equal": 2}]}'


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watching(game: Game, clock: Clock) -> Watcher:
    game.ship("dice")
    sync.sync()
    return Watcher(game.scripts, clock)


def case_file(game: Game, text: str, name: str = "one.json", script: str = "dice") -> Path:
    path = game.scripts / game.name / "cases" / script / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def told(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.script, step.outcome) for step in steps]


def expected(game: Game, name: str = "one") -> int:
    case = Case.objects.kept().get(script__name="dice", name=name)
    value: int = case.decoded().expect[0].equal
    return value


def test_a_file_is_taken_changed_and_deleted_as_it_is_saved(game: Game, watching: Watcher, clock: Clock) -> None:
    path = case_file(game, ONE)
    assert told(watching.look()) == [("chess_club/dice/one", "taken")]
    assert (expected(game), Case.objects.get().origin) == (1, "file")
    assert watching.look() == []
    path.write_text(TWO)
    assert told(watching.look()) == [("chess_club/dice/one", "taken")]
    assert expected(game) == 2
    path.unlink()
    watching.look()
    assert watching.count_absences() == []  # editors save by renaming
    clock.now += 1.1
    assert told(watching.count_absences()) == [("chess_club/dice/one", "deleted")]
    assert not Case.objects.exists()


def test_a_file_that_is_no_case_leaves_the_last_good_one_and_is_told_with_its_place(
    game: Game, watching: Watcher
) -> None:
    path = case_file(game, ONE)
    watching.look()
    path.write_text(ONE[:20])
    (step,) = watching.look()
    assert (step.outcome, expected(game)) == ("rejected", 1)
    assert step.detail.startswith("scripts/chess_club/cases/dice/one.json: line 1, column ")
    assert step.detail.endswith("; the case stays as it was")
    path.write_text('{"expect": [{"at": "points", "equal": 1}]}')
    (step,) = watching.look()
    assert "expect[0].at: a place begins with one of outcome, result" in step.detail
    assert watching.look() == []
    path.write_text("")
    assert told(watching.look()) == [("chess_club/dice/one", "kept")]
    assert expected(game) == 1


def test_half_of_a_save_is_waited_for(game: Game, watching: Watcher) -> None:
    path = case_file(game, ONE)
    watching.look()
    with path.open("w") as file:
        file.write(TWO[:10])
        file.flush()
        assert watching.look() == []
        assert watching.is_waiting
        file.write(TWO[10:])
    assert told(watching.look()) == [("chess_club/dice/one", "taken")]
    assert expected(game) == 2


def test_a_case_of_a_script_that_is_not_there_waits_for_it(game: Game, watching: Watcher) -> None:
    case_file(game, ONE, script="score_board")
    (step,) = watching.look()
    assert (step.outcome, step.detail) == (
        "ignored",
        "scripts/chess_club/cases/score_board/one.json waits: there is no script chess_club/score_board in use",
    )
    assert watching.look() == []  # said once
    game.override("score_board", BETTER)
    assert told(watching.look()) == [("chess_club/score_board", "activated"), ("chess_club/score_board/one", "taken")]


def test_no_link_is_followed_and_other_files_are_passed_over_with_a_word(
    game: Game, watching: Watcher, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text(ONE)
    linked = case_file(game, ONE).with_name("linked.json")
    linked.symlink_to(outside)
    case_file(game, ONE, "Notes.txt")
    folder = game.scripts / game.name / "cases"
    (folder / "elsewhere").symlink_to(tmp_path)
    steps = {step.script: step for step in watching.look()}
    assert steps["chess_club/dice/one"].outcome == "taken"
    assert "links are not followed" in steps["chess_club/dice/linked"].detail
    assert "links are not followed" in steps["scripts/chess_club/cases/elsewhere"].detail
    assert "is no case" in steps["scripts/chess_club/cases/dice/Notes.txt"].detail
    assert [case.name for case in Case.objects.all()] == ["one"]


def test_what_is_changed_in_the_browser_lasts_until_the_file_is_saved_again(
    game: Game, watching: Watcher, clock: Clock
) -> None:
    path = case_file(game, ONE)
    watching.look()
    case = Case.objects.get()
    cases.change(case, case_text.decode('{"expect": [{"at": "result.points", "equal": 3}]}'), user="ada")
    assert watching.look() == []
    sync.sync()
    assert expected(game) == 3
    path.write_text(TWO)
    watching.look()
    assert expected(game) == 2
    cases.remove(Case.objects.get(), user="ada")
    assert watching.look() == []
    sync.sync()
    assert not Case.objects.kept().exists()  # the file counts again when it changes
    path.write_text(ONE)
    watching.look()
    assert expected(game) == 1
    cases.change(Case.objects.get(), case_text.decode(TWO), user="ada")
    path.unlink()
    watching.look()
    clock.now += 1.1
    assert told(watching.count_absences()) == [("chess_club/dice/one", "forgotten")]
    assert expected(game) == 2


def test_extracting_writes_one_stable_text_that_no_watcher_takes_for_news(game: Game, watching: Watcher) -> None:
    with pytest.raises(NothingToExtract):
        extract_cases()
    text = '{"seed": 5, "expect": [{"equal": {"b": 1, "a": 2}, "at": "result"}], "note": "ä"}'
    cases.add(game.script("dice"), "kept", case_text.decode(text), user="ada")
    call_command("extract_scripts", "--cases", stdout=(out := io.StringIO()))
    path = game.scripts / "chess_club" / "cases" / "dice" / "kept.json"
    assert out.getvalue() == f"{path}: written\n"
    written = path.read_text()
    assert json.loads(written) == json.loads(text) | {"clock_us": 0}
    assert written.startswith('{\n  "clock_us": 0,\n  "expect": [\n')
    assert "ä" in written
    assert "\r" not in written
    assert watching.look() == []
    assert Case.objects.get().origin == "editor"
    (same,) = extract_cases()
    assert same.outcome == "same"
    path.write_text(ONE)
    (kept,) = extract_cases()
    assert (kept.outcome, path.read_text()) == ("kept", ONE)
    (forced,) = extract_cases(force=True)
    assert (forced.outcome, path.read_text()) == ("overwritten", written)


def test_cases_beside_the_defaults_are_taken_and_give_way_to_a_file_or_an_edit(game: Game) -> None:
    game.ship("dice")
    shipped = game.package / "scripts" / "cases" / "dice" / "one.json"
    shipped.parent.mkdir(parents=True)
    shipped.write_text(ONE)
    assert ("chess_club/dice/one", "taken") in told(sync.sync())
    assert (expected(game), Case.objects.get().origin) == (1, "embedded")
    shipped.write_text(TWO)
    sync.sync()
    assert expected(game) == 2
    path = case_file(game, ONE)
    sync.sync()
    assert expected(game) == 1
    path.unlink()
    assert ("chess_club/dice/one", "reverted") in told(sync.sync(wait=lambda _: None))
    assert (expected(game), Case.objects.get().origin) == (2, "embedded")
    cases.remove(Case.objects.get(), user="ada")
    sync.sync()
    assert not Case.objects.kept().exists()
    shipped.unlink()
    sync.sync()
    assert not Case.objects.kept().exists()
    shipped.write_text("{")
    assert ("chess_club/dice/one", "failed") in told(sync.sync())


def test_however_many_cases_a_package_ships_anew_they_are_taken_in_the_same_statements(game: Game) -> None:
    game.ship("dice")
    sync.sync()
    folder = game.package / "scripts" / "cases" / "dice"
    folder.mkdir(parents=True)
    counts = []
    for names in (["a"], ["b", "c", "d", "e"]):
        for name in names:
            (folder / f"{name}.json").write_text(ONE)
        with CaptureQueriesContext(connection) as asked:
            assert told(sync.sync())[-len(names) :] == [(f"chess_club/dice/{name}", "taken") for name in names]
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert sorted(Case.objects.kept().values_list("name", flat=True)) == ["a", "b", "c", "d", "e"]
