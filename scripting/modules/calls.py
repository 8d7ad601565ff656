"""On whose behalf a module's functions are called, how they refuse, and the outcome that a module applies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from scripting.types import VersionInfo


class EffectRefused(Exception):
    """An effect that the game's state does not admit. The run counts as failed; nothing it did is kept."""


class CallRefused(Exception):
    """An exposed function cannot do what the script asked; the message is for the script's author, at the line of the call."""


class ArgumentsRefused(CallRefused):
    """A script called an exposed function with arguments that its annotations do not admit.

    `value` is the argument that does not fit; None where their number or names do not.
    """

    def __init__(self, message: str, value: Any = None) -> None:
        super().__init__(message)
        self.value = value


class OutOfDate(Exception):
    """The game has changed since a unit of work began before its transaction, or it lacks a part of the game: all is done anew inside the transaction."""


class WorkAhead(Protocol):
    """A unit of work that was filled before its transaction began."""

    def write(self) -> None:
        """Lock the rows that it knew, see that nobody has changed them, and write its changes. Raises OutOfDate."""


class CallContext(msgspec.Struct, frozen=True):
    """On whose behalf an exposed function is called, or an outcome is applied."""

    module: str
    script: str
    execution_id: str
    topic: str = ""
    payload: Mapping[str, Any] = msgspec.field(default_factory=dict)
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)
    key: str = ""
    depth: int = 0
    user_id: str = ""
    request_id: str = ""
    dice: str = ""
    """Where the run's dice come from, as its publisher said; empty: from chance."""
    segment: str = ""
    """Of a simulated play: what its key belongs to. Of an event the module is asked."""
    trial: bool = False
    publish: Callable[..., None] | None = None
    """For effects alone: `publish(topic, payload, key=…)`, a follow-up event sent if and only if the outcome is committed."""
    unit_of_work: Any = None
    """For effects and `apply`: what the module's `unit_of_work` gave for this commit."""

    def acting(self, publish: Callable[..., None], unit_of_work: Any) -> CallContext:
        """`replace` with these two, which is done for every outcome, at a third of its price."""
        return CallContext(
            self.module,
            self.script,
            self.execution_id,
            self.topic,
            self.payload,
            self.metadata,
            self.key,
            self.depth,
            self.user_id,
            self.request_id,
            self.dice,
            self.segment,
            self.trial,
            publish,
            unit_of_work,
        )


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of a run, as the module applies it inside the transaction that records the execution."""

    context: CallContext
    result: Any
    status: str
    """`succeeded` or `fell_back`."""
    role: str
    """The attempt that decided: `primary`, `retry`, `fallback` or `built_in`."""
    version: VersionInfo | None
    """None when the module's built-in rule decided."""
    error: str
    """Why the primary attempt failed, for `fell_back`."""
    failed: VersionInfo | None = None
    """The version that should have decided, where another did instead of it."""
    knobs: int | None = None
    """Number of the set of values that its knobs had; None where they had their defaults."""

    def publish(self, topic: str, payload: Mapping[str, Any], *, key: str | None = None) -> None:
        """A follow-up event, sent if and only if this outcome is committed. Raises EffectRefused when the payload does not fit."""
        assert self.context.publish is not None
        self.context.publish(topic, payload, key=key)
