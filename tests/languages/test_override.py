"""An override may be in another language than what it replaces, in both directions, by file and by publishing; when it fails, the
default carries on in its own language (requirements 1.2, 3.2, 3.6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripting.engine import get_engine
from scripting.models import Activation, ScriptVersion
from scripting.registry import activating, storing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.runtime.pool import close_pool
from scripting.sandbox.languages.table import LANGUAGES
from scripting.sources import sync
from scripting.types import ExecutionRequest, ScriptInput, ScriptOutput
from scripting.workbench.completion import namespace
from tests.support.game import Game, game

__all__ = ["game"]

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = {
    "python": "result = {'language': 'python', 'points': roll * 2}\n",
    "tengo": 'result := {language: "tengo", points: roll * 3}\n',
    "zygomys": '{language: "zygomys", points: (* roll 4)}\n',
}
THAT_FAIL = {
    "python": "result = {'language': 'python', 'points': roll['a']}\n",
    "tengo": 'result := {language: "tengo", points: roll.a.b()}\n',
    "zygomys": '{language: "zygomys", points: (roll.a.b)}\n',
}
WITH_HELPERS = {
    "python": "from shared import lucky\nresult = {'language': 'python', 'points': lucky.Double(roll)}\n",
    "tengo": 'lucky := import("shared/lucky")\nresult := {language: "tengo", points: lucky.Double(roll)}\n',
    "zygomys": '(import lucky "shared/lucky")\n{language: "zygomys", points: (lucky.Double roll)}\n',
}
HELPERS = {
    "python": "def Double(x):\n    return x * 20\n",
    "tengo": "export {Double: func(x) { return x * 30 }}\n",
    "zygomys": "(defn Double [x] (* x 40))\n",
}
POINTS = {"python": 10, "tengo": 15, "zygomys": 20}
"""The result of each text for a roll of five."""
SUFFIXES = {name: LANGUAGES[name].suffix for name in TEXTS}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    registry.forget()
    yield
    registry.forget()


@pytest.fixture(scope="module", autouse=True)
def no_sandbox_left() -> Iterator[None]:
    yield
    close_pool()


def put(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def run() -> ScriptOutput:
    return get_engine().execute(ExecutionRequest(Game.name, "cup", ScriptInput({"roll": 5}), trigger="endpoint"))


def pair(default: str, override: str) -> Any:
    """A default in one language and what replaces it in another."""
    return pytest.param(
        (f"cup{SUFFIXES[default]}", TEXTS[default]),
        (f"cup{SUFFIXES[override]}", TEXTS[override]),
        THAT_FAIL[override],
        (default, POINTS[default]),
        (override, POINTS[override]),
        id=f"{override} over {default}",
    )


BOTH_WAYS = pytest.mark.parametrize(
    ("default", "override", "failing", "before", "after"),
    [pair(default, override) for default in TEXTS for override in TEXTS if default != override],
)
Text = tuple[str, str]
Points = tuple[str, int]


@pytest.mark.slow
@BOTH_WAYS
def test_3_2_a_file_in_the_other_language_replaces_the_default_and_gives_way_when_deleted(
    game: Game, default: Text, override: Text, failing: str, before: Points, after: Points
) -> None:
    put(game.package / "scripts", *default)
    sync.sync(wait=lambda _: None)
    assert points(run()) == before
    file = put(game.scripts / game.name, *override)
    sync.sync(wait=lambda _: None)
    registry.forget()
    assert points(run()) == after
    file.unlink()
    sync.sync(wait=lambda _: None)
    registry.forget()
    assert points(run()) == before


@pytest.mark.slow
@BOTH_WAYS
def test_3_6_when_the_override_fails_the_default_runs_in_its_own_language(
    game: Game, default: Text, override: Text, failing: str, before: Points, after: Points
) -> None:
    put(game.package / "scripts", *default)
    sync.sync(wait=lambda _: None)
    put(game.scripts / game.name, override[0], failing)
    sync.sync(wait=lambda _: None)
    registry.forget()
    output = run()
    assert output.status == "fell_back"
    assert points(output) == before
    assert output.version is not None
    assert output.version.language == before[0]


@pytest.mark.slow
@BOTH_WAYS
def test_3_2_publishing_in_the_other_language_replaces_the_default(
    game: Game, default: Text, override: Text, failing: str, before: Points, after: Points
) -> None:
    put(game.package / "scripts", *default)
    sync.sync(wait=lambda _: None)
    script = game.script("cup")
    version, diagnostics = storing.store(script, after[0], override[1].encode(), ScriptVersion.Origin.EDITOR)
    assert version.accepted, diagnostics
    activating.activate(script, version, Activation.Cause.PUBLISH, reason="another language", base=AnyBase)
    registry.forget()
    assert points(run()) == after
    script.refresh_from_db()
    offered = {entry["name"] for entry in namespace(script, after[0])["builtins"]}
    assert ("splice" in offered) is (after[0] == "tengo")
    assert ("letseq" in offered) is (after[0] == "zygomys")


@pytest.mark.slow
@pytest.mark.parametrize("language", TEXTS)
def test_a_script_imports_the_helpers_of_its_own_language(game: Game, language: str) -> None:
    put(game.package / "scripts", f"cup{SUFFIXES[language]}", TEXTS[language])
    put(game.scripts / "shared", f"lucky{SUFFIXES[language]}", HELPERS[language])
    sync.sync(wait=lambda _: None)
    put(game.scripts / game.name, f"cup{SUFFIXES[language]}", WITH_HELPERS[language])
    sync.sync(wait=lambda _: None)
    registry.forget()
    assert points(run()) == (language, POINTS[language] * 10)


def points(output: ScriptOutput) -> Points:
    assert output.error is None or output.status == "fell_back", output.error
    return output.result["language"], output.result["points"]
