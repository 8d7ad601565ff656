"""The commands that list, publish, roll back, extract and send."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from django.contrib.auth import get_user_model

from scripting.bus import streams
from scripting.registry import lifecycle, publishing
from scripting.registry.moves import AnyBase
from scripting.sources import sync
from tests.support.arena import make_script
from tests.support.game import BETTER, BROKEN, GOOD, Game


@pytest.fixture
def shipped(game: Game, transactional_db: None) -> Game:
    game.ship("dice")
    sync.sync()
    return game


@pytest.fixture
def better(tmp_path: Path) -> str:
    file = tmp_path / "better.py"
    file.write_text(BETTER)
    return str(file)


def test_sync_scripts_reports_each_script_and_exits_0(game: Game, manage: Callable) -> None:
    """Requirement 2.1."""
    game.ship("dice")
    ran = manage("sync_scripts")
    assert ran.code == 0
    assert "chess_club/dice: activated: v1, embedded default" in ran.out


def test_sync_scripts_exits_1_when_an_embedded_default_fails_its_check(game: Game, manage: Callable) -> None:
    game.ship("dice", BROKEN)
    ran = manage("sync_scripts", "--json")
    assert ran.code == 1
    assert ran.json["ok"] is False
    assert "chess_club/dice" in ran.err


def test_sync_scripts_exits_1_as_long_as_a_file_is_rejected(shipped: Game, manage: Callable) -> None:
    file = shipped.override("dice", BROKEN)
    for _ in range(2):
        ran = manage("sync_scripts", "--json")
        assert (ran.code, ran.json["ok"]) == (1, False)
        assert "chess_club/dice: scripts/chess_club/dice.py 1:10: invalid_syntax" in ran.err
    assert manage("sync_scripts", "--allow-rejected").code == 0
    file.write_text(GOOD)
    assert manage("sync_scripts").code == 0


def test_list_scripts_names_source_and_version(shipped: Game, manage: Callable) -> None:
    """Requirements 2.4 and 7.3."""
    (listed,) = manage("list_scripts", "--json").json["scripts"]
    assert (listed["module"], listed["name"], listed["overridden"]) == ("chess_club", "dice", False)
    assert (listed["active"]["number"], listed["active"]["origin"]) == (1, "embedded")
    shipped.override("dice")
    sync.sync()
    (listed,) = manage("list_scripts", "--json").json["scripts"]
    assert (listed["active"]["number"], listed["active"]["origin"], listed["overridden"]) == (2, "file", True)
    table = manage("list_scripts").out
    assert "chess_club/dice" in table
    assert "override" in table


def test_list_scripts_says_that_a_file_is_rejected_and_why_and_that_the_default_runs(
    shipped: Game, manage: Callable
) -> None:
    shipped.override("dice", BROKEN)
    sync.sync()
    (listed,) = manage("list_scripts", "--json").json["scripts"]
    assert (listed["overridden"], listed["file"]) == (False, "rejected")
    assert "'(' was never closed" in listed["file_problem"]
    table = manage("list_scripts").out
    assert "default, file rejected" in table
    assert "chess_club/dice: its file is rejected: 1:10: invalid_syntax: '(' was never closed" in table


def test_list_scripts_says_that_another_text_than_the_file_s_runs(shipped: Game, manage: Callable, better: str) -> None:
    shipped.override("dice", "result = 5\n")
    sync.sync()
    assert manage("list_scripts", "--json").json["scripts"][0]["file"] == "active"
    manage("publish_script", "chess_club/dice", "--source", better, "-m", "more points")
    assert manage("list_scripts", "--json").json["scripts"][0]["file"] == "differs"
    assert "override, file differs" in manage("list_scripts").out


def test_list_topics_shows_schema_and_subscribers(game: Game, manage: Callable) -> None:
    (topic,) = manage("list_topics", "--json").json["topics"]
    assert (topic["name"], topic["subscribers"], topic["sensitive"]) == (
        "chess_club.roll",
        ["chess_club/dice"],
        ["secret"],
    )
    assert "chess_club.roll" in manage("list_topics").out


def test_publish_event_is_accepted_and_waits_on_its_stream(shipped: Game, manage: Callable) -> None:
    """Requirement 6.1."""
    ran = manage("publish_event", "chess_club.roll", '{"sides": 6}', "--json")
    assert ran.code == 0, ran.err
    assert ran.json["event"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("no.such.topic", "{}"), 1),
        (("chess_club.roll", '{"sides": "six"}'), 1),
        (("chess_club.roll", "{"), 2),
        (("chess_club.roll",), 2),
    ],
)
def test_publish_event_refuses_what_does_not_fit(
    shipped: Game, manage: Callable, arguments: tuple[str, ...], code: int
) -> None:
    ran = manage("publish_event", *arguments)
    assert ran.code == code
    assert "Traceback" not in ran.err


def test_publish_script_makes_a_text_live_under_its_author(shipped: Game, manage: Callable, better: str) -> None:
    get_user_model().objects.create_user("ada")
    ran = manage(
        "publish_script", "chess_club/dice", "--source", better, "-m", "more points", "--user", "ada", "--json"
    )
    assert ran.code == 0, ran.err
    assert shipped.active_text("dice") == BETTER
    activation = shipped.script("dice").activations.first()
    assert (activation.cause, activation.reason, activation.actor.username) == ("publish", "more points", "ada")


def test_publish_script_keeps_and_refuses_a_broken_text(shipped: Game, manage: Callable, tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text(BROKEN)
    ran = manage("publish_script", "chess_club/dice", "--source", str(file), "-m", "try")
    assert ran.code == 1
    assert f"{file}:1:" in ran.err
    assert shipped.active_text("dice") == GOOD
    assert shipped.script("dice").versions.rejected().count() == 1


def test_publish_script_over_another_base_is_refused(shipped: Game, manage: Callable, better: str) -> None:
    shipped.override("dice", "result = 5\n")
    sync.sync()
    ran = manage("publish_script", "chess_club/dice", "--source", better, "-m", "late", "--base", "1")
    assert ran.code == 1
    assert shipped.active_text("dice") == "result = 5\n"


def test_a_publish_that_came_too_late_says_where_the_text_is_and_what_a_merge_takes(
    shipped: Game, manage: Callable, better: str
) -> None:
    publishing.publish(shipped.script("dice"), "python", "result = 5\n", actor=None, reason="sooner", base=AnyBase)
    ran = manage("publish_script", "chess_club/dice", "--source", better, "-m", "late", "--base", "v1")
    assert ran.code == 1
    assert "v2 became active meanwhile" in ran.err
    assert "your text is kept as chess_club/dice v3, and 1 place differ" in ran.err


def test_publishing_a_script_that_is_not_there_says_that_it_is_new(
    shipped: Game, manage: Callable, better: str
) -> None:
    """A slip in the name must not pass unseen."""
    ran = manage("publish_script", "chess_club/dcie", "--source", better, "-m", "more points")
    assert ran.code == 0, ran.err
    assert "chess_club/dcie is new (module chess_club had: dice" in ran.err
    assert "chess_club/dcie: No event or endpoint runs it yet" in ran.err
    assert shipped.script("dcie").history.last().history_change_reason == "created: more points"


def test_publishing_prints_the_warnings_of_the_check(shipped: Game, manage: Callable, tmp_path: Path) -> None:
    file = tmp_path / "forgetful.py"
    file.write_text("x = 1\n")
    ran = manage("publish_script", "chess_club/dice", "--source", str(file), "-m", "try")
    assert ran.code == 0
    assert f"{file}:1:1: warning: will fail: `result` is never assigned" in ran.err


def test_with_strict_nothing_is_published_that_will_certainly_fail(
    shipped: Game, manage: Callable, tmp_path: Path
) -> None:
    file = tmp_path / "forgetful.py"
    file.write_text("result = damge\n# a misspelt name\nx = len()\n")
    for arguments in (["chess_club/dice", "--source", str(file)], [f"chess_club/dice={file}"]):
        ran = manage("publish_script", *arguments, "-m", "try", "--strict")
        assert ran.code == 1
        assert f"{file}:3:5: warning: will fail: len() is called without obj" in ran.err
        assert "will certainly fail" in ran.err
    assert shipped.script("dice").versions.count() == 1


def test_several_scripts_are_published_together(shipped: Game, manage: Callable, tmp_path: Path) -> None:
    make_script("def roll(n):\n    return n\n", "dice", "shared")
    make_script("from shared import dice\nresult = dice.roll(6)\n", "dice", "chess_club")
    helper, user, new = (tmp_path / name for name in ("helper.py", "user.py", "new.py"))
    helper.write_text("def throw(n):\n    return n\n")
    user.write_text("from shared import dice\nresult = dice.throw(6)\n")
    new.write_text("from shared import dice\nresult = dice.throw(1)\n")
    pairs = [f"shared/dice={helper}", f"chess_club/dice={user}", f"chess_club/new={new}"]
    ran = manage("publish_script", *pairs, "-m", "rename", "--json")
    assert ran.code == 0, ran.err
    assert [(done["script"], done["changed"]) for done in ran.json["published"]] == [
        ("shared/dice", True),
        ("chess_club/dice", True),
        ("chess_club/new", True),
    ]
    assert shipped.active_text("dice") == user.read_text()
    again = manage("publish_script", *pairs, "-m", "again")
    assert (again.code, again.out.count("is live already")) == (0, 3)


def test_of_several_scripts_none_is_published_when_one_is_broken_and_every_problem_is_named(
    shipped: Game, manage: Callable, tmp_path: Path
) -> None:
    folder = tmp_path / "release"
    for name, text in {
        "shared/dice.py": "def throw(n):\n    return n\n",
        "chess_club/dice.py": "from shared import dice\nresult = dice.roll(6)\n",
        "chess_club/other.py": BROKEN,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    ran = manage("publish_script", "--folder", str(folder), "-m", "release")
    assert ran.code == 1
    assert 'release/chess_club/dice.py:2:10: error: "shared.dice" does not offer "roll"' in ran.err
    assert "release/chess_club/other.py:1:10: error: '(' was never closed" in ran.err
    assert "nothing is published: chess_club/dice, chess_club/other did not pass" in ran.err
    assert shipped.active_text("dice") == GOOD
    (folder / "chess_club" / "other.py").write_text(GOOD)
    (folder / "chess_club" / "dice.py").write_text("from shared import dice\nresult = dice.throw(6)\n")
    assert manage("publish_script", "--folder", str(folder), "-m", "release").code == 0
    (folder / "notes.txt").touch()
    assert "notes.txt" in manage("publish_script", "--folder", str(folder), "-m", "release").err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("chess_club/dice",),
        ("chess_club/dice", "chess_club/other", "--source", "FILE"),
        ("chess_club/dice=FILE", "chess_club/other"),
        ("chess_club/dice=FILE", "chess_club/dice=FILE"),
        ("chess_club/dice=FILE", "--base", "1"),
        ("chess_club/dice=FILE", "--source", "FILE"),
        ("nowhere/dice=FILE",),
        ("chess_club/dice=no_such_file.py",),
    ],
)
def test_what_names_no_set_of_scripts_with_files_exits_2(
    shipped: Game, manage: Callable, better: str, arguments: tuple[str, ...]
) -> None:
    ran = manage("publish_script", *(text.replace("FILE", better) for text in arguments), "-m", "x")
    assert (ran.code, ran.out) == (2, "")
    assert shipped.active_text("dice") == GOOD


@pytest.mark.parametrize("how", ["publish_script", "rollback_script"])
def test_what_becomes_active_over_a_file_that_differs_says_so_and_how_to_write_it(
    shipped: Game, manage: Callable, better: str, how: str
) -> None:
    file = shipped.override("dice", "result = 5\n")
    sync.sync()
    what = ("--source", better) if how == "publish_script" else ("1",)
    ran = manage(how, "chess_club/dice", *what, "-m", "why")
    assert ran.code == 0
    assert "scripts/chess_club/dice.py holds another text, and takes over when it is saved the next time" in ran.err
    command = "extract_scripts --script chess_club/dice --active --force"
    assert f"`manage.py {command}`" in ran.err
    assert manage(*command.split()).code == 0
    assert file.read_text() == shipped.active_text("dice")
    assert "another text" not in manage("publish_script", f"chess_club/dice={file}", "-m", "why").err


def test_a_retired_script_is_neither_published_nor_rolled_back(shipped: Game, manage: Callable, better: str) -> None:
    lifecycle.retire(shipped.script("dice"), actor=None, reason="gone")
    ran = manage("publish_script", "chess_club/dice", "--source", better, "-m", "x")
    assert (ran.code, "is retired" in ran.err) == (1, True)
    assert manage("rollback_script", "chess_club/dice", "1", "-m", "x").code == 2
    assert shipped.script("dice").versions.count() == 1


def test_publishing_misused_exits_2(shipped: Game, manage: Callable, better: str) -> None:
    assert manage("publish_script", "chess_club/dice", "--source", better).code == 2
    assert manage("publish_script", "no_such_module/dice", "--source", better, "-m", "x").code == 2
    assert manage("publish_script", "chess_club/dice", "--source", better, "-m", "x", "--user", "nobody").code == 2
    assert manage("publish_script", "chess_club/dice", "--source", better, "-m", " ").code == 2
    assert manage("publish_script", "chess_club/dice", "--source", "nothing.py", "-m", "x").code == 2


def test_rollback_script_reactivates_without_a_copy(shipped: Game, manage: Callable, better: str) -> None:
    manage("publish_script", "chess_club/dice", "--source", better, "-m", "more points")
    ran = manage("rollback_script", "chess_club/dice", "1", "-m", "too many")
    assert ran.code == 0, ran.err
    assert shipped.active_text("dice") == GOOD
    assert shipped.script("dice").versions.count() == 2
    assert shipped.script("dice").activations.first().cause == "rollback"


def test_rollback_script_to_what_is_not_there_fails(shipped: Game, manage: Callable) -> None:
    assert manage("rollback_script", "chess_club/dice", "99", "-m", "x").code == 1
    ran = manage("rollback_script", "chess_club/nothing", "1", "-m", "x")
    assert (ran.code, "scripts: chess_club/dice" in ran.err) == (2, True)
    assert manage("rollback_script", "chess_club/dice", "latest", "-m", "x").code == 2
    assert "write a version's number" in manage("rollback_script", "chess_club/dice", "9" * 19, "-m", "x").err
    assert manage("rollback_script", "chess_club/dice", "v1", "-m", " ").code == 2


@pytest.mark.parametrize("how", ["publish_script", "rollback_script"])
def test_what_is_live_already_is_told_and_not_recorded(
    shipped: Game, manage: Callable, tmp_path: Path, how: str
) -> None:
    file = tmp_path / "dice.py"
    file.write_text(GOOD)
    what = ("--source", str(file)) if how == "publish_script" else ("v1",)
    ran = manage(how, "chess_club/dice", *what, "-m", "again")
    assert (ran.code, ran.out) == (0, "chess_club/dice: v1 is live already; nothing changed\n")
    told = manage(how, "chess_club/dice", *what, "-m", "again", "--json").json
    assert (told["version"], told["changed"]) == (1, False)
    assert shipped.script("dice").activations.count() == 1


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf", "-inf", "soon", "1e400"])
@pytest.mark.parametrize(
    "arguments", [("prune_executions", "--seconds"), ("publish_event", "chess_club.roll", '{"sides": 6}', "--wait")]
)
def test_seconds_that_are_none_are_refused(
    shipped: Game, manage: Callable, arguments: tuple[str, ...], seconds: str
) -> None:
    ran = manage(*arguments[:-1], f"{arguments[-1]}={seconds}")
    assert (ran.code, ran.out) == (2, "")
    assert f"argument {arguments[-1]}: write seconds, 0 or more, such as 2.5, not '{seconds}'" in ran.err


def test_list_scripts_of_a_module_that_is_not_there_names_those_that_are(shipped: Game, manage: Callable) -> None:
    for more in ((), ("--json",)):
        ran = manage("list_scripts", "--module", "nope", *more)
        assert (ran.code, "there is no module nope (modules: chess_club)" in ran.err) == (2, True)
    assert "chess_club/dice" in manage("list_scripts", "--module", "chess_club").out
    assert "There are no scripts of module shared" in manage("list_scripts", "--module", "shared").out


def test_extract_scripts_reports_file_by_file(shipped: Game, manage: Callable) -> None:
    """Requirements 4.1 and 4.5."""
    ran = manage("extract_scripts")
    assert ran.code == 0, ran.err
    assert f"{shipped.scripts}/chess_club/dice.py: written" in ran.out
    (file,) = manage("extract_scripts", "--json").json["files"]
    assert file["outcome"] == "same"


def test_extract_scripts_that_cannot_write_exits_1(shipped: Game, manage: Callable, tmp_path: Path) -> None:
    shipped.scripts.mkdir()
    (shipped.scripts / "chess_club").symlink_to(tmp_path)
    ran = manage("extract_scripts")
    assert ran.code == 1
    assert "failed" in ran.out
    assert manage("extract_scripts", "--module", "no_such_module").code == 2


@pytest.mark.slow
def test_sandbox_report_is_one_json_document(game: Game, manage: Callable) -> None:
    """Requirement 8.2."""
    document = json.loads(manage("sandbox_report", "--json").out)
    assert {"name", "holds", "detail", "hint"} == document["layers"][0].keys()
    assert "MISSING" in (text := manage("sandbox_report").out) or "holds" in text


def test_what_became_of_dead_letters_is_one_json_document(
    shipped: Game, manage: Callable, redis_client: redis.Redis
) -> None:
    for envelope in (b"no event", b"neither"):
        redis_client.xadd(streams.dead_letters_key(), {"stream": "chess_club:0", "entry": "1-1", "e": envelope})
    back = manage("dead_letters", "--put-back", "all", "--json")
    assert (back.code, back.json["put_back"], len(back.json["refused"])) == (1, 0, 2)
    assert "no event" in back.json["refused"][0]["reason"]
    gone = manage("dead_letters", "--delete", "all", "--json")
    assert (gone.code, gone.json) == (0, {"deleted": 2, "refused": []})


@pytest.mark.parametrize("since", ["2026-11-30T00:00", "0001-01-01T00:00+23:00"])
def test_a_range_of_time_with_nothing_in_it_is_not_called_as_it_was_recorded(manage: Callable, since: str) -> None:
    ran = manage("verify_receipts", "--since", since, "--until", "2026-11-29T00:00")
    assert (ran.code, "Traceback" in ran.err) == (2, False)
    assert "as it was recorded" not in ran.out
