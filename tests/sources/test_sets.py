"""Files that change together are judged together: a set with its helpers is taken whole, or not at all with one report."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripting.models import Activation, Script
from scripting.registry import publishing
from scripting.registry.moves import AnyBase
from scripting.runtime.pool import get_pool
from scripting.sources import sync as discovery
from scripting.sources.steps import Step
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = "FACTOR = 2\n"
ARMOUR = "from shared import tables\n\ndef worth(n):\n    return n * tables.FACTOR\n"
ROLL = "def roll(sides):\n    return sides\n"
THROW = "def throw(sides):\n    return sides\n"
USES_ROLL = "from shared.dice import roll\nresult = {'points': roll(6)}\n"
USES_THROW = "from shared.dice import throw\nresult = {'points': throw(6)}\n"
BROKEN = "result = (\n"


def share(game: Game, name: str, text: str) -> Path:
    path = game.scripts / "shared" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def sync() -> dict[str, Step]:
    return {step.script: step for step in discovery.sync(wait=lambda _: None) if step.source == "file"}


def outcomes() -> dict[str, str]:
    return {name: step.outcome for name, step in sync().items()}


def active(name: str, module: str = "shared") -> str | None:
    version = Script.objects.get(module=module, name=name).active_version
    return version.text if version else None


# -- a verdict lasts no longer than what it rests on -------------------------------------------------------------------


def test_new_helpers_that_import_each_other_are_taken_whatever_their_names(game: Game) -> None:
    share(game, "armour", ARMOUR)
    share(game, "tables", TABLES)
    share(game, "zebra", "from shared import armour\n\ndef twice(n):\n    return 2 * armour.worth(n)\n")
    assert outcomes() == {"shared/armour": "activated", "shared/tables": "activated", "shared/zebra": "activated"}


def test_a_rejected_file_is_taken_once_the_helper_that_it_lacks_has_come(game: Game) -> None:
    share(game, "armour", ARMOUR)
    assert outcomes() == {"shared/armour": "rejected"}
    share(game, "tables", TABLES)
    assert outcomes() == {"shared/armour": "activated", "shared/tables": "activated"}


def test_a_rejected_file_is_taken_once_the_helper_that_it_lacks_was_published(game: Game) -> None:
    game.override("score", "from shared.dice import roll\nresult = {'points': roll(6)}\n")
    assert outcomes() == {"chess_club/score": "rejected"}
    dice = Script.objects.create(module="shared", name="dice")
    publishing.publish(dice, "python", ROLL, actor=None, reason="why", base=AnyBase)
    assert outcomes() == {"chess_club/score": "activated"}


def test_a_rejected_file_is_judged_again_when_the_checker_changed(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another interpreter, policy, language version or package: what it was rejected for may be allowed now."""
    from scripting.registry import checking

    game.override("dice", BROKEN)
    assert outcomes() == {"chess_club/dice": "rejected"}
    forks = get_pool().stats().forks
    assert outcomes() == {"chess_club/dice": "rejected"}
    assert get_pool().stats().forks == forks, "nothing has changed: the verdict stands, without a look"
    monkeypatch.setattr(checking, "checker", lambda: "a newer interpreter")
    assert outcomes() == {"chess_club/dice": "rejected"}
    assert get_pool().stats().forks > forks


def test_a_rejected_file_over_which_someone_published_is_not_taken_later(game: Game) -> None:
    """The last decision wins: it takes another save."""
    file = game.override("score", USES_ROLL)
    assert outcomes() == {"chess_club/score": "rejected"}
    publishing.publish(game.script("score"), "python", "result = 7\n", actor=None, reason="why", base=AnyBase)
    share(game, "dice", ROLL)
    assert outcomes() == {"chess_club/score": "unchanged", "shared/dice": "activated"}
    assert game.active_text("score") == "result = 7\n"
    file.write_text(USES_ROLL + "# again\n")
    assert outcomes()["chess_club/score"] == "activated"


def test_a_rejected_file_that_is_rejected_again_is_said_by_sync_and_told_nobody(game: Game) -> None:
    game.override("dice", BROKEN)
    first = sync()["chess_club/dice"]
    again = sync()["chess_club/dice"]
    assert (first.is_known, again.is_known, again.detail) == (False, True, first.detail)


def test_helpers_that_import_each_other_in_a_circle_are_said_once(game: Game) -> None:
    share(game, "armour", ARMOUR)
    share(game, "tables", "from shared import armour\nFACTOR = 2\n")
    steps = sync()
    assert {step.outcome for step in steps.values()} == {"rejected"}
    circles = [name for name, step in steps.items() if "shared/armour → shared/tables → shared/armour" in step.detail]
    assert circles == ["shared/armour"]
    assert "arrived together with shared/armour" in steps["shared/tables"].detail
    share(game, "tables", TABLES)
    assert outcomes() == {"shared/armour": "activated", "shared/tables": "activated"}


# -- what arrives together ---------------------------------------------------------------------------------------------


def test_a_helpers_renamed_function_and_its_users_follow_in_one_transaction(game: Game) -> None:
    share(game, "dice", ROLL)
    game.override("score", USES_ROLL)
    sync()
    share(game, "dice", THROW)
    game.override("score", USES_THROW)
    assert outcomes() == {"chess_club/score": "activated", "shared/dice": "activated"}
    assert (active("dice"), game.active_text("score")) == (THROW, USES_THROW)


@pytest.mark.parametrize("helper_first", [True, False])
def test_a_change_that_comes_in_two_parts_is_taken_once_both_are_there(game: Game, helper_first: bool) -> None:
    """As of a slow checkout: the first part does not fit alone."""
    share(game, "dice", ROLL)
    game.override("score", USES_ROLL)
    sync()
    parts = [lambda: share(game, "dice", THROW), lambda: game.override("score", USES_THROW)]
    first, second = parts if helper_first else reversed(parts)
    first()
    assert "rejected" in outcomes().values()
    assert (active("dice"), game.active_text("score")) == (ROLL, USES_ROLL)
    second()
    assert outcomes() == {"chess_club/score": "activated", "shared/dice": "activated"}


def test_of_a_set_with_one_broken_text_nothing_is_taken_and_every_problem_is_named(game: Game) -> None:
    share(game, "dice", ROLL)
    game.override("score", USES_ROLL)
    game.override("bonus", USES_ROLL)
    sync()
    before = Activation.objects.count()
    share(game, "dice", THROW)
    game.override("score", USES_THROW)
    game.override("bonus", USES_THROW + BROKEN)
    game.override("extra", USES_THROW + "import os\n")
    steps = sync()
    assert {name: step.outcome for name, step in steps.items()} == dict.fromkeys(
        ["shared/dice", "chess_club/score", "chess_club/bonus", "chess_club/extra"], "rejected"
    )
    assert "3:" in steps["chess_club/bonus"].detail
    assert "security_violation" in steps["chess_club/extra"].detail
    for held in ("shared/dice", "chess_club/score"):
        assert "arrived together with chess_club/bonus, chess_club/extra" in steps[held].detail
    assert Activation.objects.count() == before
    game.override("bonus", USES_THROW)
    (game.scripts / game.name / "extra.py").unlink()
    assert set(outcomes().values()) == {"activated", "forgotten"}
    assert (active("dice"), game.active_text("score"), game.active_text("bonus")) == (THROW, USES_THROW, USES_THROW)


def test_a_broken_file_holds_back_nothing_that_it_is_not_linked_with(game: Game) -> None:
    share(game, "dice", ROLL)
    game.override("score", USES_ROLL)
    game.override("other", BROKEN)
    assert outcomes() == {"shared/dice": "activated", "chess_club/score": "activated", "chess_club/other": "rejected"}


def test_a_file_that_was_rejected_before_holds_nothing_back(game: Game) -> None:
    share(game, "dice", ROLL)
    game.override("score", USES_ROLL + BROKEN)
    game.override("bonus", USES_ROLL)
    assert set(outcomes().values()) == {"rejected"}, "together, one of them broken"
    game.override("bonus", "result = 1\n")
    share(game, "dice", ROLL + THROW)
    assert outcomes() == {"shared/dice": "activated", "chess_club/bonus": "activated", "chess_club/score": "rejected"}


def test_a_user_in_nobodys_set_still_stops_a_helper_that_would_break_it(game: Game) -> None:
    share(game, "dice", ROLL)
    game.override("score", USES_ROLL)
    game.override("bonus", USES_ROLL)
    sync()
    share(game, "dice", THROW)
    game.override("score", USES_THROW)
    steps = sync()
    assert "would break chess_club/bonus (v1)" in steps["shared/dice"].detail
    assert "arrived together with shared/dice" in steps["chess_club/score"].detail
    assert (active("dice"), game.active_text("score")) == (ROLL, USES_ROLL)


def test_a_release_whose_default_and_helper_file_change_together_is_taken(game: Game) -> None:
    game.ship("score", USES_ROLL)
    share(game, "dice", ROLL)
    steps = discovery.sync(wait=lambda _: None)
    assert {step.script: step.outcome for step in steps} == {
        "chess_club/score": "activated",
        "shared/dice": "activated",
    }
    game.ship("score", USES_THROW)
    share(game, "dice", THROW)
    steps = discovery.sync(wait=lambda _: None)
    assert {step.script: step.outcome for step in steps} == {"chess_club/score": "upgraded", "shared/dice": "activated"}


def test_a_default_under_a_file_is_taken_though_its_helper_comes_as_a_file_too(game: Game) -> None:
    game.ship("score", USES_ROLL)
    game.override("score", USES_ROLL + "# mine\n")
    share(game, "dice", ROLL)
    steps = discovery.sync(wait=lambda _: None)
    assert not [step for step in steps if step.is_failure]
    assert game.script("score").default_version is not None
    assert game.active_text("score") == USES_ROLL + "# mine\n"


def test_a_broken_default_holds_no_other_back(game: Game) -> None:
    share(game, "dice", ROLL)
    game.ship("score", USES_ROLL)
    game.ship("bonus", USES_ROLL + BROKEN)
    steps = {step.script: step.outcome for step in discovery.sync(wait=lambda _: None)}
    assert steps == {"chess_club/score": "activated", "chess_club/bonus": "failed", "shared/dice": "activated"}


def test_a_helper_deleted_together_with_what_imports_it_goes_too(game: Game) -> None:
    files = [share(game, "tables", TABLES), share(game, "armour", ARMOUR)]
    files.append(game.override("score", "from shared import armour\nresult = armour.worth(1)\n"))
    sync()
    for file in files:
        file.unlink()
    assert set(outcomes().values()) == {"reverted"}
    assert (active("tables"), active("armour"), game.active_text("score")) == (None, None, None)
