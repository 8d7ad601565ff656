"""Context variables that every message or request brings."""

from __future__ import annotations

CONTEXT_NAMES = frozenset(
    [
        "topic",
        "module",
        "timestamp",
        "endpoint",
        "message",
        "message_topic",
        "message_user_id",
        "message_payload",
        "http_request",
        "http_method",
        "http_path",
        "http_body",
    ]
)
"""By name, those of messages and those of requests."""
