"""A file that a program still has open for writing is not read: half a save never counts."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripting.sources import open_files, sync
from scripting.sources.folder import HOLD, HOLD_SECONDS, BeingWritten, ScriptFile, is_held, look_up
from scripting.sources.open_files import StillWritten, unwritten
from tests.support.game import BETTER, GOOD, Game

leases = pytest.mark.skipif(not hasattr(fcntl, "F_SETLEASE"), reason="only Linux tells of writers")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scripts" / "m" / "dice.py"
    path.parent.mkdir(parents=True)
    path.write_text(GOOD)
    return path


@pytest.fixture
def reader(file: Path) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@leases
def test_what_somebody_has_open_for_writing_is_not_read_however_long_nothing_is_written(file: Path) -> None:
    with file.open("a") as writer:
        writer.write("# half\n")
        writer.flush()
        os.utime(file, (1, 1))
        assert isinstance(look_up(file.parents[1], "m", "dice"), BeingWritten)
    assert isinstance(look_up(file.parents[1], "m", "dice"), ScriptFile)


@leases
def test_who_begins_to_write_waits_until_it_has_been_read_and_does_no_harm(file: Path, reader: int) -> None:
    opened = threading.Event()

    def write() -> None:
        with file.open("w"):
            opened.set()

    writer = threading.Thread(target=write)
    with unwritten(reader):
        writer.start()
        assert not opened.wait(0.2)
        assert os.read(reader, 100) == GOOD.encode()
    assert opened.wait(10)
    writer.join()


@pytest.mark.parametrize("error", [errno.EACCES, errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_the_system_does_not_tell_a_file_counts_once_it_has_not_changed_for_a_moment(
    file: Path, reader: int, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another user's file, or on a network's file system."""

    def refuse(*_: object) -> None:
        raise OSError(error, "no lease for you")

    monkeypatch.setattr(open_files.fcntl, "fcntl", refuse)
    monkeypatch.setattr(open_files, "SETTLED_SECONDS", 60.0)  # however busy the machine
    file.write_text(BETTER)
    with pytest.raises(StillWritten), unwritten(reader):
        pass
    settled = time.time() - open_files.SETTLED_SECONDS - 0.01
    os.utime(file, (settled, settled))
    with unwritten(reader):
        pass


def test_a_hold_that_was_forgotten_counts_no_longer(tmp_path: Path) -> None:
    assert not is_held(tmp_path, time.time())
    (tmp_path / HOLD).touch()
    assert is_held(tmp_path, time.time())
    assert not is_held(tmp_path, time.time() + HOLD_SECONDS + 1)


@leases
@pytest.mark.django_db(transaction=True)
def test_sync_waits_a_second_for_a_writer_and_then_says_that_it_took_nothing(game: Game) -> None:
    game.ship("dice")
    path = game.override("dice")
    writers = [path.open("a"), path.open("a")]

    def close_one(seconds: float) -> None:
        writers.pop().close()

    steps = [step for step in sync.sync(wait=close_one) if step.source == "file"]
    assert [(step.outcome, "is still being written" in step.detail) for step in steps] == [("kept", True)]
    assert game.active_text("dice") == GOOD
    sync.sync(wait=close_one)
    assert game.active_text("dice") == BETTER
