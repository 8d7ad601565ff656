"""A followed branch: its newest commit goes live with its author and message, waits where something stands against it, overwrites nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from scripting.git import following, waking
from scripting.git.following import DecisionRefused, Followed, decide, follow
from scripting.models import GitBranch, GitFile, Review, Script
from scripting.registry import knobs, publishing, reviews
from scripting.registry.gate_policies import Mode, set_policy
from scripting.registry.moves import AnyBase
from scripting.texts.diff import difference
from tests.git.conftest import Origin, case, run
from tests.support.game import BETTER, BROKEN, GOOD, Game

pytestmark = pytest.mark.django_db(transaction=True)

DICE = "chess_club/dice.py"
TUNED = "bonus = 0  # knob 0..9: what is added\nresult = {'points': 2 + bonus}\n"
MINE = "result = {'points': 3}\n"


def person(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name, f"{name}@example.org", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def publish(game: Game, text: str, actor: User | None = None, reason: str = "by hand") -> None:
    publishing.publish(game.script("dice"), "python", text, actor=actor, reason=reason, base=AnyBase)


def states(found: Followed) -> dict[str, str]:
    return {row.label: row.state for row in found.branch.files.all()}


@pytest.mark.slow
def test_a_commit_goes_live_with_its_author_and_message_and_cases_and_knobs_with_it(game: Game, origin: Origin) -> None:
    ann = person("ann", "publish_script")
    sha = origin.commit(
        {DICE: TUNED, "chess_club/cases/dice/six.json": case(4), "chess_club/knobs/dice.json": '{"bonus": 2}'},
        "Luckier dice\n\nThey were sad.",
    )
    found = follow()
    assert (found.branch.live, found.branch.waits) == (sha, "")
    script = Script.objects.select_related("active_version", "active_knobs").get(module="chess_club", name="dice")
    version, knobs = script.active_version, script.active_knobs
    assert version is not None
    assert version.author == ann
    assert version.message == f"Luckier dice ({sha[:12]} by Ann <ann@example.org>)\n\nThey were sad."
    assert knobs is not None
    assert (knobs.values, script.cases.get().name) == ({"bonus": 2}, "six")
    assert follow().made_live == ()
    assert script.activations.count() == 1


@pytest.mark.slow
def test_a_commit_that_does_not_pass_waits_whole_and_the_next_one_that_does_goes_live(
    game: Game, origin: Origin
) -> None:
    origin.commit({DICE: GOOD, "chess_club/coin.py": GOOD})
    first = follow().branch.live
    origin.commit({DICE: BROKEN, "chess_club/coin.py": BETTER}, "half a thought")
    found = follow()
    assert "chess_club/dice, line" in found.branch.waits
    assert found.branch.live == first
    assert game.active_text("coin") == GOOD
    origin.commit({DICE: MINE}, "the whole thought")
    assert follow().branch.waits == ""
    assert (game.active_text("dice"), game.active_text("coin")) == (MINE, BETTER)
    for version, message in (
        (game.script("dice").active_version, "the whole"),
        (game.script("coin").active_version, "half a"),
    ):
        assert version is not None
        assert version.message.startswith(message)
    origin.commit({"no_such_module/dice.py": GOOD})
    assert "there is no module no_such_module" in follow().branch.waits
    origin.commit({"no_such_module/dice.py": None, "chess_club/cases/dice/six.json": '{"event": 1}'})
    waking.follow_job()
    assert "scripts/chess_club/cases/dice/six.json" in GitBranch.objects.get().waits


@pytest.mark.slow
def test_a_commit_that_needs_an_approval_waits_and_goes_live_once_it_is_given(
    game: Game, origin: Origin, settings: object
) -> None:
    origin.commit({DICE: GOOD})
    follow()
    set_policy("chess_club", "", actor=None, reason="two pairs of eyes", mode=Mode.OFF, approval="always")
    origin.commit({DICE: BETTER})
    assert "set SCRIPTING_GIT_USER, or give ann@example.org" in follow().branch.waits
    person("ann", "publish_script")
    assert "(review" in follow().branch.waits
    follow()
    review = Review.objects.get()
    assert game.active_text("dice") == GOOD
    reviews.approve(review, actor=person("rita", "approve_review"))
    assert follow().branch.waits == ""
    assert game.active_text("dice") == BETTER
    latest = game.script("dice").latest_activation()
    assert latest is not None
    assert latest.review == review


@pytest.mark.slow
def test_what_is_published_in_the_browser_comes_back_as_commits_and_merging_them_ends_it(
    game: Game, origin: Origin
) -> None:
    origin.commit({DICE: GOOD})
    follow()
    bo = person("bo")
    publish(game, BETTER, bo, "two are better")
    publish(game, MINE, bo, "three\n\nfor luck")
    origin.commit({"chess_club/coin.py": GOOD}, "something else")
    found = follow()
    assert (found.pushed, found.drift, found.branch.push_problem) == (2, (), "")
    assert origin.log("from-the-browser") == ["bo <bo@example.org>: two are better", "bo <bo@example.org>: three"]
    assert origin.show("from-the-browser", DICE) == MINE.strip()
    assert states(found) == {"chess_club/dice": "ours", "chess_club/coin": "same"}
    assert follow().pushed == 0, "once is enough"
    run(origin.clone, "pull", "-q", "--no-rebase", "origin", "from-the-browser")
    run(origin.clone, "push", "-q", "origin", "HEAD:main")
    assert states(follow()) == {"chess_club/dice": "same", "chess_club/coin": "same"}


@pytest.mark.slow
def test_a_push_branch_that_others_moved_is_built_upon_and_never_forced(game: Game, origin: Origin) -> None:
    origin.commit({DICE: GOOD})
    follow()
    publish(game, BETTER, person("bo"), "two")
    follow()
    run(origin.clone, "fetch", "-q", "origin", "from-the-browser:theirs")
    run(origin.clone, "checkout", "-q", "theirs")
    (origin.clone / "note.txt").write_text("a note")
    run(origin.clone, "add", "-A")
    run(origin.clone, "commit", "-q", "-m", "a note")
    run(origin.clone, "push", "-q", "origin", "HEAD:from-the-browser")
    publish(game, MINE, None, "three")
    assert follow().pushed == 1
    assert [line.partition(": ")[2] for line in origin.log("from-the-browser")] == ["two", "a note", "three"]


def drifted(game: Game, origin: Origin) -> GitFile:
    origin.commit({DICE: GOOD})
    follow()
    publish(game, BETTER, None, "here")
    origin.commit({DICE: MINE, "chess_club/coin.py": GOOD}, "there")
    found = follow()
    assert (found.drift, found.pushed) == (("chess_club/dice",), 0)
    assert "changed here and in the repository: chess_club/dice" in found.branch.waits
    assert game.active_text("dice") == BETTER
    assert not Script.objects.filter(name="coin").exists(), "a commit goes live whole"
    row = found.branch.files.get(label="chess_club/dice")
    assert (row.theirs, row.ours) == (MINE, BETTER)
    return row


@pytest.mark.slow
def test_drift_waits_for_a_person_who_may_take_theirs(game: Game, origin: Origin) -> None:
    row = drifted(game, origin)
    seen, bo = f"{row.theirs_digest} {row.ours_digest}", person("bo")
    with pytest.raises(DecisionRefused, match="say why"):
        decide(row.pk, "take", seen=seen, actor=bo, reason=" ")
    with pytest.raises(DecisionRefused, match="changed meanwhile"):
        decide(row.pk, "take", seen="x y", actor=bo, reason="why")
    decide(row.pk, "take", seen=seen, actor=bo, reason="theirs is tested")
    assert follow().branch.waits == ""
    assert game.active_text("dice") == MINE
    version = game.script("dice").active_version
    assert version is not None
    assert version.message.endswith("Taken instead of v2 by bo: theirs is tested")
    sha = origin.commit({DICE: GOOD + "# later\n"}, "later")
    follow()
    later = game.script("dice").active_version
    assert later is not None
    assert later.message == f"later ({sha[:12]} by Ann <ann@example.org>)"


@pytest.mark.slow
def test_drift_waits_for_a_person_who_may_keep_ours_and_a_decision_holds_for_what_was_seen_alone(
    game: Game, origin: Origin
) -> None:
    row = drifted(game, origin)
    bo = person("bo")
    decide(row.pk, "take", seen=f"{row.theirs_digest} {row.ours_digest}", actor=bo, reason="theirs")
    publish(game, GOOD + "# once more\n", None, "again")
    assert follow().drift == ("chess_club/dice",)
    row.refresh_from_db()
    assert row.decision == ""
    decide(row.pk, "keep", seen=f"{row.theirs_digest} {row.ours_digest}", actor=bo, reason="ours")
    found = follow()
    assert (found.branch.waits, found.pushed) == ("", 1)
    assert origin.show("from-the-browser", DICE) == (GOOD + "# once more\n").strip()
    body = run(origin.bare, "log", "-1", "--format=%B", "from-the-browser")
    assert body.endswith("chess_club/dice v3\n\nKept instead of the repository's by bo: ours")
    assert game.active_text("coin") == GOOD


@pytest.mark.slow
def test_a_commit_without_a_message_goes_live_as_any_other(game: Game, origin: Origin) -> None:
    origin.commit({DICE: GOOD})
    follow()
    (origin.clone / "scripts" / DICE).write_text(MINE)
    run(origin.clone, "commit", "-q", "-a", "--allow-empty-message", "-m", "")
    run(origin.clone, "push", "-q", "origin", "HEAD:main")
    found = follow()
    assert (found.made_live, found.branch.subject) == (("chess_club/dice",), "")
    version = game.script("dice").active_version
    assert version is not None
    assert version.message.startswith("A commit without a message (")


def test_a_live_text_that_the_file_had_before_it_was_deleted_and_came_back_is_only_older(
    game: Game, origin: Origin
) -> None:
    origin.commit({DICE: GOOD})
    follow()
    origin.commit({DICE: None})
    origin.commit({DICE: BETTER})
    GitBranch.objects.all().delete()  # as at the first look of a site
    assert (follow().drift, game.active_text("dice")) == ((), BETTER)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ('{"bonus": ' + "[" * 100_000 + "]" * 100_000 + "}", "it is nested too deeply"),
        ('{"bonus": 1, "bonus": 2}', '"bonus" stands twice in one object'),
    ],
)
def test_values_that_cannot_be_read_let_their_commit_wait_and_say_so(
    game: Game, origin: Origin, values: str, why: str
) -> None:
    origin.commit({DICE: TUNED, "chess_club/knobs/dice.json": values})
    assert follow().branch.waits == f"scripts/chess_club/knobs/dice.json: {why}"


def test_a_commit_that_moves_the_whole_folder_waits_and_takes_no_case_and_no_value_away(
    game: Game, origin: Origin
) -> None:
    files = {DICE: TUNED, "chess_club/cases/dice/six.json": case(4), "chess_club/knobs/dice.json": '{"bonus": 2}'}
    origin.commit(files)
    follow()
    run(origin.clone, "mv", "scripts", "rules")
    origin.commit({})
    assert "scripts/ has no rules any more" in follow().branch.waits
    assert "scripts/ has no rules any more" in follow().branch.waits
    script = Script.objects.select_related("active_knobs").get(module="chess_club", name="dice")
    assert script.active_knobs is not None
    assert (script.cases.kept().count(), script.active_knobs.values) == (1, {"bonus": 2})
    run(origin.clone, "mv", "rules", "scripts")
    origin.commit({})
    assert follow().branch.waits == ""


def test_values_that_somebody_sets_while_a_commit_is_replayed_stay_and_the_commit_waits(
    game: Game, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.commit({DICE: TUNED})
    follow()
    origin.commit({"chess_club/knobs/dice.json": '{"bonus": 2}'})
    looked = following.sides_of

    def set_meanwhile(*arguments: Any) -> Any:
        found = looked(*arguments)
        if not game.script("dice").knob_sets.exists():
            knobs.publish(game.script("dice"), {"bonus": 7}, actor=person("grace"), reason="a festival")
        return found

    monkeypatch.setattr(following, "sides_of", set_meanwhile)
    assert "were set meanwhile (bonus = 7 by grace: a festival)" in follow().branch.waits
    assert "changed here and in the repository: chess_club/dice" in follow().branch.waits
    live = game.script("dice").active_knobs
    assert live is not None
    assert live.values == {"bonus": 7}


CASE, KNOBS = "chess_club/cases/dice/six.json", "chess_club/knobs/dice.json"


def _too_large(path: Path) -> None:
    path.write_text(" " * (1 << 20) + path.read_text())


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.json")


def _no_text(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\xff")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "within.json").write_text("{}")


@pytest.mark.slow
@pytest.mark.parametrize("name", [DICE, CASE, KNOBS])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_too_large, "has more than 1 MiB (1,048,"),
        (_dangling, "is a link"),
        (_folder, "is a folder"),
        (_no_text, "cannot be read: the text is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_taken_lets_its_commit_wait_and_does_not_count_as_deleted(
    game: Game, origin: Origin, name: str, spoil: Callable[[Path], None], said: str
) -> None:
    good = {DICE: TUNED, CASE: case(4), KNOBS: '{"bonus": 2}'}
    origin.commit({**good})
    follow()
    before = game.script("dice").active_knobs
    spoil(origin.clone / "scripts" / name)
    origin.commit({"chess_club/coin.py": GOOD})
    for _ in range(2):  # it is so at each look
        assert f"scripts/{name} {said}" in follow().branch.waits
    script = game.script("dice")
    assert (game.active_text("dice"), script.active_knobs, script.cases.kept().count()) == (TUNED, before, 1)
    assert not Script.objects.filter(name="coin").exists()
    path = origin.clone / "scripts" / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    origin.commit({name: good[name]})
    assert follow().branch.waits == ""
    assert game.active_text("coin") == GOOD


def test_links_and_large_files_that_are_no_rules_are_not_looked_at(game: Game, origin: Origin) -> None:
    link = origin.clone / "scripts" / "chess_club" / "linked.py"
    link.parent.mkdir(parents=True)
    link.symlink_to("dice.py")
    origin.commit({DICE: GOOD, "chess_club/notes.txt": "x" * (1 << 21)})
    assert follow().branch.waits == ""
    assert game.active_text("dice") == GOOD


def test_drift_in_line_ends_alone_is_told_as_that(game: Game, origin: Origin) -> None:
    origin.commit({DICE: GOOD})
    follow()
    publish(game, MINE)
    (origin.clone / "scripts" / DICE).write_bytes(MINE.replace("\n", "\r\n").encode())
    origin.commit({})
    row = follow().branch.files.get()
    assert row.state == GitFile.State.DRIFT
    found = difference(row.ours, row.theirs)
    assert (found.is_empty, found.ends) == (True, "line ends differ: LF before, CRLF (Windows) after")
