"""Several hosts with scripts folders of their own, with copies of one and with none: a file is gone only from the folder that had it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripting.hot_reload.watcher import Watcher
from scripting.models import Case, Script, SeenFile
from scripting.registry import publishing
from scripting.sources import sync
from scripting.sources.identity import MARK, identity_of
from scripting.sources.sync import ABSENCE_SECONDS
from tests.support.game import BETTER, GOOD, Game

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "result = {'points': 3}\n"
CASE = '{"expect": [{"at": "result.points", "equal": 1}]}'


class Host:
    """A host with a scripts folder of its own, or none."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 0.0

    def save(self, text: str, name: str = "dice") -> None:
        path = self.root / Game.name / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def delete(self) -> None:
        (self.root / Game.name / "dice.py").unlink()

    def prepare(self) -> list[str]:
        steps = sync.sync(root=self.root, wait=lambda _seconds: None)
        return [step.outcome for step in steps if step.is_news]

    def watch(self) -> None:
        """A watcher that begins, looks, and waits until what is missing counts."""
        watcher = Watcher(self.root, lambda: self.now)
        watcher.look()
        self.now += ABSENCE_SECONDS
        watcher.count_absences()


@pytest.fixture
def hosts(game: Game, tmp_path: Path) -> tuple[Host, Host, Host]:
    """The third has no folder at all."""
    game.ship("dice")
    sync.sync()
    (tmp_path / "second").mkdir()
    return Host(tmp_path / "first"), Host(tmp_path / "second"), Host(tmp_path / "none")


@pytest.mark.parametrize("look", [Host.prepare, Host.watch])
def test_a_file_on_one_host_is_not_undone_by_hosts_without_it(
    game: Game, hosts: tuple[Host, Host, Host], look: object
) -> None:
    first, empty, none = hosts
    first.save(BETTER)
    first.prepare()
    for other in (empty, none):
        look(other)  # type: ignore[operator]
        assert game.active_text("dice") == BETTER
    first.delete()
    look(first)  # type: ignore[operator]
    assert game.active_text("dice") == GOOD


def test_of_different_files_on_two_hosts_the_one_that_changed_last_counts_and_no_look_at_the_other_changes_that(
    game: Game, hosts: tuple[Host, Host, Host]
) -> None:
    first, second, _ = hosts
    first.save(BETTER)
    first.prepare()
    second.save(OTHER)
    second.prepare()
    first.prepare()
    first.watch()
    assert game.active_text("dice") == OTHER
    first.delete()  # not the file that counts
    first.prepare()
    assert game.active_text("dice") == OTHER
    first.save(BETTER)
    first.watch()
    assert game.active_text("dice") == BETTER


def test_hosts_with_copies_of_one_folder_take_a_change_once_and_a_deletion_with_the_first_that_has_it(
    game: Game, hosts: tuple[Host, Host, Host], tmp_path: Path
) -> None:
    first, _, _ = hosts
    first.save(BETTER)
    first.prepare()
    copy = Host(tmp_path / "copy")
    shutil.copytree(first.root, copy.root)
    copy.prepare()
    assert identity_of(copy.root) != identity_of(first.root), "a copy is a folder of its own"
    first.save(OTHER)
    first.watch()
    copy.watch()
    assert game.active_text("dice") == OTHER, "the copy that was not updated yet undoes nothing"
    copy.save(OTHER)
    activations = game.script("dice").activations.count()
    copy.watch()
    assert game.script("dice").activations.count() == activations
    first.delete()
    first.watch()
    assert game.active_text("dice") == GOOD
    copy.watch()
    copy.prepare()
    assert game.active_text("dice") == GOOD, "a file that lies there as before is no change"


def test_a_case_in_a_file_of_one_host_is_not_deleted_by_another(hosts: tuple[Host, Host, Host]) -> None:
    first, second, none = hosts
    path = first.root / Game.name / "cases" / "dice" / "six.json"
    path.parent.mkdir(parents=True)
    path.write_text(CASE)
    assert "taken" in first.prepare()
    for other in (second, none):
        other.prepare()
        other.watch()
    assert Case.objects.filter(name="six").exists()
    path.unlink()
    first.prepare()
    assert not Case.objects.filter(name="six").exists()


def test_what_a_designer_published_over_a_file_stays_whichever_host_looks(
    game: Game, hosts: tuple[Host, Host, Host]
) -> None:
    first, second, _ = hosts
    first.save(BETTER)
    first.prepare()
    script = game.script("dice")
    publishing.publish(script, "python", OTHER, actor=None, reason="tuned", base=script.active_version)
    for host in (first, second):
        host.prepare()
        host.watch()
    assert game.active_text("dice") == OTHER


def test_a_folder_put_in_the_place_of_another_is_another_and_one_that_cannot_be_written_has_a_name_too(
    game: Game, hosts: tuple[Host, Host, Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, _ = hosts
    first.save(BETTER)
    first.watch()
    first.root.rename(tmp_path / "unmounted")
    first.root.mkdir()
    first.watch()
    first.prepare()
    assert game.active_text("dice") == BETTER

    def refused(*_arguments: object, **_options: object) -> None:
        raise OSError(30, "Read-only file system")

    (first.root / MARK).unlink()
    monkeypatch.setattr("scripting.sources.identity.write_bytes", refused)
    assert identity_of(first.root) == identity_of(first.root) != ""
    assert not (first.root / MARK).exists()
    assert SeenFile.objects.filter(path="chess_club/dice").exists()
    assert Script.objects.count() == 1


def test_a_folder_that_is_being_deleted_gets_no_new_mark(hosts: tuple[Host, Host, Host]) -> None:
    """Else `rm -r` finds a file in it that was not there before."""
    first, _, _ = hosts
    first.save(GOOD)
    watcher = Watcher(first.root, lambda: first.now)
    watcher.look()
    name = watcher.name
    (first.root / MARK).unlink()
    watcher.look()
    assert (watcher.name, (first.root / MARK).exists()) == (name, False)
    shutil.rmtree(first.root)
    watcher.make_folder()
    assert (watcher.name, (first.root / MARK).read_text().split()[0]) == (name, name)
