"""A helper and what imports it, changed by two people at the same moment: what becomes active fits together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from scripting.models import Script, ScriptVersion
from scripting.registry import dependents, judging, lifecycle, publishing
from scripting.registry.moves import AnyBase, PublishRefused
from scripting.sources import sync
from scripting.sources.folder import ScriptFile
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)

ROLL = "def roll(sides):\n    return sides\n"
THROW = "def throw(sides):\n    return sides\n"
USES_ROLL = "from shared.dice import roll\nresult = {'points': roll(6)}\n"
PLAIN = "result = {'points': 1}\n"


def publish(script: Script, text: str) -> None:
    publishing.publish(script, "python", text, actor=None, reason="why", base=AnyBase)


def take_file(script: Script, text: str) -> None:
    """As the watcher does. Raises PublishRefused where the text is not taken."""
    file = ScriptFile(script.module, script.name, "python", f"scripts/{script}.py", text.encode())
    (step,) = sync.reconcile_files({(script.module, script.name): file})
    if not step.changed:
        raise PublishRefused(step.detail)


def roll_back(script: Script, text: str) -> None:
    version = script.versions.get(sha256=ScriptVersion.digest_of(text.encode()))
    publishing.rollback(script, version.number, actor=None, reason="why")


def retire(script: Script, _: str) -> None:
    lifecycle.retire(script, actor=None, reason="why")


def both_judged_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads meet once: behind the judging of their changes, before either makes its own."""
    met, here = threading.Barrier(2), threading.local()

    def then_meet(judge: Callable[..., Any]) -> Callable[..., Any]:
        def judged(*given: Any, **named: Any) -> Any:
            found = judge(*given, **named)
            if not getattr(here, "was", False):
                here.was = True
                met.wait(60)
            return found

        return judged

    monkeypatch.setattr(judging, "judge", then_meet(judging.judge))
    monkeypatch.setattr(dependents, "broken_by", then_meet(dependents.broken_by))


def done(change: Callable[[Script, str], None], script: Script, text: str) -> bool:
    """Whether it was: else it was refused."""
    try:
        change(script, text)
    except (PublishRefused, lifecycle.ChangeRefused):
        return False
    finally:
        connection.close()
    return True


@pytest.mark.slow
@pytest.mark.parametrize("use", [publish, take_file, roll_back])
@pytest.mark.parametrize("take_away", [publish, take_file, roll_back, retire])
def test_of_a_helpers_change_and_the_use_of_what_it_takes_away_one_alone_is_made(
    arena: Arena,
    monkeypatch: pytest.MonkeyPatch,
    take_away: Callable[[Script, str], None],
    use: Callable[[Script, str], None],
) -> None:
    helper = make_script(THROW, "dice", "shared")
    publish(helper, ROLL)
    scorer = make_script(USES_ROLL)
    publish(scorer, PLAIN)
    both_judged_first(monkeypatch)
    with ThreadPoolExecutor(2) as threads:
        away = threads.submit(done, take_away, helper, THROW)
        used = threads.submit(done, use, scorer, USES_ROLL)
    assert away.result() != used.result(), "one is made, the other refused"
    scorer.refresh_from_db()
    active = scorer.active_version
    assert active is not None
    assert (active.text == USES_ROLL) is used.result()
    assert publishing.check("arena", "scorer", "python", active.text).ok
    kept = scorer.versions.get(sha256=ScriptVersion.digest_of(USES_ROLL.encode()))
    assert kept.accepted is used.result(), "what was refused is kept, with what is wrong with it"


def test_changes_at_the_same_moment_that_fit_together_are_both_made(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = make_script(ROLL, "dice", "shared")
    scorer = make_script(PLAIN)
    both_judged_first(monkeypatch)
    with ThreadPoolExecutor(2) as threads:
        changed = threads.submit(done, publish, helper, ROLL + THROW)
        used = threads.submit(done, publish, scorer, USES_ROLL)
    assert changed.result()
    assert used.result()
