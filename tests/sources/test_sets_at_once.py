"""Sets of files while others publish and take files at the same moment: what becomes active fits together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scripting.models import Script
from scripting.registry import publishing
from scripting.registry.moves import AnyBase
from scripting.sources import sync as discovery
from scripting.sources import taking
from scripting.sources.folder import ScriptFile
from tests.support.arena import make_script
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)

ROLL = "def roll(n):\n    return n\n"
THROW = "def throw(n):\n    return n\n"
USES_ROLL = "from shared import dice\nresult = dice.roll(6)\n"
USES_THROW = "from shared import dice\nresult = dice.throw(6)\n"


def file(module: str, name: str, text: str) -> ScriptFile:
    return ScriptFile(module, name, "python", f"scripts/{module}/{name}.py", text.encode())


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have something done by others once, between the judging of a set and its activation."""

    def arrange(happens: Callable[[], object]) -> None:
        waiting, settle = [happens], taking.settle

        def settled(*given: object) -> object:
            found = settle(*given)  # type: ignore[arg-type]
            if waiting:
                waiting.pop()()
            return found

        monkeypatch.setattr(taking, "settle", settled)

    return arrange


def take(*files: ScriptFile) -> dict[str, str]:
    found = discovery.reconcile_files({(each.module, each.name): each for each in files})
    return {step.script: step.outcome for step in found}


def active(module: str, name: str) -> str:
    version = Script.objects.get(module=module, name=name).active_version
    assert version is not None
    return version.text


def test_a_set_that_no_longer_fits_what_was_published_meanwhile_is_judged_anew(
    game: Game, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    dice = make_script(ROLL + THROW, "dice", "shared")
    meanwhile(lambda: publishing.publish(dice, "python", ROLL, actor=None, reason="less", base=AnyBase))
    assert take(file("chess_club", "score", USES_THROW)) == {"chess_club/score": "rejected"}
    assert active("shared", "dice") == ROLL


def test_of_a_set_a_file_that_another_took_newer_is_left_out_and_the_rest_is_judged_without_it(
    game: Game, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    """A watcher that was stopped, and its successor."""
    take(file("shared", "dice", ROLL), file("chess_club", "score", USES_ROLL))
    newer = ROLL + "# newer\n"
    meanwhile(lambda: take(file("shared", "dice", newer)))
    outcomes = take(file("shared", "dice", THROW), file("chess_club", "score", USES_THROW))
    assert outcomes == {"shared/dice": "unchanged", "chess_club/score": "rejected"}
    assert (active("shared", "dice"), active("chess_club", "score")) == (newer, USES_ROLL)


def test_a_default_is_flagged_when_somebody_publishes_while_it_is_judged(
    game: Game, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    game.ship("score", "result = 1\n")
    discovery.sync()
    game.ship("score", "result = 2\n")
    script = game.script("score")
    meanwhile(lambda: publishing.publish(script, "python", "result = 3\n", actor=None, reason="mine", base=AnyBase))
    assert {step.script: step.outcome for step in discovery.sync()} == {"chess_club/score": "flagged"}
    assert active("chess_club", "score") == "result = 3\n"
    script.refresh_from_db()
    assert script.default_version is not None
    assert script.default_version.text == "result = 2\n"
