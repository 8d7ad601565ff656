"""Hide what a topic calls sensitive wherever people read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from scripting.modules.topics import topics

HIDDEN = "•••"


def masked(value: Any, hidden: Collection[str]) -> Any:
    """The value with what its topic calls sensitive hidden, at any depth."""
    if not hidden:
        return value
    match value:
        case Mapping():
            return {k: HIDDEN if k in hidden or k == "message_payload" else masked(v, hidden) for k, v in value.items()}
        case list() | tuple():
            return [masked(item, hidden) for item in value]
    return value


def sensitive_keys(topic: str) -> frozenset[str]:
    """The payload keys of a topic that pages must not show."""
    return topics.get(topic).sensitive if topic in topics else frozenset()


def every_sensitive_key() -> frozenset[str]:
    """For what scripts wrote themselves, which may carry any topic's payload."""
    return frozenset().union(*(topic.sensitive for topic in topics))


def _masked(topic: str, context: Mapping[str, Any]) -> Mapping[str, Any]:
    """The context as pages may show it: sensitive payload fields hidden, in the raw text too."""
    message = context.get("message")
    if topic not in topics or not topics.get(topic).sensitive or not isinstance(message, Mapping):
        return context
    payload = topics.get(topic).mask(message.get("payload") or {})
    return {**context, "message": {**message, "payload": payload}, "message_payload": "•••"}
