"""Saves, broken saves, deletions, publishing, rolling back, restarts and upgrades in any order, against a model of the rules.

After each step the active version is the one that DESIGN.md's "Which version is active" says, and every text that anyone ever
wrote is still there. GOBY_HYPOTHESIS=large tries many more sequences.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scripting.hot_reload.watcher import Watcher
from scripting.models import Script
from scripting.registry import lifecycle, publishing
from scripting.registry.active import registry
from scripting.registry.moves import AlreadyActive, AnyBase, PublishRefused
from scripting.registry.resolved import ScriptNotFound
from scripting.sources import sync as discovery
from scripting.sources.sync import ABSENCE_SECONDS
from tests.support.examples import LARGE
from tests.support.game import Game

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PROFILE = settings(
    max_examples=300 if LARGE else 20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)

GOOD = st.integers(0, 3).map(lambda number: f"result = {{'points': {number}}}\n")
ONE, TWO, THREE = (f"result = {{'points': {number}}}\n" for number in (1, 2, 3))
BROKEN = st.integers(0, 1).map(lambda number: f"result = ({number}\n")
TEXTS = st.one_of(GOOD, GOOD, GOOD, BROKEN)
STEPS = st.one_of(
    st.tuples(st.just("save"), TEXTS),
    st.tuples(st.just("save_by_renaming"), TEXTS),
    st.just(("delete",)),
    st.tuples(st.just("change_while_nobody_watches"), st.one_of(st.none(), TEXTS)),
    st.just(("restart",)),
    st.tuples(st.just("publish"), TEXTS),
    st.tuples(st.just("roll_back"), st.integers(0, 9)),
    st.tuples(st.just("ship"), TEXTS),
    st.just(("toggle_pin",)),
    st.just(("sync",)),
)
# Lists rather than a rule-based machine: that one leaves rules out of each sequence, and so needs very many of them.
SEQUENCES = st.lists(STEPS, min_size=30 if LARGE else 12, max_size=40 if LARGE else 14)


def is_good(text: str) -> bool:
    return not text.startswith("result = (")


@dataclass
class Rules:
    """The rule of DESIGN.md, in as few words as code can."""

    file: str | None = None
    seen: str | None = None
    """The file as last seen."""
    shipped: str | None = None
    default: str | None = None
    active: str | None = None
    last_by_file: bool = False
    pinned: bool = False
    first_by_file: dict[str, bool] = field(default_factory=dict)
    """Every text, and whether a file brought it."""

    def write(self, text: str, *, by_file: bool = False) -> None:
        if text not in self.first_by_file:
            self.first_by_file[text] = by_file

    def activate(self, text: str | None, *, by_file: bool = False) -> None:
        self.active, self.last_by_file = text, by_file

    def look(self) -> None:
        """The watcher, once what is gone has been gone for a second."""
        if self.file is not None and self.file != self.seen:
            self.seen = self.file
            self.write(self.file, by_file=True)
            if is_good(self.file):
                self.activate(self.file, by_file=True)
        elif self.file is None and self.seen is not None:
            holds_it = self.active == self.seen and self.first_by_file.get(self.active, False)
            if self.active is not None and (self.last_by_file or holds_it):
                self.activate(self.default)
            self.seen = None

    def sync(self) -> None:
        if self.shipped is not None and self.shipped != self.default:
            self.write(self.shipped)
            if is_good(self.shipped):
                before, self.default = self.default, self.shipped
                untouched = before is not None and self.active == before and not self.pinned and self.file is None
                if self.active is None or untouched:
                    self.activate(self.shipped)
        elif self.default is not None and self.active is None:
            self.activate(self.default)
        self.look()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Story:
    """One script, under a name of its own, driven through the registry, real files and the watcher's steps."""

    names = itertools.count()

    def __init__(self, game: Game, shipped: str | None) -> None:
        self.game = game
        self.name = f"script_{next(self.names)}"
        self.rules = Rules()
        self.clock = Clock()
        self.watcher: Watcher | None = None
        if shipped is not None:
            self.game.ship(self.name, shipped)
        else:
            lifecycle.create(self.game.name, self.name, actor=None, reason="to begin")
        self.rules.shipped = shipped
        self.sync()
        self.restart()

    # -- what happens ----------------------------------------------------------------------------------------------

    def save(self, text: str) -> None:
        self.game.override(self.name, text)
        self.rules.file = text
        self.look()

    def save_by_renaming(self, text: str) -> None:
        """The file is away for a moment, as when an editor moves it aside."""
        self.path.unlink(missing_ok=True)
        self.look(seconds=0)
        self.game.override(self.name, text)
        self.rules.file = text
        self.look()

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)
        self.rules.file = None
        self.look()

    def change_while_nobody_watches(self, text: str | None) -> None:
        self.watcher = None
        if text is not None:
            self.game.override(self.name, text)
        else:
            self.path.unlink(missing_ok=True)
        self.rules.file = text
        self.restart()
        self.look()

    def restart(self) -> None:
        registry.forget()
        self.watcher = Watcher(self.game.scripts, self.clock)
        self.look()

    def publish(self, text: str) -> None:
        try:
            publishing.publish(self.script, "python", text, actor=None, reason="because", base=AnyBase)
        except AlreadyActive:
            assert text == self.rules.active
        except PublishRefused:
            assert not is_good(text)
        else:
            assert text != self.rules.active
            self.rules.activate(text)
        self.rules.write(text)

    def roll_back(self, which: int) -> None:
        numbers = sorted(version.number for version in self.script.versions.all() if version.accepted)
        if numbers:
            number = numbers[which % len(numbers)]
            text = self.script.versions.get(number=number).text
            try:
                publishing.rollback(self.script, number, actor=None, reason="because")
            except AlreadyActive:
                assert text == self.rules.active
            else:
                assert text != self.rules.active
                self.rules.activate(text)

    def ship(self, text: str) -> None:
        """A new release brings this default."""
        self.game.ship(self.name, text)
        self.rules.shipped = text
        self.sync()

    def toggle_pin(self) -> None:
        (lifecycle.unpin if self.rules.pinned else lifecycle.pin)(self.script, actor=None, reason="because")
        self.rules.pinned = not self.rules.pinned

    def sync(self) -> None:
        discovery.sync(root=self.game.scripts, wait=lambda _seconds: None)
        self.rules.sync()

    # -- what must hold --------------------------------------------------------------------------------------------

    def the_active_version_is_the_one_the_rules_say(self) -> None:
        active = Script.objects.get(pk=self.script.pk).active_version
        assert (active.text if active else None) == self.rules.active
        try:
            runs: str | None = registry.resolve(self.game.name, self.name).active.bundle.script.text
        except ScriptNotFound:
            runs = None
        assert runs == self.rules.active

    def every_text_ever_written_is_still_there(self) -> None:
        stored = {bytes(version.content).decode(): version.accepted for version in self.script.versions.all()}
        assert stored == {text: is_good(text) for text in self.rules.first_by_file}
        numbers = sorted(self.script.versions.values_list("number", flat=True))
        assert numbers == list(range(1, len(stored) + 1))

    # -- means -----------------------------------------------------------------------------------------------------

    @property
    def script(self) -> Script:
        return Script.objects.get(module=self.game.name, name=self.name)

    @property
    def path(self) -> Any:
        return self.game.scripts / self.game.name / f"{self.name}.py"

    def look(self, seconds: float = ABSENCE_SECONDS) -> None:
        """The watcher sees what is there, and again `seconds` later; with 0 nothing counts as gone yet."""
        if self.watcher is None:
            return
        self.watcher.look()
        self.watcher.count_absences()
        if seconds:
            self.clock.now += seconds
            self.watcher.count_absences()
            self.rules.look()

    def end(self) -> None:
        self.path.unlink(missing_ok=True)
        (self.game.package / "scripts" / f"{self.name}.py").unlink(missing_ok=True)
        Script.objects.filter(name=self.name).update(file_digest="")


@given(shipped=st.one_of(st.none(), GOOD), steps=SEQUENCES)
@example(shipped=ONE, steps=[("save", TWO), ("publish", THREE), ("delete",), ("sync",)])
@example(shipped=ONE, steps=[("save", TWO), ("ship", THREE), ("delete",)])
@example(shipped=ONE, steps=[("toggle_pin",), ("ship", TWO), ("toggle_pin",), ("ship", THREE)])
@example(
    shipped=None, steps=[("save", TWO), ("save", "result = (0\n"), ("publish", ONE), ("roll_back", 0), ("delete",)]
)
@PROFILE
def test_the_active_version_is_always_the_one_the_rules_say_and_no_text_is_ever_lost(
    game: Game, shipped: str | None, steps: list[tuple[Any, ...]]
) -> None:
    story = Story(game, shipped)
    try:
        for step, *arguments in steps:
            getattr(story, step)(*arguments)
            story.the_active_version_is_the_one_the_rules_say()
            story.every_text_ever_written_is_still_there()
    finally:
        story.end()
