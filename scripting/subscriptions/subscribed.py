"""Which scripts run on a topic, as this process remembers it: the active sets over what the modules' code says.

The database is the truth; a process reads it again when the generation differs, and every SCRIPTING_POLL_SECONDS.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.db import DatabaseError, InterfaceError, router
from django.db.models import Max, QuerySet

from scripting.conf import conf
from scripting.models import SubscriptionActivation, SubscriptionSet
from scripting.modules.installed import modules
from scripting.modules.topics import topics
from scripting.processes import generation
from scripting.processes.generation import Generation
from scripting.storage.compiled_query import Prepared
from scripting.storage.database import close_dead_connections
from scripting.subscriptions.conditions import Condition, ConditionError, condition_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subscriber:
    """A script that runs on a topic."""

    module: str
    script: str
    enabled: bool = True
    condition: str = ""
    """Of the payload; empty: on every event."""

    @property
    def label(self) -> str:
        return f"{self.module}/{self.script}"

    def as_entry(self) -> dict[str, Any]:
        """As a set keeps it."""
        return {
            "module": self.module,
            "script": self.script,
            "enabled": self.enabled,
            "condition": self.condition,
        }


@dataclass(frozen=True)
class Subscriptions:
    """The subscribers of one topic, in their order. `number` is that of their set; 0: as the code says."""

    topic: str
    subscribers: tuple[Subscriber, ...]
    number: int = 0
    digest: str = ""

    @property
    def ack_name(self) -> str:
        """By which processes acknowledge it, beside the scripts that they have loaded."""
        return f"topic:{self.topic}"

    def of(self, payload: Mapping[str, Any]) -> list[tuple[str, str]]:
        """(module, script) of each that runs on an event with this payload."""
        return [(each.module, each.script) for each in self.subscribers if each.enabled and self._admits(each, payload)]

    def _admits(self, each: Subscriber, payload: Mapping[str, Any]) -> bool:
        if not each.condition:
            return True
        condition = self._conditions.get(each.condition)
        return condition is not None and condition.holds(payload)

    @cached_property
    def _conditions(self) -> dict[str, Condition]:
        """Conditions by their text. One that fits its topic no longer, since the code changed, never holds."""
        found = {}
        for each in self.subscribers:
            try:
                if each.condition and self.topic in topics:
                    found[each.condition] = condition_of(each.condition, topics.get(self.topic))
            except ConditionError as error:
                logger.warning(
                    "%s does not run on %s: its condition %r: %s", each.label, self.topic, each.condition, error
                )
        return found


def as_chosen(chosen: SubscriptionSet) -> Subscriptions:
    subscribers = tuple(Subscriber(**entry) for entry in chosen.entries)
    return Subscriptions(chosen.topic, subscribers, chosen.number, chosen.sha256)


def as_code_says(topic: str) -> Subscriptions:
    return _of_code(topic, tuple(modules.default_subscribers(topic)))


@lru_cache(maxsize=1024)
def _of_code(topic: str, pairs: tuple[tuple[str, str], ...]) -> Subscriptions:
    return Subscriptions(topic, tuple(Subscriber(*pair) for pair in pairs))


class Table:
    """The active sets of every topic that has one. Thread-safe: what it remembers is replaced whole."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chosen: dict[str, Subscriptions] | None = None
        self._generation: Generation | None = None
        self._mark: int | None = None
        self._checked = self._polled = float("-inf")

    def of(self, topic: str) -> Subscriptions:
        """The subscribers of a topic now, at most SCRIPTING_GENERATION_MAX_AGE behind. Raises DatabaseError where they were never read."""
        self.refresh()
        return self.known(topic)

    def known(self, topic: str) -> Subscriptions:
        """As `of`, without a look at anything: as the code says where nothing was read yet."""
        return (self._chosen or {}).get(topic) or as_code_says(topic)

    def topics_of(self, module: str, script: str) -> list[str]:
        """The topics that the script runs on, as far as this process knows."""
        return [
            topic.name
            for topic in topics
            if any(
                (each.module, each.script) == (module, script) and each.enabled
                for each in self.known(topic.name).subscribers
            )
        ]

    def chosen_topics_of(self, module: str, script: str) -> list[str]:
        """The topics that people subscribed the script to, and where it is switched on."""
        self.refresh()
        return [topic for topic in self.topics_of(module, script) if self.known(topic).number]

    def scripts_of(self, module: str) -> set[str]:
        """The module's scripts that run on a topic, as far as this process knows."""
        return {each.script for topic in topics for each in self.known(topic.name).subscribers if each.module == module}

    def refresh(self) -> None:
        """Read the sets again if anything changed."""
        now = time.monotonic()
        if now - self._checked < conf.SCRIPTING_GENERATION_MAX_AGE and self._chosen is not None:
            return
        known = self._chosen is not None
        seen = generation.read() or self._generation  # without Redis: no news
        self._checked = now
        if known and seen == self._generation and now - self._polled < conf.SCRIPTING_POLL_SECONDS:
            return
        try:
            if not known or seen != self._generation or self._mark != mark():
                self.take()
            self._generation, self._polled = seen, now
        except (DatabaseError, InterfaceError) as error:
            close_dead_connections()  # a thread that only publishes has nobody else who would
            if not known:
                raise
            logger.warning("subscriptions are those read before: %s", error)

    def heard(self, seen: Generation) -> None:
        """Spare the next look where somebody has just read the generation, and nothing has changed."""
        now = time.monotonic()
        if self._chosen is not None and seen == self._generation and now - self._polled < conf.SCRIPTING_POLL_SECONDS:
            self._checked = now

    def take(self) -> Sequence[Subscriptions]:
        """Read every active set: those."""
        with self._lock:
            found = _active.rows(router.db_for_read(SubscriptionActivation))
            self._mark = max((pk for pk, *_ in found), default=None)
            sets = [dict(zip(_OF_SET, columns, strict=True)) for _, *columns in found]
            chosen = [as_chosen(SubscriptionSet(**one)) for one in sets if one["topic"] is not None]
            self._chosen = {one.topic: one for one in chosen}
            return chosen

    def remember(self, chosen: Sequence[Subscriptions]) -> None:
        """Take these for the active sets until something changes."""
        with self._lock:
            self._chosen = {one.topic: one for one in chosen}
            self._generation = generation.read()
            self._checked = self._polled = time.monotonic()

    def forget(self) -> None:
        """Read them anew at the next look."""
        with self._lock:
            self._chosen, self._checked = None, float("-inf")


def mark() -> int | None:
    """A number in the database that every change raises."""
    return next((pk for (pk,) in _newest.rows(router.db_for_read(SubscriptionActivation))), None)


_OF_SET = ("topic", "number", "sha256", "content")


def _sets() -> QuerySet[SubscriptionActivation, Any]:
    """Of each topic the last activation, with its set; without one where the topic went back to what the code says."""
    latest = SubscriptionActivation.objects.order_by().values("topic").annotate(last=Max("id")).values("last")
    return (
        SubscriptionActivation.objects.order_by()
        .filter(pk__in=latest)
        .values_list("pk", *(f"chosen__{name}" for name in _OF_SET))
    )


_active = Prepared(_sets)
_newest = Prepared(lambda: SubscriptionActivation.objects.order_by("-id").values_list("id")[:1])


table = Table()


class SubscriptionsByTopic(dict[str, Subscriptions]):
    """Those of each topic as they were when first asked for: events that are made together look them up once."""

    def __missing__(self, topic: str) -> Subscriptions:
        found = self[topic] = table.of(topic)
        return found


def runs_on(module: str, script: str) -> list[str]:
    """The topics, then the paths of the endpoints that a script runs on."""
    table.refresh()
    found = modules.get(module)
    return [*table.topics_of(module, script), *(found.config.endpoints_of(script) if found else ())]
