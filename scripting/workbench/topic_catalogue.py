"""The topics as people choose among them: what each tells, how often, who listens, and an event as it last happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from scripting.bus import samples
from scripting.hot_reload.fleet import Loading
from scripting.models import SHARED, Script, SubscriptionSet
from scripting.modules.installed import modules
from scripting.modules.masking import mask_of_inputs
from scripting.modules.scriptable import ScriptableModule
from scripting.modules.topics import Topic, topics
from scripting.processes import members
from scripting.subscriptions.subscribed import Subscriber, Subscriptions, table
from scripting.texts.plain_json import jsonable


@dataclass(frozen=True)
class Entry:
    """One topic of the catalogue."""

    topic: Topic
    subscriptions: Subscriptions
    rate: float | None
    """Events a minute; None where Redis is unavailable."""

    @property
    def listeners(self) -> list[Subscriber]:
        return [each for each in self.subscriptions.subscribers if each.enabled]

    @property
    def pace(self) -> str:
        """How often it happens, in words."""
        if self.rate is None:
            return "how often is not known now"
        if not self.rate:
            return "none in the last ten minutes"
        return f"{self.rate:.0f} a minute" if self.rate >= 1 else "less than one a minute"


@dataclass(frozen=True)
class Latest:
    """An event of a topic: one that happened, else the topic's own example. What its topic hides is hidden."""

    payload: Mapping[str, Any]
    at: Any = None
    words: str = ""

    @property
    def text(self) -> str:
        return json.dumps(jsonable(self.payload), indent=2, ensure_ascii=False)


def catalogue() -> list[tuple[str, list[Entry]]]:
    """The topics by their module."""
    table.refresh()
    found = _rates()
    entries: dict[str, list[Entry]] = {}
    for topic in topics:
        owner = module_of(topic)
        entries.setdefault(owner.name if owner else "", []).append(_entry(topic, found))
    return sorted(entries.items())


def entry_of(topic: Topic) -> Entry:
    table.refresh()
    return _entry(topic, _rates())


def _entry(topic: Topic, found: Mapping[str, float] | None) -> Entry:
    return Entry(topic, table.known(topic.name), None if found is None else found.get(topic.name, 0.0))


def _rates() -> dict[str, float] | None:
    try:
        return samples.rates()
    except redis.RedisError:
        return None


def latest_of(topic: Topic) -> Latest:
    try:
        kept = samples.of(topic.name)
    except redis.RedisError:
        kept = []
    if kept:
        return Latest(kept[0].payload, kept[0].at)
    return Latest(mask_of_inputs(topic.name, topic.example).value(topic.example))


def module_of(topic: Topic) -> ScriptableModule | None:
    """The module whose code names the topic."""
    return next((module for module in modules if topic in module.topics), None)


def loading_of(subscriptions: Subscriptions) -> Loading | None:
    """Which processes go by this set. None for what the code says, and while Redis is unavailable."""
    if not subscriptions.number:
        return None
    try:
        name = subscriptions.ack_name
        return Loading(name, subscriptions.number, subscriptions.digest, tuple(members.everyone([name])))
    except redis.RedisError:
        return None


def others(subscriptions: Subscriptions) -> list[str]:
    """Scripts that have a live version and do not run on the topic: those that can be added."""
    taken = {each.label for each in subscriptions.subscribers}
    found = Script.objects.in_use().exclude(module=SHARED).exclude(active_version=None).order_by("module", "name")
    return [str(script) for script in found if str(script) not in taken]


def sets_of(topic: Topic) -> list[SubscriptionSet]:
    return list(SubscriptionSet.objects.filter(topic=topic.name).order_by("-number")[:30])


def free_name(topic: Topic, module: str) -> str:
    """A name for a rule on the topic that no script has: `on_unit_destroyed`."""
    words = topic.name.removeprefix(f"{module}.").lower()
    plain = "".join(each if each.isascii() and each.isalnum() else "_" for each in words).strip("_")
    base = f"on_{plain or 'event'}"[:58]
    taken = set(Script.objects.filter(module=module).values_list("name", flat=True))
    return next(name for name in (base, *(f"{base}_{n}" for n in range(2, 1000))) if name not in taken)
