"""The game's part of a commit: the module applies outcomes and carries out effects; follow-up events are collected meanwhile.

All of it belongs to the transaction of the ledger, which records the decision. Nothing here writes an execution.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import router, transaction
from msgspec.structs import replace

from scripting import clock
from scripting.bus import publishing
from scripting.bus.events import Event
from scripting.execution import attempts, callers, recovery
from scripting.execution.attempts import AttemptRecord
from scripting.execution.decision import Decision, Status
from scripting.execution.rows import unrun_rows
from scripting.execution.run import Run
from scripting.models import Execution, Role
from scripting.models.ids import id_of
from scripting.modules.calls import CallContext, EffectRefused, Outcome, OutOfDate, WorkAhead
from scripting.modules.scriptable import ScriptableModule
from scripting.modules.simulation import dice_after
from scripting.modules.topics import TopicError
from scripting.registry.bundles import set_number
from scripting.subscriptions.subscribed import SubscriptionsByTopic
from scripting.telemetry import spans

logger = logging.getLogger(__name__)

_OWN_METADATA = frozenset({"key", "depth", "cause", "event_id", "request_id"})


class Publisher:
    """Collects the follow-up events of one outcome as outbox rows; those too deep become refused executions."""

    def __init__(self, run: Run, subscriptions: SubscriptionsByTopic | None = None) -> None:
        self.outbox: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        self.sent: list[tuple[Event, bytes]] = []
        """Those of the outbox, with their envelopes."""
        self.published: list[Event] = []
        """All that go on their way, those too that no script runs on."""
        self._call = run.call
        self._traceparent = run.traceparent
        self._subscriptions = subscriptions
        self._published = 0

    def __call__(self, topic: str, payload: Mapping[str, Any], *, key: str | None = None) -> None:
        call = self._call
        dice = dice_after(call.dice, self._published)
        self._published += 1
        try:
            event = publishing.make_event(
                topic,
                payload,
                key=call.key if key is None else key,
                user_id=call.user_id,
                metadata={k: v for k, v in call.metadata.items() if k not in _OWN_METADATA},
                depth=call.depth + 1,
                cause=call.execution_id,
                request_id=call.request_id,
                dice=dice,
                traceparent=self._traceparent and spans.created(topic, parent=self._traceparent),
                subscriptions=self._subscriptions,
            )
        except TopicError as error:
            raise EffectRefused(str(error)) from None
        if event.depth > publishing.max_depth():
            message = f"refused: follow-up events may be {publishing.max_depth()} deep, this one is {event.depth}"
            logger.warning("%s from execution %s %s", topic, call.execution_id, message)
            self.refused += unrun_rows(event, event.subscribers, Status.SKIPPED, message)
            return
        self.published.append(event)
        if event.subscribers:
            envelope = event.encode()
            self.sent.append((event, envelope))
            self.outbox.append(
                {
                    "id": id_of(event.id),
                    "topic": event.topic,
                    "envelope": envelope,
                    "cause": id_of(call.execution_id),
                    "created_at": clock.now(),
                }
            )


class _RequestRefused(EffectRefused):
    """The game refuses an effect for what the caller of an endpoint asked for."""


def _applies(run: Run) -> bool:
    return run.trigger != Execution.Trigger.REPLAY and run.module is not None and run.module.applies(run.call)


def acts(decision: Decision) -> bool:
    """Whether it may change the game: it has an outcome that the module applies, or effects."""
    run, attempt = decision.run, decision.deciding
    return (
        attempt is not None
        and run.module is not None
        and attempt.outcome.error is None
        and not attempt.outcome.cancelled
        and (bool(attempt.effects) or _applies(run))
    )


def enter_units_of_work(entered: contextlib.ExitStack, runs: Iterable[Run]) -> dict[str, Any]:
    """Name of a module → its unit of work around those of the runs that change its game."""
    return {name: entered.enter_context(module.unit_of_work(calls)) for name, module, calls in _by_module(runs)}


def works_ahead(runs: Iterable[Run]) -> dict[str, WorkAhead]:
    """The same before the transaction. Raises OutOfDate where a module has none."""
    works = {}
    for name, module, calls in _by_module(runs):
        if (work := module.unit_of_work_ahead(calls)) is None:
            raise OutOfDate
        works[name] = work
    return works


def _by_module(runs: Iterable[Run]) -> Iterator[tuple[str, ScriptableModule, list[CallContext]]]:
    acting: dict[str, tuple[ScriptableModule, list[CallContext]]] = {}
    for run in runs:
        if run.module is not None:
            acting.setdefault(run.module.name, (run.module, []))[1].append(run.call)
    return ((name, module, calls) for name, (module, calls) in acting.items())


def apply(decision: Decision, publisher: Publisher, works: Mapping[str, Any]) -> None:
    """Let the module act on the outcome of a decision that acts. Raises EffectRefused."""
    run, attempt = decision.run, decision.deciding
    assert attempt is not None
    assert run.module is not None
    applies = _applies(run)
    value = attempt.value
    if applies:
        run.module.demand_admissible(run.call, value)
    call = run.call.acting(publisher, works.get(run.module.name))
    with spans.below(run.traceparent):
        _carry_out(decision, attempt, value, call, applies=applies)


def _carry_out(decision: Decision, attempt: AttemptRecord, value: Any, call: CallContext, *, applies: bool) -> None:
    """The effects that the script gave, then the outcome. Raises EffectRefused."""
    run = decision.run
    for effect in attempt.effects:
        try:
            effect.carry_out(call)
        except EffectRefused as refusal:
            if callers.asked_for_effect(run, effect):
                raise _RequestRefused(str(refusal)) from None
            raise
    if applies and run.module is not None:
        first = decision.attempts[0]
        failed = first.version if first.outcome.error and first.version is not attempt.version else None
        run.module.apply(
            Outcome(
                call,
                value,
                Status.SUCCEEDED if decision.status == Status.SUCCEEDED else Status.FELL_BACK,
                attempt.role,
                attempt.version.info if attempt.version else None,
                str(first.outcome.error or ""),
                failed.info if failed else None,
                set_number(attempt.version.bundle) if attempt.version else None,
            )
        )


def apply_or_fall_back(decision: Decision, publisher: Publisher) -> tuple[Decision, Publisher]:
    """Apply under a savepoint; what the game refuses becomes a failed attempt, followed by the built-in rule.

    None follows where it refuses what the caller of an endpoint asked for.
    """
    try:
        with transaction.atomic(using=router.db_for_write(Execution)), contextlib.ExitStack() as entered:
            apply(decision, publisher, enter_units_of_work(entered, [decision.run]))
    except EffectRefused as refusal:
        reason, callers_fault = str(refusal), isinstance(refusal, _RequestRefused)
    else:
        return decision, publisher
    run, attempt = decision.run, decision.deciding
    assert attempt is not None
    failed = attempts.refused(attempt, run.script, reason, callers_fault=callers_fault)
    decision = replace(decision, attempts=[*decision.attempts[:-1], failed])
    if not callers_fault and attempt.role != Role.BUILT_IN and run.trigger not in recovery.NO_SCRIPT_FALLBACK:
        built_in = attempts.run_built_in(run)
        if built_in is not None:
            decision = replace(decision, attempts=[*decision.attempts, built_in])
            if acts(decision):
                return apply_or_fall_back(decision, Publisher(run))
    return decision, Publisher(run)
