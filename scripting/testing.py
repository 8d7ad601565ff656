"""For a module's own tests with pytest: `pytest_plugins = ["scripting.testing"]` in conftest.py brings two fixtures.

`rule` runs a script on inputs of the test, without a database; `drain` runs what waits on the bus to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Django's settings are read when a fixture is used, not when pytest loads the plugin.
if TYPE_CHECKING:
    from scripting.evidence.decide import Decided
    from scripting.execution.comparison import Failure
    from scripting.texts.case_text import CaseText, Read

ROUNDS = 1000
"""Looks at the bus by one `drain`: more is a circle of events."""


@dataclass(frozen=True)
class Decision:
    """The outcome of a run: `error` is None where it did not fail; effects are listed, not carried out."""

    result: Any
    log: list[str]
    effects: list[tuple[str, dict[str, Any]]]
    """(name, arguments by name)."""
    error: Failure | None
    refusal: str
    """Why the game would not admit the result; empty where it would."""
    left: str
    """Where it read what `given` does not answer, as `call 1: get_score()`; empty where it did not."""

    @classmethod
    def of(cls, decided: Decided) -> Decision:
        compared = decided.compared
        effects = [(call.name, dict(call.arguments)) for call in compared.effects]
        return cls(compared.result, list(compared.logs), effects, compared.error, decided.refusal, decided.left)


@dataclass(frozen=True)
class Rule:
    """A script: its file in the scripts folder (or in `folder`), else the default that its module ships."""

    module: str
    name: str
    folder: Path
    """The module's folder."""
    reads: tuple[Read, ...] = ()

    def given(self, **answers: Any) -> Rule:
        """Answers of functions that read the game, whatever they are asked; an exception's text is a refusal."""
        from scripting.texts.case_text import Read

        refused = {name: str(answer) for name, answer in answers.items() if isinstance(answer, Exception)}
        new = [
            Read(function=name, error=refused[name]) if name in refused else Read(function=name, answer=answer)
            for name, answer in answers.items()
        ]
        return replace(self, reads=(*self.reads, *new))

    def run(
        self,
        payload: Mapping[str, Any] | None = None,
        *,
        topic: str = "",
        key: str = "",
        inputs: Mapping[str, Any] | None = None,
        seed: int = 0,
        clock_us: int = 0,
    ) -> Decision:
        """Decide on an event with this payload (of the script's only topic, or of `topic`), or on context variables.

        Raises ValueError for a payload or a function that the game does not have, or where there is no such script.
        """
        from scripting.evidence import case_runs
        from scripting.modules.installed import modules
        from scripting.texts.case_text import CaseText, Happening

        event = None
        if payload is not None:
            event = Happening(topic=topic or self._only_topic(), payload=dict(payload), key=key)
        given: CaseText = CaseText(
            event=event,
            inputs=None if inputs is None else dict(inputs),
            reads=list(self.reads),
            seed=seed,
            clock_us=clock_us,
        )
        situation = case_runs.situation_of(given, modules.get(self.module), self.module, self.name)
        return Decision.of(self._decider().decide_on(situation))

    def _decider(self) -> Any:
        from scripting.evidence.decide import Decider
        from scripting.evidence.folder_cases import bundle_in
        from scripting.modules.installed import limits_for, modules

        bundle = bundle_in(self.folder, self.module, self.name)
        if isinstance(bundle, str):
            raise ValueError(bundle)  # noqa: TRY004 - a text says why there is none
        return Decider(bundle, limits_for(self.module), modules.get(self.module))

    def _only_topic(self) -> str:
        from scripting.modules.installed import modules

        module = modules.get(self.module)
        topics: Sequence[str] = sorted(module.config.topics_of(self.name)) if module else ()
        if len(topics) != 1:
            known = ", ".join(topics) or "none"
            raise ValueError(
                f"name the topic of the payload: run(payload, topic=…); {self.module}/{self.name} runs on {known}"
            )
        return topics[0]


@pytest.fixture
def rule() -> Callable[..., Rule]:
    """`rule("tavern/barkeeper").given(get_game_state={…}).run({…}).result`: a script, run as a trial without a database.

    With `folder` it is the script of that folder of rules (`<folder>/<module>/<name>.py`).
    """
    from scripting.sources.folder import scripts_dir

    def named(script: str, *, folder: str | Path | None = None) -> Rule:
        module, _, name = script.partition("/")
        if not name:
            raise ValueError(f'write rule("module/script"), not rule({script!r})')
        return Rule(module, name, (scripts_dir() if folder is None else Path(folder)).absolute() / module)

    return named


@pytest.fixture
def drain(transactional_db: None) -> Callable[[], int]:
    """`drain()` runs every event that waits on the bus, and those that follow from them, in this process: how many looks it took.

    It takes pytest-django's `transactional_db`, since events go on their way when their cause is committed, and the Redis of the
    settings: one for tests alone, since whatever waits there is run. Where the database has no script, it takes in those that
    modules ship and that the scripts folder holds, as `sync_scripts` does.
    """
    from scripting.models import Script
    from scripting.sources.sync import sync

    if not Script.objects.exists():
        sync()

    def run() -> int:
        from scripting.bus import streams
        from scripting.bus.outbox import send_outbox
        from scripting.models import OutboxEvent
        from scripting.workers.drain_job import drain_once

        for looks in range(ROUNDS):
            sent = send_outbox(list(OutboxEvent.objects.order_by("pk")))
            waiting = [found.stream for found in streams.conditions() if found.length]
            if not waiting and not sent:
                return looks
            for stream in waiting:
                drain_once(stream)
        raise AssertionError(f"events still wait after {ROUNDS} looks: do they publish each other in a circle?")

    return run
