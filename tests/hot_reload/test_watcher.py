"""The watcher, step by step with a clock of the test, and once whole on a real folder: requirements 5.1, 5.2 and 5.6."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from scripting.hot_reload import watcher
from scripting.hot_reload.watcher import Watcher
from scripting.processes.one_at_a_time import LOCK_SECONDS, OneAtATime
from scripting.sources.identity import MARK
from scripting.sources.steps import Step
from tests.support.game import BETTER, BROKEN, GOOD, Game

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def outcomes(steps: list[Step]) -> list[str]:
    return [step.outcome for step in steps]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watching(game: Game, clock: Clock) -> Watcher:
    game.ship("dice")
    from scripting.sources import sync

    sync.sync()
    return Watcher(game.scripts, clock)


def test_the_first_look_takes_what_changed_while_nobody_watched(game: Game, watching: Watcher) -> None:
    game.override("dice")
    assert outcomes(watching.look()) == ["activated"]
    assert game.active_text("dice") == BETTER


def test_a_look_without_change_does_nothing(game: Game, watching: Watcher) -> None:
    game.override("dice")
    watching.look()
    assert watching.look() == []
    assert watching.count_absences() == []


def test_a_broken_save_is_said_once_and_the_previous_text_stays(game: Game, watching: Watcher) -> None:
    game.override("dice")
    watching.look()
    game.override("dice", BROKEN)
    assert outcomes(watching.look()) == ["rejected"]
    assert watching.look() == []
    assert game.active_text("dice") == BETTER


def test_a_deletion_counts_after_a_second(game: Game, watching: Watcher, clock: Clock) -> None:
    """Requirement 5.6."""
    file = game.override("dice")
    watching.look()
    file.unlink()
    assert watching.look() == []
    clock.now += 0.9
    assert watching.count_absences() == []
    clock.now += 0.2
    assert outcomes(watching.count_absences()) == ["reverted"]
    assert game.active_text("dice") == GOOD


def test_a_module_folder_that_becomes_a_link_takes_nothing_away_and_a_deletion_in_it_counts_once_it_can_be_read(
    game: Game, watching: Watcher, clock: Clock
) -> None:
    folder = game.override("dice").parent
    watching.look()
    folder.rename(game.scripts / "moved")
    folder.symlink_to("moved")
    watching.look()
    clock.now += 2
    assert watching.count_absences() == []
    watching.forget()
    watching.look()
    clock.now += 2
    assert watching.count_absences() == []
    assert game.active_text("dice") == BETTER
    folder.unlink()
    (game.scripts / "moved").rename(folder)
    (folder / "dice.py").unlink()
    watching.look()
    clock.now += 2
    assert outcomes(watching.count_absences()) == ["reverted"]


def test_a_file_that_an_editor_moves_away_and_back_was_never_gone(game: Game, watching: Watcher, clock: Clock) -> None:
    file = game.override("dice")
    watching.look()
    file.rename(file.with_name("dice.py~"))
    watching.look()
    clock.now += 0.5
    file.with_name("dice.py~").rename(file)
    watching.look()
    clock.now += 5
    assert watching.count_absences() == []
    assert game.active_text("dice") == BETTER


def test_a_deletion_while_nobody_watched_is_found(game: Game, watching: Watcher, clock: Clock) -> None:
    file = game.override("dice")
    watching.look()
    file.unlink()
    later = Watcher(game.scripts, clock)
    later.look()
    clock.now += 1
    assert outcomes(later.count_absences()) == ["reverted"]


def reads() -> int:
    """How often this thread has read from a file."""
    counts = dict(line.split(": ") for line in Path("/proc/thread-self/io").read_text().splitlines())
    return int(counts["syscr"])


def test_a_wake_up_at_which_nothing_is_missing_reads_no_file(game: Game, watching: Watcher) -> None:
    game.override("dice")
    watching.look()
    first = reads()
    before = reads()
    assert watching.count_absences() == []
    assert reads() - before == before - first


def test_another_folder_in_the_place_is_looked_at_by_the_next_wake_up(game: Game, watching: Watcher) -> None:
    game.override("dice")
    watching.look()
    game.scripts.rename(game.scripts.with_name("aside"))
    game.scripts.mkdir(mode=0o700)
    (game.scripts / MARK).write_text(f"another {game.scripts.stat().st_ino}\n")
    assert not watching.is_due()
    assert watching.count_absences() == []
    assert watching.is_due()


def test_one_watcher_holds_the_lock_and_another_takes_over_when_it_gives_it_back(clock: Clock) -> None:
    first, second = OneAtATime("watcher", "harbour", clock=clock), OneAtATime("watcher", "harbour", clock=clock)
    assert first.step()
    assert not second.step()
    first.release()
    clock.now += 2
    assert second.step()


def test_the_lock_of_a_dead_watcher_runs_out(clock: Clock, redis_client: object) -> None:
    from scripting.storage.redis_client import key

    first = OneAtATime("watcher", "harbour", clock=clock)
    first.step()
    left = redis_client.pttl(key("watcher", "harbour"))  # type: ignore[attr-defined]
    assert 0 < left <= LOCK_SECONDS * 1000


def test_a_watcher_that_lost_the_lock_knows_it(clock: Clock, redis_client: object) -> None:
    from scripting.storage.redis_client import key

    first, second = OneAtATime("watcher", "harbour", clock=clock), OneAtATime("watcher", "harbour", clock=clock)
    first.step()
    redis_client.delete(key("watcher", "harbour"))  # type: ignore[attr-defined]
    assert second.step()
    clock.now += 5
    assert not first.step()


@pytest.fixture
def running(game: Game) -> Iterator[queue.Queue[Step]]:
    """A real watcher on the real folder."""
    said: queue.Queue[Step] = queue.Queue()
    stop = threading.Event()

    def run() -> None:
        try:
            watcher.run(stop, said.put, game.scripts)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield said
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_saved_files_are_taken_by_themselves_and_a_deletion_brings_the_default_back(
    game: Game, watching: Watcher, running: queue.Queue[Step]
) -> None:
    """Requirements 5.1, 5.2."""
    file = game.override("dice", BROKEN)
    assert running.get(timeout=20).outcome == "rejected"
    temporary = file.with_name(".dice.new")
    temporary.write_text(BETTER)
    temporary.rename(file)  # as editors save
    assert running.get(timeout=20).outcome == "activated"
    assert game.active_text("dice") == BETTER
    file.unlink()
    assert running.get(timeout=20).outcome == "reverted"
    assert game.active_text("dice") == GOOD
