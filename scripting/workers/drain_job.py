"""The job that RQ calls: the drain of a stream, wired to the engine and the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import redis
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connections, router

from scripting.bus import drain_queue, streams
from scripting.bus.drain import DrainResult
from scripting.bus.drain import drain as drain_stream
from scripting.bus.drain_parts import Parts
from scripting.bus.events import Event
from scripting.bus.outbox import Relayed
from scripting.bus.settled import Decided
from scripting.bus.sharing import SLICE_SECONDS
from scripting.bus.streams import Stream
from scripting.conf import conf
from scripting.engine import RunAhead, get_engine
from scripting.execution import ledger
from scripting.execution.decision import Decision
from scripting.models import Execution, Script
from scripting.modules.installed import modules
from scripting.processes.generation import Generation
from scripting.processes.place import start_name
from scripting.registry.active import registry
from scripting.storage import database, database_clock
from scripting.storage.compiled_query import Lookup
from scripting.storage.database import close_dead_connections
from scripting.storage.redis_errors import is_unavailable
from scripting.subscriptions.subscribed import table
from scripting.supervisor.errors import SandboxUnavailable
from scripting.workers.heartbeat import Liveness

DECIDED = frozenset({Execution.Status.SUCCEEDED, Execution.Status.FELL_BACK})
ATTEMPTS = 4
"""Runs that one event can cost at the most: its version, the one before, the default, and the built-in rule."""

worker: Liveness | None = None
"""The worker that this process is; None in a test or under a worker that is not ours."""


def drain(module: str, shard: int) -> str:
    """Drain one stream, and then those whose jobs wait, for as long as one job may: how the last one ended. RQ's job.

    A drain of few events is short beside all that RQ does for a job, so the next ones are taken without it, and in turn: a module with many
    events waiting keeps no other one waiting for long.
    """
    close_dead_connections()
    database_clock.keep_up()
    turn = Turn(module)
    until = time.monotonic() + conf.SCRIPTING_DRAIN_SECONDS
    try:
        result = drain_once(Stream(module, shard), turn=turn)
        while (left := until - time.monotonic()) > 0 and not _is_ending() and (waiting := turn.next()):
            result = drain_once(waiting, left, turn=turn)
    except redis.RedisError as error:
        if worker is not None and is_unavailable(error):
            worker.was_cut_off = True
        raise
    return result.value


class Turn:
    """A module's turn in this worker, and how much of its time is reckoned already."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._began = time.monotonic()
        self._reckoned = 0.0
        """RQ gave the first one, whoever's turn it was."""

    def next(self) -> Stream | None:
        """The stream whose turn is next, if a job waits. Raises redis.RedisError."""
        return self._take(SLICE_SECONDS, same=False)

    def another(self) -> Stream | None:
        """Another stream of the same module, to be drained along, if that is next. Raises redis.RedisError."""
        return self._take(0.0, same=True)

    def _take(self, reckoned: float, *, same: bool) -> Stream | None:
        now = time.monotonic()
        shares = {module.name: module.config.share for module in modules}
        waiting = streams.take_job(shares, reckoned, self._module, now - self._began - self._reckoned, same=same)
        if waiting is not None:
            self._began, self._reckoned, self._module = now, reckoned, waiting.module
        return waiting


def drain_once(stream: Stream, seconds: float | None = None, *, turn: Turn | None = None) -> DrainResult:
    """One drain of `stream` in this process, along with others of its module's `turn`. Raises redis.RedisError; the sweep then sees to them."""
    found = replace(parts(), take_job=turn.another) if turn else parts()
    return drain_stream(stream, worker.name if worker else start_name(), found, seconds)


def _is_ending() -> bool:
    return worker is not None and worker.stopping.is_set()


def parts() -> Parts[Decision]:
    """A drain's parts in this process."""
    alive, relayed = worker, Relayed()
    return Parts(
        decide=decide,
        run_ahead=run_ahead,
        supersede=supersede,
        recorded=recorded,
        commit=partial(commit, relayed=relayed),
        rest=relayed.finish,
        abandon=abandon,
        answered=answered,
        answers=lambda decision: decision.answers,
        is_away=is_away,
        refresh=refresh,
        enqueue=drain_queue.enqueue_drain,
        stopping=_is_ending,
        pause=alive.stopping.wait if alive else time.sleep,
        gap=alive.gaps.rest if alive else nullcontext,
        progress=alive.busy if alive else lambda: None,
    )


def refresh(seen: Generation) -> None:
    """Take the generation that was read along with a batch: what runs, and what follow-ups run on, is not asked for again."""
    registry.refresh(seen)
    table.heard(seen)


def decide(event: Event, module: str, script: str, deliveries: int, before_read: Callable[[], None]) -> Decision:
    """Run the script that is subscribed to the event; nothing is written."""
    _begin(module, script)
    return get_engine().decide(event, module, script, deliveries=deliveries, before_read=before_read)


def run_ahead(
    events: Sequence[Event], module: str, script: str, before_read: Callable[[], None]
) -> list[Callable[[], Decision]]:
    """Run the script on the first of these events in one exchange, as many as can be; how to have the decision of each."""
    _begin(module, script)
    ran = get_engine().run_ahead(events, module, script, before_read=before_read)
    return [partial(_decided, each) for each in ran]


def _decided(ahead: RunAhead) -> Decision:
    if ahead.outcome.error is not None:  # it may be tried again
        _begin(ahead.context.call.module, ahead.context.call.script)
    return get_engine().decided(ahead)


def _begin(module: str, script: str) -> None:
    """Tell whoever watches this worker how long the runs for one event may take."""
    if worker is not None:
        worker.busy(ATTEMPTS * registry.resolve(module, script).limits.max_execution_time)


def supersede(event: Event, module: str, script: str, newer: str, deliveries: int) -> Decision:
    """The decision that a script need not run on an event, since a newer one waits; nothing is written."""
    return get_engine().supersede(event, module, script, newer, deliveries=deliveries)


def recorded(events: set[str]) -> set[str]:
    """Those of the events that have an execution, of whichever script."""
    return {event for (event,) in _of_events.rows(_database(), events)} if events else set()


_of_events = Lookup(lambda: Execution.objects.order_by().values_list("event_id"), "event_id")


def answered(event: Event, module: str) -> dict[str, bool]:
    """The module's scripts that have decided on the event for good, and whether each answered."""
    found = Execution.objects.filter(event_id=event.id, script__module=module).select_related("script")
    return {one.script.name: one.status in DECIDED and one.result_value is not None for one in found}


def commit(decisions: Sequence[Decision], fence: Callable[[], None], relayed: Relayed | None = None) -> list[Decided]:
    """Record and apply, all or nothing; `fence` has the last word. Answers the outcomes of events that somebody waits for."""
    outcomes: list[Decided] = []
    name = worker.name if worker else start_name()
    ledger.commit(decisions, worker=name, fence=fence, tell=outcomes.append, relayed=relayed)
    database.outage.over()
    _others.over()
    return outcomes


def abandon(event: Event, module: str, script: str, deliveries: int, why: str) -> None:
    """Record that the event was not run. Raises LookupError where there is no such script to record it under."""
    if not Script.objects.named(module, script).exists():
        raise LookupError(f"there is no script {module}/{script}")
    message = f"abandoned after {deliveries} deliveries: {why}"
    name = worker.name if worker else start_name()
    ledger.record_without_run(
        event, module, script, Execution.Status.ABANDONED, message, deliveries=deliveries, worker=name
    )


def is_away(error: BaseException | None) -> bool:
    """Whether the database, Redis or sandboxes are unavailable, so that no event is to blame."""
    while error is not None:
        if isinstance(error, DatabaseError) and is_behind(error):
            return True
        if isinstance(error, (OperationalError, InterfaceError, InternalError)):
            return is_database_away(error)
        if isinstance(error, SandboxUnavailable) or is_unavailable(error):
            _others.note(error)
            return True
        error = error.__cause__
    return False


def is_database_away(error: BaseException) -> bool:
    """Whether the error is of a database that takes no writes: by what it says, or since a new connection cannot write either."""
    connection = connections[_database()]
    if connection.in_atomic_block:
        return False  # a caller's transaction: not ours to end
    connection.close()
    if not database.refuses(error):
        try:
            database.prove_write()
        except (DatabaseError, InterfaceError) as refusal:
            error = refusal
        else:
            return False
    database.outage.note(error)
    return True


def is_behind(error: DatabaseError) -> bool:
    """Whether a table or a column is not there while the database lacks migrations of this code: with them the event may succeed."""
    if not database.is_about_tables(error) or connections[_database()].in_atomic_block:
        return False
    try:
        lacking = database.lacking_migrations()
    except (DatabaseError, InterfaceError):
        return False  # it went away meanwhile: the next try tells
    if lacking:
        said = str(error).partition("\n")[0]
        database.outage.note(f"it lacks the migrations {', '.join(lacking)}: say `migrate` ({said})")
    return bool(lacking)


_others = database.Outage("what runs scripts")


def close_idle_connections() -> None:
    """Give this thread's connections back to the server, for who has more to do."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def _database() -> str:
    return router.db_for_write(Execution)
