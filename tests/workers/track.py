"""A module for tests of workers: each event is a lap, and its effect a row that only one lap of a runner can have.

The rows (auth Group, `runner/lap`) get their ids in the order of their commits, so they tell the order too.
"""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

import msgspec
from django.contrib.auth.models import Group

from scripting.modules.calls import CallContext, Outcome
from scripting.modules.scriptable import ModuleScriptConfig, ScriptableModule, exposed
from scripting.modules.topics import Topic

MARSHAL = Path(__file__).with_name("scripts").joinpath("marshal.py").read_text(encoding="utf-8")


class Lap(msgspec.Struct):
    """One lap of the runner that the event's key names."""

    lap: int
    seconds: float = 0.0
    """How long the game takes to note it, in the middle of a transaction."""
    turns: int = 0
    """How long the script takes; 100 000 are a few milliseconds."""
    broken: bool = False
    """The game has a bug that this lap finds."""
    then: int = 0
    """The lap that follows it as an event of its own."""


LAP = Topic("track.lap", Lap, "A runner came by.")


class Track(ScriptableModule):
    """Notes every lap once."""

    name = "track"
    package = "tests.workers"
    config = ModuleScriptConfig(message_handlers={"track.lap": "marshal"})
    topics = (LAP,)

    @exposed(kind="read")
    def noted(self, call: CallContext) -> int:
        """How many laps the runner has."""
        return Group.objects.filter(name__startswith=f"{call.key}/").count()

    @exposed(kind="effect")
    def cheer(self, call: CallContext) -> None:
        """Nothing that anybody notes."""

    def apply(self, outcome: Outcome) -> None:
        payload = outcome.context.payload
        if payload["broken"]:
            raise ZeroDivisionError("the bug")
        time.sleep(payload["seconds"])
        Group.objects.create(name=f"{outcome.context.key}/{outcome.result['lap']}")
        if payload.get("then"):
            outcome.publish("track.lap", {"lap": payload["then"]})


def laps() -> dict[str, list[int]]:
    """Runner → laps in the order of their commits."""
    found: dict[str, list[int]] = defaultdict(list)
    for name in Group.objects.order_by("pk").values_list("name", flat=True):
        runner, lap = name.split("/")
        found[runner].append(int(lap))
    return found
