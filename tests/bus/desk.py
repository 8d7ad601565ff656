"""A drain's other side, for tests of the stream layer: a desk that decides events and writes down what was committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile

from scripting.bus import streams
from scripting.bus.drain import Drain, DrainResult
from scripting.bus.drain_parts import Parts
from scripting.bus.events import Event
from scripting.bus.lease import Lease
from scripting.bus.settled import Decided
from scripting.bus.streams import Stream

STREAM = Stream("arena", 0)


class DatabaseAway(Exception):
    """Raised by the desk as long as `away` says so."""


@dataclass
class Desk:
    """Decisions are numbers of events (their id). Sets and callables say what goes wrong."""

    committed: list[list[str]] = field(default_factory=list)
    """One list per commit."""
    decided: list[str] = field(default_factory=list)
    abandoned: list[tuple[str, int, str]] = field(default_factory=list)
    enqueued: list[tuple[Stream, str]] = field(default_factory=list)
    undecidable: set[str] = field(default_factory=set)
    """Events whose decision raises."""
    inapplicable: set[str] = field(default_factory=set)
    """Events whose commit raises."""
    readers: set[str] = field(default_factory=set)
    """Events whose script reads the game."""
    unknown: set[str] = field(default_factory=set)
    """Events that cannot be recorded as abandoned."""
    away: Callable[[], bool] = lambda: False
    before_decision: Callable[[str], None] = lambda _event: None
    before_commit: Callable[[], None] = lambda: None
    stop_after: int | None = None
    """Decisions after which the worker is asked to end."""
    pauses: int = 0
    ahead: int = 0
    """Events that run together at the most."""
    rows: list[list[str]] = field(default_factory=list)
    """Events that ran together."""

    def decide(self, event: Event, module: str, script: str, deliveries: int, before_read: Callable[[], None]) -> str:
        self.before_decision(event.id)
        self.decided.append(event.id)
        if event.id in self.readers:
            before_read()
        if event.id in self.undecidable:
            raise ValueError(f"{event.id} cannot be decided")
        return event.id

    def run_ahead(
        self, events: Sequence[Event], module: str, script: str, before_read: Callable[[], None]
    ) -> list[Callable[[], str]]:
        """Readers and what stands behind them do not run ahead."""
        row = list(takewhile(lambda event: event.id not in self.readers, events[: self.ahead]))
        self.rows.append([event.id for event in row])
        return [partial(self.decide, event, module, script, 1, before_read) for event in row]

    def commit(self, decisions: Sequence[str], fence: Callable[[], None]) -> list[Decided]:
        self.before_commit()
        if self.away():
            raise DatabaseAway
        wrong = self.inapplicable & set(decisions)
        if wrong:
            raise ValueError(f"{sorted(wrong)} cannot be applied")
        fence()
        self.committed.append(list(decisions))
        return []

    def abandon(self, event: Event, module: str, script: str, deliveries: int, why: str) -> None:
        if event.id in self.unknown:
            raise LookupError(f"there is no script {module}/{script}")
        self.abandoned.append((event.id, deliveries, why))

    def pause(self, _seconds: float) -> None:
        self.pauses += 1

    def parts(self) -> Parts[str]:
        return Parts(
            decide=self.decide,
            run_ahead=self.run_ahead,
            commit=self.commit,
            abandon=self.abandon,
            is_away=lambda error: isinstance(error, DatabaseAway),
            enqueue=lambda stream, job: self.enqueued.append((stream, job)),
            stopping=lambda: self.stop_after is not None and len(self.decided) >= self.stop_after,
            pause=self.pause,
        )

    def drain(self, stream: Stream = STREAM, seconds: float = 60) -> DrainResult:
        """A whole drain by an owner of its own."""
        lease = Lease.take(stream, "tester")
        return DrainResult.TAKEN if lease is None else Drain(lease, self.parts(), seconds=seconds).run()

    @property
    def events(self) -> list[str]:
        """Every event committed, in order."""
        return [event for batch in self.committed for event in batch]


def event(number: object, key: str = "k", module: str = "arena") -> Event:
    return Event(id=str(number), topic="arena.hit", payload={}, subscribers=[(module, "scorer")], key=key)


def put(*ids: object, stream: Stream = STREAM) -> list[tuple[Stream, str]]:
    """Events into a stream; the jobs to enqueue."""
    return streams.append([(stream, event(number).encode()) for number in ids])
