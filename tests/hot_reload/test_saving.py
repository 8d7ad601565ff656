"""Files saved as editors and tools save them, taken by a real watcher process (requirements 3 and 5)."""

from __future__ import annotations

import os
import queue
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripting.engine import get_engine
from scripting.models import Activation, Script
from scripting.processes.notices import Notice
from scripting.registry import publishing
from scripting.types import ExecutionRequest
from tests.hot_reload.conftest import SOON, Desk, WatcherProcess
from tests.support.stack import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone, pytest.mark.once]

ONE = "result = {'damage': 1}\n"
TWO = "result = {'damage': 2}\n"
BROKEN = "result = (\n"


def in_place(path: Path, text: str) -> None:
    """nano, and every program that opens, truncates and writes."""
    path.write_text(text)


def in_pieces(path: Path, text: str) -> None:
    """A slow writer: an empty file, then half of it, then the rest."""
    with path.open("w") as file:
        file.flush()
        file.write(text[: len(text) // 2])
        file.flush()
        os.fsync(file.fileno())
        file.write(text[len(text) // 2 :])


def as_vim(path: Path, text: str) -> None:
    """vim with backupcopy=no: the old file is moved to x.py~, the new one written, the backup removed."""
    backup = path.with_name(path.name + "~")
    (path.parent / "4913").touch()
    (path.parent / "4913").unlink()
    if path.exists():
        path.rename(backup)
    path.write_text(text)
    backup.unlink(missing_ok=True)


def as_vs_code(path: Path, text: str) -> None:
    """An atomic write: a temporary file beside it, renamed over it."""
    temporary = path.with_name(f"{path.name}.tmp-1234")
    temporary.write_text(text)
    temporary.replace(path)


def as_rsync(path: Path, text: str) -> None:
    """A dot file with a random end, renamed; its time set back to the source's."""
    temporary = path.with_name(f".{path.name}.Xk3v9A")
    temporary.write_text(text)
    os.utime(temporary, (1_600_000_000, 1_600_000_000))
    temporary.replace(path)


def as_emacs(path: Path, text: str) -> None:
    """A lock that is a dangling link, an auto-save file, then the write."""
    lock, auto = path.with_name(f".#{path.name}"), path.with_name(f"#{path.name}#")
    lock.symlink_to("someone@somewhere.1")
    auto.write_text(text)
    path.write_text(text)
    auto.unlink()
    lock.unlink()


SAVES = [in_place, in_pieces, as_vim, as_vs_code, as_rsync, as_emacs]


def test_3_1_3_3_5_1_5_2_a_saved_file_runs_by_itself_however_it_is_saved(desk: Desk, watcher: WatcherProcess) -> None:
    """Requirements 3.1, 3.3, 3.4, 5.1, 5.2."""
    default = desk.runs("damage_calculator")
    assert default is not None
    path = desk.path("damage_calculator")
    for number, save in enumerate(SAVES, 1):
        text = f"result = {{'damage': {number}}}\n"
        save(path, text)
        desk.runs_soon("damage_calculator", text)
        assert [entry.name for entry in path.parent.iterdir() if entry.name != "begun.py"] == [path.name], save.__name__
    output = get_engine().execute(ExecutionRequest("wargame", "damage_calculator"))
    assert output.result == {"damage": len(SAVES)}
    script = desk.script("damage_calculator")
    assert script is not None
    assert {"default", "file"} <= set(script.activations.values_list("cause", flat=True))
    assert script.versions.accepted().count() == 1 + len(SAVES), "a save half done never runs"


def test_3_5_3_6_5_3_5_4_a_broken_save_is_kept_with_its_diagnostics_and_what_ran_stays(
    desk: Desk, watcher: WatcherProcess, heard: queue.SimpleQueue[Notice]
) -> None:
    """Requirements 3.5, 3.6, 5.3, 5.4, 5.5."""
    default = desk.runs("damage_calculator")
    desk.save("damage_calculator", BROKEN)
    notice = heard.get(timeout=SOON)
    assert (notice.kind, notice.module, notice.script, notice.cause) == (
        "rejected",
        "wargame",
        "damage_calculator",
        "file",
    )
    assert desk.runs("damage_calculator") == default
    script = desk.script("damage_calculator")
    assert script is not None
    rejected = script.versions.get(number=notice.number)
    assert (rejected.text, rejected.accepted, rejected.origin) == (BROKEN, False, "file")
    assert rejected.diagnostics[0]["line"] == 1
    wait_until(lambda: watcher.said("what ran before stays active"), SOON, "the watcher's word of the rejected save")
    desk.save("damage_calculator", ONE)
    assert heard.get(timeout=SOON).kind == "activated"
    desk.runs_soon("damage_calculator", ONE)
    desk.save("damage_calculator", "import os\nresult = 2\n")
    assert heard.get(timeout=SOON).kind == "rejected"
    assert desk.runs("damage_calculator") == ONE


def test_5_5_5_6_deleting_the_file_brings_the_default_back_and_says_so(
    desk: Desk, watcher: WatcherProcess, heard: queue.SimpleQueue[Notice]
) -> None:
    """Requirements 5.5, 5.6."""
    default = desk.runs("damage_calculator")
    path = desk.save("damage_calculator", ONE)
    assert heard.get(timeout=SOON).kind == "activated"
    path.unlink()
    notice = heard.get(timeout=SOON)
    assert (notice.kind, notice.cause, notice.script) == ("reverted", "file_deleted", "damage_calculator")
    desk.runs_soon("damage_calculator", default)


def test_deleting_the_whole_folder_brings_every_default_back_and_it_is_watched_again(
    desk: Desk, watcher: WatcherProcess
) -> None:
    default = desk.runs("damage_calculator")
    desk.save("damage_calculator", ONE)
    desk.runs_soon("damage_calculator", ONE)
    shutil.rmtree(desk.scripts)
    desk.runs_soon("damage_calculator", default)
    desk.runs_soon("begun", None)
    wait_until(desk.scripts.is_dir, SOON, "the watcher makes the folder again")
    desk.save("damage_calculator", TWO)
    desk.runs_soon("damage_calculator", TWO)


def test_3_2_an_override_may_be_in_another_language_than_the_default(desk: Desk, watcher: WatcherProcess) -> None:
    """Requirement 3.2."""
    default = desk.runs("damage_calculator")
    path = desk.save("damage_calculator", "result := {damage: 7}\n", ".tengo")
    desk.runs_soon("damage_calculator", "result := {damage: 7}\n")
    output = get_engine().execute(ExecutionRequest("wargame", "damage_calculator"))
    assert output.result == {"damage": 7}
    assert output.version is not None
    assert output.version.language == "tengo"
    path.unlink()
    desk.runs_soon("damage_calculator", default)


def test_two_files_for_one_script_are_announced_and_the_first_language_of_the_table_counts(
    desk: Desk, watcher: WatcherProcess, heard: queue.SimpleQueue[Notice]
) -> None:
    desk.save("damage_calculator", "result := {damage: 7}\n", ".tengo")
    desk.runs_soon("damage_calculator", "result := {damage: 7}\n")
    python = desk.save("damage_calculator", ONE)
    desk.runs_soon("damage_calculator", ONE)
    kinds: dict[str, Notice] = {}
    wait_until(
        lambda: kinds.update({n.kind: n} if (n := heard.get(timeout=SOON)) else {}) or "in_conflict" in kinds, SOON
    )
    assert "damage_calculator.py, which counts" in kinds["in_conflict"].reason
    python.unlink()
    desk.runs_soon("damage_calculator", "result := {damage: 7}\n")


def test_helpers_of_scripts_shared_are_taken_and_one_that_would_break_a_script_is_rejected(
    desk: Desk, watcher: WatcherProcess
) -> None:
    helper = "def roll(sides):\n    return sides\n"
    desk.save("dice", helper, module="shared")
    desk.runs_soon("dice", helper, "shared")
    desk.save("damage_calculator", "from shared.dice import roll\nresult = {'damage': roll(6)}\n")
    wait_until(lambda: "shared.dice" in (desk.runs("damage_calculator") or ""), SOON)
    assert get_engine().execute(ExecutionRequest("wargame", "damage_calculator")).result == {"damage": 6}
    desk.save("dice", "def throw(sides):\n    return sides\n", module="shared")
    wait_until(lambda: watcher.said("would break wargame/damage_calculator"), SOON)
    assert desk.runs("dice", "shared") == helper
    desk.save("dice", helper.replace("return sides", "return 2 * sides"), module="shared")
    wait_until(lambda: "2 * sides" in (desk.runs("dice", "shared") or ""), SOON)
    assert get_engine().execute(ExecutionRequest("wargame", "damage_calculator")).result == {"damage": 12}


def test_5_4_a_helper_whose_file_is_deleted_stays_for_the_scripts_that_import_it(
    desk: Desk, watcher: WatcherProcess, heard: queue.SimpleQueue[Notice]
) -> None:
    helper = "def roll(sides):\n    return sides\n"
    path = desk.save("dice", helper, module="shared")
    desk.runs_soon("dice", helper, "shared")
    lonely = desk.save("lonely", helper, module="shared")
    desk.runs_soon("lonely", helper, "shared")
    text = "from shared import dice\nresult = {'damage': dice.roll(6)}\n"
    desk.save("damage_calculator", text)
    desk.runs_soon("damage_calculator", text)
    path.unlink()
    lonely.unlink()
    refused = heard.get(timeout=SOON)
    while (refused.script, refused.cause) != ("dice", "file_deleted"):
        refused = heard.get(timeout=SOON)
    assert (refused.kind, refused.module) == ("rejected", "shared")
    assert "imported by wargame/damage_calculator" in refused.reason
    wait_until(lambda: watcher.said("imported by wargame/damage_calculator"), SOON)
    desk.runs_soon("lonely", None, "shared")
    assert desk.runs("dice", "shared") == helper
    assert get_engine().execute(ExecutionRequest("wargame", "damage_calculator")).result == {"damage": 6}
    desk.save("dice", helper, module="shared")
    louder = helper.replace("return sides", "return 2 * sides")
    desk.save("dice", louder, module="shared")
    desk.runs_soon("dice", louder, "shared")


def test_a_new_script_of_a_file_runs_and_is_not_found_once_the_file_is_gone(
    desk: Desk, watcher: WatcherProcess
) -> None:
    path = desk.save("brand_new", ONE)
    desk.runs_soon("brand_new", ONE)
    path.unlink()
    desk.runs_soon("brand_new", None)
    assert desk.script("brand_new") is not None, "retired or not, a script is never deleted"


def test_nothing_is_read_through_a_link_and_the_watcher_lives_on(
    desk: Desk, watcher: WatcherProcess, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text(ONE)
    default = desk.runs("damage_calculator")
    desk.path("damage_calculator").symlink_to(secret)
    (desk.scripts / "linked").symlink_to(tmp_path)
    os.mkfifo(desk.path("hit_simulator"))
    desk.path("empty").touch()
    desk.path("huge").write_bytes(b"#" * ((1 << 20) + 1))
    desk.path("binary").write_bytes(b"\x00\xff\xfe")
    desk.path("nested", suffix="").mkdir()
    desk.save("after", ONE)
    desk.runs_soon("after", ONE)
    wait_until(lambda: watcher.said("is a symbolic link"), SOON)
    assert desk.runs("damage_calculator") == default
    for reason in (
        "links are not followed",
        "is no regular file",
        "is empty",
        "1048577 bytes",
        "not UTF-8",
        "nested folder",
    ):
        wait_until(lambda reason=reason: watcher.said(reason), SOON)
    assert desk.script("empty") is None
    assert desk.script("huge") is None
    binary = desk.script("binary")
    assert binary is not None
    assert not binary.versions.get().accepted


def test_a_checkout_of_many_files_is_taken_whole(desk: Desk, watcher: WatcherProcess) -> None:
    count = 150
    for number in range(count):
        desk.save(f"rule_{number}", f"result = {{'damage': {number}}}\n")
    wait_until(
        lambda: Activation.objects.filter(cause="file", script__name__startswith="rule_").count() == count, 2 * SOON
    )
    desk.runs_soon(f"rule_{count - 1}", f"result = {{'damage': {count - 1}}}\n")
    for number in range(count):
        desk.path(f"rule_{number}").unlink()
    wait_until(lambda: Activation.objects.filter(cause="file_deleted").count() == count, 2 * SOON)
    assert desk.runs("rule_0") is None


def test_hot_reload_can_be_switched_off(desk: Desk, start: Callable[..., WatcherProcess]) -> None:
    watcher = start(HOT_RELOAD_SCRIPTS="false")
    wait_until(lambda: watcher.said("nothing is watched"), SOON)
    assert watcher.end() == 0


def test_a_file_that_is_written_in_two_halves_with_a_pause_between_never_runs_half(
    desk: Desk, watcher: WatcherProcess
) -> None:
    """Both halves are scripts by themselves."""
    path, second = desk.path("damage_calculator"), "result['damage'] += 1\n"
    with path.open("w") as file:
        file.write(ONE)
        file.flush()
        os.fsync(file.fileno())
        time.sleep(1.5)
        file.write(second)
    desk.runs_soon("damage_calculator", ONE + second)
    script = desk.script("damage_calculator")
    assert script is not None
    assert [version.text for version in script.versions.filter(origin="file")] == [ONE + second]


def test_what_is_held_back_is_taken_together_once_the_hold_is_gone(desk: Desk, watcher: WatcherProcess) -> None:
    """For what takes a while to be copied: each part alone would be taken too soon."""
    helper, renamed = "def roll(n):\n    return n\n", "def throw(n):\n    return n\n"
    user = "from shared import dice\nresult = {'damage': dice.roll(6)}\n"
    desk.save("dice", helper, module="shared")
    desk.save("damage_calculator", user)
    desk.runs_soon("damage_calculator", user)
    hold = desk.scripts / ".hold"
    hold.touch()
    desk.save("damage_calculator", user.replace("roll", "throw"))
    time.sleep(1)
    desk.save("dice", renamed, module="shared")
    time.sleep(1)
    script = desk.script("damage_calculator")
    assert script is not None
    assert script.versions.filter(origin="file").count() == 1, "nothing was looked at"
    hold.unlink()
    desk.runs_soon("damage_calculator", user.replace("roll", "throw"))
    assert desk.runs("dice", "shared") == renamed
    assert not script.versions.rejected().exists()


def test_a_helper_and_its_user_saved_one_after_the_other_are_both_taken(desk: Desk, watcher: WatcherProcess) -> None:
    """By an editor that saves all, or a checkout, slower than the watcher looks."""
    helper, renamed = "def roll(n):\n    return n\n", "def throw(n):\n    return n\n"
    user = "from shared import dice\nresult = {'damage': dice.roll(6)}\n"
    desk.save("dice", helper, module="shared")
    desk.save("damage_calculator", user)
    desk.runs_soon("damage_calculator", user)
    desk.save("dice", renamed, module="shared")
    wait_until(lambda: watcher.said("would break wargame/damage_calculator"), SOON)
    desk.save("damage_calculator", user.replace("roll", "throw"))
    desk.runs_soon("damage_calculator", user.replace("roll", "throw"))
    assert desk.runs("dice", "shared") == renamed


def test_a_rejected_file_is_taken_when_what_it_lacked_is_published(desk: Desk, watcher: WatcherProcess) -> None:
    """Nobody touches the file again."""
    text = "from shared import dice\nresult = {'damage': dice.roll(6)}\n"
    desk.save("damage_calculator", text)
    wait_until(lambda: watcher.said('there is no helper script "shared/dice"'), SOON)
    dice = Script.objects.create(module="shared", name="dice")
    helper = "def roll(n):\n    return n\n"
    publishing.publish(dice, "python", helper, actor=None, reason="why", base=None)
    desk.runs_soon("damage_calculator", text)
