"""The envelope that an event travels in, from the publisher to the executions it causes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from scripting.texts.escaping import visible


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. Its subscribers are fixed when it is published. What a field says by default does not travel: a default stays what it is for ever."""

    id: str
    topic: str
    payload: dict[str, Any]
    subscribers: list[tuple[str, str]]
    """(module, script) of each script that runs on it, in their order."""
    first: list[str] | msgspec.UnsetType = msgspec.UNSET
    """Modules of which the first subscriber that answers decides: those after it do not run."""
    key: str = ""
    user_id: str = ""
    metadata: dict[str, Any] = {}
    depth: int = 0
    cause: str = ""
    """Execution whose outcome published it; empty for one from outside."""
    request_id: str = ""
    published_us: int = 0
    """Microseconds since 1970 UTC."""
    dice: str = ""
    """Text that the seeds of its runs derive from, follow-ups' too; empty: chance. Scripts do not see it."""
    inbox: str = ""
    """Who is told when it is settled, see bus.settled; empty: nobody waits for it."""
    traceparent: str | msgspec.UnsetType = msgspec.UNSET
    """Span of OpenTelemetry that its runs are below. Scripts do not see it."""

    latest: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether it need not run on a script while a newer one of its topic and key waits for the same."""

    def group(self, module: str) -> str:
        """Names the events of which the latest alone needs to run in this module: those for the same scripts of it. Empty: each has to."""
        if self.latest is not True or not self.key:
            return ""
        return "\n".join(
            [self.topic, self.key, *(script for subscriber, script in self.subscribers if subscriber == module)]
        )

    def first_decides(self, module: str) -> bool:
        return self.first is not msgspec.UNSET and module in self.first

    def encode(self) -> bytes:
        return _encoder.encode(self)

    @staticmethod
    def decode(data: bytes) -> Event:
        """Raises msgspec.DecodeError for bytes that are no envelope."""
        return _decoder.decode(data)

    def script_context(self, module: str) -> dict[str, Any]:
        """The context variables of a run on this event."""
        metadata = {**self.metadata, "key": self.key, "depth": self.depth, "event_id": self.id}
        if self.cause:
            metadata["cause"] = self.cause
        if self.request_id:
            metadata["request_id"] = self.request_id
        return {
            "topic": self.topic,
            "module": module,
            "timestamp": self.published_us // 1_000_000,
            "event_id": self.id,
            "message": {
                "topic": self.topic,
                "user_id": self.user_id,
                "payload": self.payload,
                "metadata": metadata,
            },
            "message_topic": self.topic,
            "message_user_id": self.user_id,
            "message_payload": raw_text(self.payload),
        }


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Event)
_json = msgspec.json.Encoder()


def raw_text(payload: Mapping[str, Any]) -> str:
    """The payload as JSON text, as scripts of the original decode it themselves."""
    try:
        return _json.encode(payload).decode()
    except (TypeError, msgspec.EncodeError):
        return json.dumps(payload, default=lambda value: visible(str(value)))
