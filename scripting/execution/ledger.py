"""The record of what was decided: one transaction holds executions, the effects they had and the events they published."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import IntegrityError, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from scripting.bus import samples
from scripting.bus.events import Event
from scripting.bus.outbox import Relayed, relay_events
from scripting.bus.settled import Decided
from scripting.execution import breaker, links, site_log, traced
from scripting.execution.applying import Publisher, acts, apply, apply_or_fall_back, enter_units_of_work, works_ahead
from scripting.execution.decision import Decision, Status
from scripting.execution.rows import attempt_rows, execution_row, outcome_of, unrun_rows
from scripting.execution.run import Run
from scripting.metrics import error_groups, rollups
from scripting.models import Attempt, ErrorDelta, Execution, LoneCommit, OutboxEvent, ReceiptLink
from scripting.models.rollups import StatDelta
from scripting.modules.calls import EffectRefused, OutOfDate
from scripting.storage.bulk_insert import insert_all
from scripting.storage.compiled_query import Lookup
from scripting.storage.transactions import writing
from scripting.subscriptions.subscribed import SubscriptionsByTopic
from scripting.telemetry import spans

logger = logging.getLogger(__name__)


def commit(
    decisions: Sequence[Decision],
    *,
    worker: str = "",
    fence: Callable[[], None] = lambda: None,
    tell: Callable[[Decided], object] = lambda _outcome: None,
    relayed: Relayed | None = None,
) -> list[Decision]:
    """Record the decisions, apply their outcomes and publish their follow-ups, all or nothing; gives them as recorded.

    A decision whose (event, script) is recorded already is left out whole. Where the game refuses an outcome, that decision
    falls back to the built-in rule. Our own failures raise, and nothing is committed; `fence` is called last thing before the
    commit, and may raise too. `tell` is called after it, with the outcomes recorded now of events that somebody waits for.
    Who commits again and again gives `relayed`, each time the same, and finishes it.

    Events that come for the first time are not looked for: the table refuses a pair that it has, and all is done anew without that one.
    """
    began_ns = time.time_ns() if spans.on() else 0
    prepared = _prepared(decisions, worker)  # before the transaction begins: other writers wait for its end
    if relayed is None and len(decisions) == 1 and decisions[0].run.event is None and not acts(decisions[0]):
        recorded = _commit_request(decisions[0], prepared[0], fence, tell)
    else:
        again = any(decision.run.deliveries > 1 for decision in decisions)
        recorded = _commit_quickest(_Given(decisions, prepared, worker, fence, tell, relayed), again=again)
    if began_ns:
        traced.committed(recorded, began_ns)
    return recorded


class _Prepared(NamedTuple):
    """The rows of one decision, and what its link will hold of them; nothing where the site wants no receipts."""

    row: dict[str, Any]
    tries: list[dict[str, Any]]
    entry: bytes


def _prepared(decisions: Sequence[Decision], worker: str) -> list[_Prepared]:
    rows = [execution_row(decision, worker) for decision in decisions]
    tries = [attempt_rows(decision) if len(decision.attempts) > 1 else [] for decision in decisions]
    entries = links.entries(list(zip(rows, tries, strict=True))) if links.wanted() else [b""] * len(rows)
    return list(map(_Prepared, rows, tries, entries))


def _commit_request(
    decision: Decision, made: _Prepared, fence: Callable[[], None], tell: Callable[[Decided], object]
) -> list[Decision]:
    """Of a request that changes no game nothing can be recorded already, be refused or follow."""
    row = made.row
    with writing(_database()) as connection:
        _write(connection, [row], made.tries, [(row, made.entry)] if made.entry else [])
        if decision.run.trigger in breaker.COUNTED:
            breaker.note(_findings([decision]))
        if _is_news(row) or site_log.hears_of_successes():
            connection.on_commit(lambda: _tell([(row, decision)], tell))
        fence()
    return [decision]


class _Given(NamedTuple):
    """The arguments of `commit`, with the rows that were made of its decisions."""

    decisions: Sequence[Decision]
    prepared: Sequence[_Prepared]
    worker: str
    fence: Callable[[], None]
    tell: Callable[[Decided], object]
    relayed: Relayed | None


def _commit_quickest(given: _Given, *, again: bool) -> list[Decision]:
    """Commit without what is needed seldom: `again` says that some may be recorded already."""
    try:
        try:
            if not again:
                with contextlib.suppress(OutOfDate):
                    return _commit_ahead(given)
            return _commit(given, look=again, careful=False)
        except IntegrityError:
            if again:
                raise
            return _commit(given, look=True, careful=False)
    except EffectRefused:
        return _commit(given, look=True, careful=True)


def _commit_ahead(given: _Given) -> list[Decision]:
    """The game takes the outcomes before the transaction, where its modules can: other writers wait for less. Raises OutOfDate where they cannot."""
    batch, fresh = _Batch(given), _not_recorded(given.decisions, None)
    acting = _acting(given, fresh)
    works = works_ahead(acting.values())
    for index in fresh:
        batch.take(index, works if index in acting else None)
    with writing(_database()) as connection:
        for work in works.values():
            work.write()
        batch.write(connection)
    return batch.decisions


def _commit(given: _Given, *, look: bool, careful: bool) -> list[Decision]:
    """`look` asks which are recorded already, else IntegrityError is raised for one; `careful` gives every outcome a savepoint, so that one that
    is refused does not undo the others.
    """
    batch, using = _Batch(given), _database()
    with writing(using) as connection:
        fresh = _not_recorded(given.decisions, using if look else None)
        acting = _acting(given, fresh)
        with contextlib.ExitStack() as entered:
            works = enter_units_of_work(entered, () if careful else acting.values())
            for index in fresh:
                if careful and index in acting:
                    batch.take_carefully(index)
                else:
                    batch.take(index, works if index in acting else None)
        batch.write(connection)
    return batch.decisions


def _acting(given: _Given, fresh: Iterable[int]) -> dict[int, Run]:
    """The runs that may change the game, by the places of their decisions."""
    return {index: given.decisions[index].run for index in fresh if acts(given.decisions[index])}


class _Batch:
    """The rows of one commit, collected while the game takes the decisions one after the other."""

    def __init__(self, given: _Given) -> None:
        self._given = given
        self.decisions = list(given.decisions)
        """As they are recorded: some may fall back."""
        self._rows: list[dict[str, Any]] = []
        self._tries: list[dict[str, Any]] = []
        self._entries: list[tuple[Mapping[str, Any], bytes]] = []
        self._told: list[tuple[dict[str, Any], Decision]] = []
        self._outbox: list[dict[str, Any]] = []
        self._sent: list[tuple[Event, bytes]] = []
        self._published: list[Event] = []
        self._subscriptions = SubscriptionsByTopic()

    def take(self, index: int, works: Mapping[str, Any] | None) -> None:
        """Let the game act on a decision; without units of work there is nothing to act on. Raises EffectRefused."""
        decision = self.decisions[index]
        if works is None:
            self._add(decision, self._given.prepared[index], None)
            return
        publisher = Publisher(decision.run, self._subscriptions)
        apply(decision, publisher, works)
        self._add(decision, self._given.prepared[index], publisher)

    def take_carefully(self, index: int) -> None:
        """The same under a savepoint: the decision falls back where the game refuses it."""
        decision, made = self.decisions[index], self._given.prepared[index]
        applied, publisher = apply_or_fall_back(decision, Publisher(decision.run))
        if applied is not decision:
            self.decisions[index] = applied
            [made] = _prepared([applied], self._given.worker)
        self._add(applied, made, publisher)

    def _add(self, decision: Decision, made: _Prepared, publisher: Publisher | None) -> None:
        self._rows.append(made.row)
        self._told.append((made.row, decision))
        self._tries += made.tries
        if made.entry:
            self._entries.append((made.row, made.entry))
        if publisher is not None:
            self._outbox += publisher.outbox
            self._sent += publisher.sent
            self._published += publisher.published
            if publisher.refused:
                self._rows += publisher.refused
                self._entries += links.alone(publisher.refused)

    def write(self, connection: BaseDatabaseWrapper) -> None:
        """Inside the transaction, and last thing before its end."""
        told, sent, published, given = self._told, self._sent, self._published, self._given
        _write(connection, self._rows, self._tries, self._entries, self._outbox)
        breaker.note(_findings(decision for _, decision in told))
        if given.relayed is not None:
            given.relayed.delete()
        connection.on_commit(lambda: _tell(told, given.tell))
        if self._outbox:
            connection.on_commit(lambda: relay_events(sent, given.relayed))
        if published:
            connection.on_commit(lambda: samples.note(published))
        given.fence()


def _write(
    connection: BaseDatabaseWrapper,
    rows: Sequence[dict[str, Any]],
    tries: Sequence[dict[str, Any]],
    entries: Sequence[tuple[Mapping[str, Any], bytes]],
    outbox: Sequence[dict[str, Any]] = (),
) -> None:
    """Write executions with their attempts, what their receipts will be made of, what they add to the figures, and their follow-ups."""
    if len(rows) == len(entries) == 1 and rows[0].get("event_id") is None:
        [(row, entry)] = entries
        adds: list[tuple[type[Model], list[dict[str, Any]]]] = [
            (LoneCommit, [rollups.of_request(row) | links.lone(row, entry, connection)])
        ]
    else:
        deltas = rollups.deltas_of(rows) if rows else []
        adds = [(ReceiptLink, links.append(entries, connection)), (StatDelta, deltas)]
    insert_all(
        [
            (Execution, rows),
            (Attempt, tries),
            *adds,
            (ErrorDelta, error_groups.deltas_of(rows)),
            (OutboxEvent, outbox),
        ],
        connection,
    )


def _tell(told: Iterable[tuple[dict[str, Any], Decision]], tell: Callable[[Decided], object]) -> None:
    """After the commit: the site's own log hears of the executions, and who waits for one of its outcome."""
    hears_all = site_log.hears_of_successes()
    for row, decision in told:
        event = decision.run.event
        if event is not None and event.inbox:
            tell(outcome_of(row, decision))
        if not (hears_all or _is_news(row)):
            continue
        version = decision.attempts[0].version if decision.attempts else None
        written = [
            site_log.Written(
                attempt.version.info.number, attempt.outcome.logs, attempt.outcome.log_us, decision.run.mask
            )
            for attempt in decision.attempts
            if attempt.outcome.logs and attempt.version
        ]
        site_log.tell(row, str(decision.run.script), version.info.number if version else None, written)


def _is_news(row: Mapping[str, Any]) -> bool:
    """Whether the log hears of it also where nobody listens to successes."""
    return row["status"] != Status.SUCCEEDED or bool(row.get("error_type"))


def _findings(decisions: Iterable[Decision]) -> Iterator[breaker.Finding]:
    """How the versions did, for their breakers: each by its last attempt. What a caller did wrong says nothing of a version."""
    for decision in decisions:
        run = decision.run
        if run.trigger not in breaker.COUNTED or not run.script.enabled:
            continue
        attempts = decision.attempts
        if len(attempts) > 1:
            attempts = list({a.version.id: a for a in attempts if a.version is not None and a.tried}.values())
        for attempt in attempts:
            version, outcome = attempt.version, attempt.outcome
            if version is not None and attempt.tried and not outcome.cancelled and not attempt.callers_fault:
                error = "" if outcome.error is None else run.mask.text(str(outcome.error))
                yield breaker.Finding(run.script, version, error)


def _database() -> str:
    return router.db_for_write(Execution)


def _not_recorded(decisions: Sequence[Decision], using: str | None) -> list[int]:
    """Places of the decisions that are to be recorded: an (event, script) pair is once among them, and in the database that is asked, if any."""
    events = {decision.run.event.id for decision in decisions if decision.run.event is not None}
    known = set(_of_events.rows(using, events)) if using and events else set()
    fresh = []
    for index, decision in enumerate(decisions):
        run = decision.run
        if run.event is not None:
            pair = (run.event.id, run.script.id)
            if pair in known:
                continue
            known.add(pair)
        fresh.append(index)
    return fresh


_of_events = Lookup(lambda: Execution.objects.order_by().values_list("event_id", "script_id"), "event_id")


# -- what did not run ----------------------------------------------------------------------------------------------------


def record_without_run(
    event: Event, module: str, script: str, status: str, message: str, *, deliveries: int = 1, worker: str = ""
) -> None:
    """An execution for an event that no script ran on: abandoned, skipped or refused. Recorded once per (event, script)."""
    using = _database()
    with writing(using) as connection:
        rows = unrun_rows(event, [(module, script)], status, message, deliveries, worker)
        done = set(Execution.objects.filter(event_id=event.id).values_list("script_id", flat=True))
        fresh = [row for row in rows if row["script_id"] not in done]
        _write(connection, fresh, (), links.alone(fresh))
    for row in fresh:
        site_log.tell(row, f"{module}/{script}", None)


def record_refused_request(row: dict[str, Any], script: str) -> None:
    """An execution for a request that was refused before its script ran: a row of `refused_request_row`."""
    with writing(_database()) as connection:
        _write(connection, [row], (), links.alone([row]))
    site_log.tell(row, script, None)
