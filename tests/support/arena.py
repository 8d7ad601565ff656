"""A game module made for tests: its state is a bank of named scores (rows of auth Group: `score:<name>:<n>`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from django.contrib.auth.models import Group

from scripting.models import Activation, Script, ScriptVersion
from scripting.modules.calls import CallContext, CallRefused, EffectRefused, Outcome
from scripting.modules.installed import modules
from scripting.modules.scriptable import ModuleScriptConfig, ScriptableModule, exposed
from scripting.modules.topics import Topic, topics
from scripting.registry import activating, storing
from scripting.registry.moves import AnyBase


class Hit(msgspec.Struct):
    """The events of the arena."""

    points: int
    secret: str = ""


HIT = Topic("arena.hit", Hit, "Somebody scored.", sensitive=frozenset({"secret"}), example={"points": 1})
AFTERMATH = Topic("arena.aftermath", Hit, "What follows a hit.")
UNHEARD = Topic("arena.unheard", Hit, "Nobody listens.")


class Arena(ScriptableModule):
    """Adds the points that `scorer` decides to the score named by the event's key."""

    name = "arena"
    package = "tests.support"
    config = ModuleScriptConfig(message_handlers={"arena.hit": "scorer", "arena.aftermath": "scorer"})
    topics = (HIT, AFTERMATH, UNHEARD)

    @exposed(kind="pure")
    def double(self, call: CallContext, points: int) -> int:
        """Twice the points."""
        return points * 2

    @exposed(kind="read")
    def get_score(self, call: CallContext) -> int:
        """The score as committed."""
        return score(call.key)

    @exposed(kind="read")
    def get_rival(self, call: CallContext, name: str) -> int:
        """The score of somebody else."""
        if not name:
            raise CallRefused("name a rival")
        return score(name)

    @exposed(kind="effect")
    def award(self, call: CallContext, points: int) -> None:
        """Add points beyond the result's."""
        if points < 0:
            raise EffectRefused("points cannot be taken away")
        add(call.key, points)

    @exposed(kind="effect")
    def publish_event(self, call: CallContext, topic: str, payload: dict[str, Any]) -> None:
        """Publish a follow-up event."""
        assert call.publish is not None
        call.publish(topic, payload)

    def built_in(self, context: CallContext, inputs: Mapping[str, Any]) -> Any:
        if context.script != "scorer":
            raise NotImplementedError
        return {"points": inputs["message"]["payload"]["points"] if "message" in inputs else 0}

    def validate(self, context: CallContext, result: Any) -> None:
        points = result.get("points", 0) if isinstance(result, dict) else 0
        if not isinstance(points, int) or points > 1000:
            raise EffectRefused(f"points must be a whole number up to 1000, not {points!r}")

    def apply(self, outcome: Outcome) -> None:
        result = outcome.result if isinstance(outcome.result, dict) else {}
        add(outcome.context.key, result.get("points", 0))
        for payload in result.get("follow_up", []):
            outcome.publish("arena.aftermath", payload)


def score(name: str) -> int:
    found = Group.objects.filter(name__startswith=f"score:{name}:").first()
    return int(found.name.rsplit(":", 1)[1]) if found else 0


def add(name: str, points: int) -> None:
    before = score(name)
    Group.objects.filter(name__startswith=f"score:{name}:").delete()
    Group.objects.create(name=f"score:{name}:{before + points}")


@contextmanager
def arena_registered(kind: type[Arena] = Arena) -> Iterator[Arena]:
    """The module, known to the site for the time of the block."""
    module = kind()
    modules.register(module)
    try:
        yield module
    finally:
        del modules._modules["arena"]
        for topic in Arena.topics:
            del topics._topics[topic.name]


@contextmanager
def arena_gone() -> Iterator[None]:
    """The site without the module and its topics for the time of the block, as after it was taken out of INSTALLED_APPS."""
    module = modules._modules.pop("arena")
    taken = [topics._topics.pop(topic.name) for topic in module.topics]
    try:
        yield
    finally:
        modules._modules["arena"] = module
        topics._topics.update({topic.name: topic for topic in taken})


def make_script(text: str, name: str = "scorer", module: str = "arena", language: str = "python") -> Script:
    """A script whose active version is `text`, by the registry's own path."""
    script, _ = Script.objects.get_or_create(module=module, name=name)
    version, diagnostics = storing.store(script, language, text.encode(), ScriptVersion.Origin.EDITOR)
    assert version.accepted, json.dumps([d.message for d in diagnostics])
    activating.activate(script, version, Activation.Cause.PUBLISH, reason="for a test", base=AnyBase)
    return script
