"""The words of a drain: an entry in hand, the parts that a drain drives, and how it tells failures apart."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from scripting.bus.events import Event
from scripting.bus.lease import Lease, LeaseLost
from scripting.bus.settled import Decided
from scripting.bus.streams import Stream
from scripting.storage.redis_errors import is_unavailable

Decision = TypeVar("Decision")


class Entry(msgspec.Struct, frozen=True):
    """An event in hand, and the module whose script is to run on it."""

    id: bytes
    event: Event
    envelope: bytes
    delivered_before: bool
    lease: Lease
    """On the stream that it is in."""
    scripts: list[str]
    """Of the stream's module, that subscribed to the event."""
    newer: str = ""
    """The event that supersedes it: it waits behind this one, and of the two only the latest has to run."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing but its scripts says what is to become of it."""
        return not self.newer and not self.event.first_decides(self.lease.stream.module)


@dataclass(frozen=True)
class Parts(Generic[Decision]):
    """The parts that a drain drives; the drain itself knows neither sandbox nor database."""

    decide: Callable[[Event, str, str, int, Callable[[], None]], Decision]
    """(event, module, script, deliveries, before_read) → what is to become of it; writes nothing."""
    commit: Callable[[Sequence[Decision], Callable[[], None]], Iterable[Decided]]
    """Decisions, all or nothing: the outcomes that it recorded of events which somebody waits for. Calls its second argument last thing
    before it commits, and fails if that raises."""
    abandon: Callable[[Event, str, str, int, str], None]
    """(event, module, script, deliveries, why) → recorded as abandoned. Raises LookupError where it cannot be recorded."""
    is_away: Callable[[Exception], bool]
    """Whether the failure is of what we stand on (the database is unavailable), and no fault of an event. Tells the log."""
    run_ahead: Callable[[Sequence[Event], str, str, Callable[[], None]], Sequence[Callable[[], Decision]]] = (
        lambda _events, _module, _script, _before_read: ()
    )
    """(events, module, script, before_read) → for the first of the events, in order, how to have the decision: they have run together.
    Nothing comes of a decision that is not asked for."""
    supersede: Callable[[Event, str, str, str, int], Decision] | None = None
    """(event, module, script, newer event, deliveries) → recorded as superseded, without a run. None: every event runs."""
    recorded: Callable[[set[str]], set[str]] = lambda _events: set()
    """Those of the events that have an execution."""
    answered: Callable[[Event, str], Mapping[str, bool]] = lambda _event, _module: {}
    """(event, module) → the scripts that have decided on it for good, and whether each answered: where the first that answers decides."""
    answers: Callable[[Decision], bool] = lambda _decision: True
    """Whether a decision is an answer."""
    rest: Callable[[], None] = lambda: None
    """Called when no commit follows for a while: does what commits left to the next one."""
    refresh: Callable[[tuple[bytes | None, ...]], None] = lambda _seen: None
    """Told the version generation with each read."""
    enqueue: Callable[[Stream, str], None] = lambda _stream, _job: None
    """Given the job that a stream is handed over to."""
    take_job: Callable[[], Stream | None] = lambda: None
    """Takes the next drain job of the same module, if it is that module's turn: its stream."""
    stopping: Callable[[], bool] = lambda: False
    """Whether the worker has been asked to end."""
    pause: Callable[[float], object] = time.sleep
    """Waits so many seconds, less if the worker is asked to end."""
    gap: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext
    """Around a wait for events: other threads of this process do what is in no hurry meanwhile."""
    progress: Callable[[], None] = lambda: None
    """Called between events, for whoever watches that the drain is not stuck."""


class FlushFailed(Exception):
    """Held outcomes could not be committed before a read. Never the fault of the script that reads."""


class Interrupted(Exception):
    """The drain's time is up, or its worker is ending, while an event waits to be tried again."""


def ends_drain(error: Exception) -> bool:
    """Whether the drain ends wherever it is: without its lease or its Redis it may do nothing more."""
    return isinstance(error, LeaseLost) or is_unavailable(error)


def described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
