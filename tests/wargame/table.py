"""A table to play on without workers: outcomes are applied as the engine would, and follow-ups are caught or carried out."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from msgspec import structs

from scripting.models import uuid7
from scripting.modules.calls import CallContext, Outcome
from scripting.modules.installed import modules
from scripting.modules.topics import topics
from scripting.types import VersionInfo

VERSION = VersionInfo(3, "0" * 64, "editor", "python")


@dataclass
class Published:
    """An event that an outcome, or the director, published."""

    topic: str
    payload: dict[str, Any]
    key: str = ""
    depth: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Table:
    """Applies results to the game. `events` are those that were published and nobody has handled yet."""

    def __init__(self) -> None:
        self.module = modules.get("wargame")
        self.events: deque[Published] = deque()

    def publish(self, topic: str, payload: Mapping[str, Any], *, key: str = "", depth: int = 0, **kwargs: Any) -> None:
        """In the place of bus.publish: what does not fit its schema raises, as there."""
        self.events.append(
            Published(topic, topics.get(topic).validate(dict(payload)), key or "", depth, kwargs.get("metadata") or {})
        )

    def apply(
        self,
        event: Published,
        script: str,
        result: Any,
        *,
        role: str = "primary",
        error: str = "",
        knobs: int | None = None,
    ) -> None:
        """Let the game act on `result` as if `script` had returned it on `event`."""
        context = CallContext(
            "wargame", script, str(uuid7()), event.topic, event.payload, event.metadata, event.key, event.depth
        )

        def follow_up(topic: str, payload: Mapping[str, Any], *, key: str | None = None) -> None:
            self.publish(topic, payload, key=event.key if key is None else key, depth=event.depth + 1)

        outcome = Outcome(
            structs.replace(context, publish=follow_up),
            result,
            "succeeded" if role == "primary" else "fell_back",
            role,
            None if role == "built_in" else VERSION,
            error,
            VERSION if error else None,
            knobs,
        )
        with transaction.atomic():
            self.module.apply(outcome)

    def built_in(self, event: Published) -> Any:
        """The decision of the built-in rule of the script that runs on `event`."""
        script = self.module.config.message_handlers[event.topic]
        context = CallContext("wargame", script, str(uuid7()), event.topic, event.payload)
        message = {"topic": event.topic, "payload": event.payload, "metadata": {}, "user_id": ""}
        return self.module.built_in(context, {"topic": event.topic, "message": message})

    def carry_out(self, limit: int = 500) -> list[Published]:
        """Decide every waiting event by its built-in rule, follow-ups too; returns them all, in order."""
        done: list[Published] = []
        while self.events:
            event = self.events.popleft()
            done.append(event)
            assert len(done) <= limit, "the events do not end"
            script = self.module.config.message_handlers.get(event.topic)
            if script is not None:
                self.apply(event, script, self.built_in(event))
        return done

    def take(self, topic: str) -> Published:
        """The waiting event of this topic; fails unless there is exactly one."""
        found = [event for event in self.events if event.topic == topic]
        assert len(found) == 1, [event.topic for event in self.events]
        self.events.remove(found[0])
        return found[0]
