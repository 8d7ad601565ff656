"""A mistake in a game module's own code: commands say whose it is and where, and print no traceback unless asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command

from scripting.engine import get_engine
from scripting.models import Execution
from scripting.modules.calls import CallContext, Outcome
from scripting.modules.faults import fault_of
from scripting.modules.scriptable import exposed
from scripting.modules.simulation import Decide
from scripting.modules.topics import Topic, topics
from scripting.supervisor.errors import SandboxUnavailable
from scripting.texts.escaping import visible
from scripting.types import ExecutionRequest, ScriptInput, SimulatedPlay
from tests.evidence.recorded import record
from tests.support.arena import Arena, arena_registered, make_script

pytestmark = pytest.mark.django_db(transaction=True)

PLAIN = "result = {'points': 1}\n"


class Mistaken(Arena):
    """Each of its hooks has a mistake, once it is told to make them."""

    makes: str = ""

    def slip(self, hook: str) -> None:
        if self.makes == hook:
            raise TypeError("unsupported operand type(s) for +: 'int' and 'str'")

    @exposed(kind="read")
    def get_score(self, call: CallContext) -> int:
        self.slip("get_score")
        return 1

    @exposed(kind="effect")
    def award(self, call: CallContext, points: int) -> None:
        self.slip("award")

    def validate(self, context: CallContext, result: Any) -> None:
        self.slip("validate")

    def apply(self, outcome: Outcome) -> None:
        self.slip("apply")
        if self.makes == "within":
            visible(None)  # type: ignore[arg-type]

    def unit_of_work(self, calls: Sequence[CallContext]) -> AbstractContextManager[Any]:
        return self._work()

    @contextmanager
    def _work(self) -> Iterator[None]:
        self.slip("_work")
        yield

    def segment(self, key: str) -> str | None:
        self.slip("segment")
        return None

    def simulate(self, decide: Decide, seed: int) -> SimulatedPlay:
        self.slip("simulate")
        if self.makes == "sandbox":
            raise SandboxUnavailable
        raise NotImplementedError


@pytest.fixture
def mistaken() -> Iterator[Mistaken]:
    with arena_registered(Mistaken) as module:
        assert isinstance(module, Mistaken)
        yield module


def said_of(hook: str) -> str:
    return f"the code of module arena failed, not the script: Mistaken.{hook} ({__name__}, line "


@pytest.mark.parametrize(
    ("hook", "text"),
    [
        ("get_score", "result = {'points': get_score()}\n"),
        ("award", "award(points=1)\nresult = {'points': 1}\n"),
        ("validate", PLAIN),
        ("apply", PLAIN),
        ("_work", PLAIN),
    ],
)
def test_a_run_says_which_hook_of_which_module_failed_with_the_error_and_records_nothing(
    mistaken: Mistaken, manage: Callable, hook: str, text: str
) -> None:
    make_script(text)
    mistaken.makes = hook
    ran = manage("run_script", "arena/scorer")
    assert (ran.code, said_of(hook) in ran.err) == (1, True), ran.err
    assert "TypeError: unsupported operand type(s) for +: 'int' and 'str'; --traceback shows" in ran.err
    assert "Traceback" not in ran.err
    assert not Execution.objects.exists()


def test_with_traceback_the_whole_way_is_shown(mistaken: Mistaken, manage: Callable) -> None:
    make_script(PLAIN)
    mistaken.makes = "validate"
    with pytest.raises(CommandError) as failed:
        call_command("run_script", "arena/scorer", traceback=True)
    assert isinstance(failed.value.__context__, TypeError)


def test_where_no_sandbox_can_be_had_that_is_said(mistaken: Mistaken, manage: Callable) -> None:
    make_script(PLAIN)
    mistaken.makes = "sandbox"
    ran = manage("simulate", "arena")
    assert (ran.code, "Traceback" in ran.err) == (1, False), ran.err
    assert "No sandbox could be had" in ran.err


class Odd(msgspec.Struct):
    """Events whose schema has a mistake."""

    points: int

    def __post_init__(self) -> None:
        {}[self.points]


def test_an_event_whose_schema_has_a_mistake_is_not_published_and_it_is_said_where(
    mistaken: Mistaken, manage: Callable
) -> None:
    topics.register(Topic("arena.odd", Odd, "Odd."))
    try:
        ran = manage("publish_event", "arena.odd", '{"points": 3}')
    finally:
        del topics._topics["arena.odd"]
    assert (ran.code, "Traceback" in ran.err) == (1, False), ran.err
    assert f"Odd.__post_init__ ({__name__}, line " in ran.err


def test_where_the_engine_fails_below_a_hook_the_hook_is_not_blamed(
    mistaken: Mistaken,
) -> None:
    make_script(PLAIN)
    mistaken.makes = "within"
    with pytest.raises((AttributeError, TypeError)) as failed:
        get_engine().execute(ExecutionRequest("arena", "scorer", ScriptInput({})))
    assert fault_of(failed.value) is None


@pytest.mark.parametrize(
    "command",
    [
        ["replay_script", "arena/scorer"],
        ["replay_script", "arena/scorer", "--source", "FILE"],
        ["check_repeatable"],
        ["run_script", "--source", "FILE", "--module", "arena"],
        ["simulate", "arena"],
        ["test_scripts", "FOLDER"],
    ],
)
def test_every_command_that_asks_the_module_says_so(
    mistaken: Mistaken, manage: Callable, tmp_path: Path, command: list[str]
) -> None:
    make_script("result = {'points': get_score()}\n")
    record("arena", "scorer", "arena.hit", [{"points": 1}], key="ada")
    folder = tmp_path / "rules"
    case = folder / "arena" / "cases" / "scorer" / "one.json"
    case.parent.mkdir(parents=True)
    case.write_text('{"event": {"topic": "arena.hit", "payload": {"points": 1}}, "expect": []}')
    file = folder / "arena" / "scorer.py"
    file.write_text("result = {'points': get_score()}\n" if command[0] == "run_script" else "result = {'points': 2}\n")
    mistaken.makes = {"simulate": "simulate", "run_script": "get_score"}.get(command[0], "validate")
    ran = manage(*(str({"FILE": file, "FOLDER": folder}.get(part, part)) for part in command))
    assert (ran.code, said_of(mistaken.makes) in ran.err, "Traceback" in ran.err) == (1, True, False), ran.err
