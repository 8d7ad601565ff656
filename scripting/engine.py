"""ScriptEngine: run a script by name, a subscriber of an event, or any text as a trial. The names of `__all__` are stable."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from asgiref.sync import sync_to_async

from scripting import clock
from scripting.bus.events import Event
from scripting.execution import ledger, recovery, traced
from scripting.execution.admission import Admission, ExecutionContext, ExecutionContextManager, TooManyExecutions
from scripting.execution.attempts import run_version
from scripting.execution.decision import Decision
from scripting.execution.rows import refused_request_row
from scripting.execution.run import Run, asked_by, caused_by, run_of_event, run_of_request, tried_by
from scripting.execution.running import Board, RunningExecution, ask_to_cancel, running_everywhere
from scripting.models import Execution, Role, Script
from scripting.models.ids import uuid7_texts
from scripting.modules.calls import CallContext
from scripting.modules.installed import limits_for, modules
from scripting.registry import publishing
from scripting.registry.active import ScriptRegistry, registry
from scripting.registry.bundles import bundle_for
from scripting.registry.resolved import ActiveVersion, ResolvedScript, ScriptNotFound
from scripting.runtime.host_calls import host_functions
from scripting.runtime.pool import get_pool
from scripting.sandbox.protocol import ValueProblem
from scripting.supervisor.pool import Cancellation, CheckReport, RunOutcome
from scripting.telemetry import spans
from scripting.types import (
    ErrorType,
    ExecutionRequest,
    HostCallRecord,
    ScriptError,
    ScriptInput,
    ScriptOutput,
    SecurityLimits,
    Source,
    VersionInfo,
)

if TYPE_CHECKING:
    from scripting.sandbox.languages.engine import LanguageEngine
    from scripting.sandbox.languages.factory import EngineFactory
else:

    def __getattr__(name: str) -> Any:
        """Import the compiling parts on first use: a process that only runs scripts never needs them."""
        places = {"LanguageEngine": "engine", "EngineFactory": "factory"}
        if name not in places:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"scripting.sandbox.languages.{places[name]}"), name)


__all__ = [
    "CheckReport",
    "EngineFactory",
    "ExecutionContext",
    "ExecutionContextManager",
    "LanguageEngine",
    "RunningExecution",
    "Script",
    "ScriptEngine",
    "ScriptNotFound",
    "ScriptRegistry",
    "TooManyExecutions",
    "get_engine",
    "registry",
]

QUEUE_SECONDS = 1.0
"""An event waits so long for a place among the executions of its process."""


class RunAhead(NamedTuple):
    """A run on an event that was made along with others, and is not decided yet."""

    context: ExecutionContext
    run: Run
    outcome: RunOutcome


class ScriptEngine:
    """One interface whatever the language (requirement 1.3). Thread-safe; one per process: `get_engine()`."""

    def __init__(self) -> None:
        self.contexts = ExecutionContextManager()
        self.registry = registry
        self._board = Board(self.contexts)

    def execute(self, request: ExecutionRequest) -> ScriptOutput:
        """Run a script on its active version; its Execution is committed when this returns.

        What the script does wrong is in the output's `error`. Raises TooManyExecutions, and our own failures.
        """
        with self._admit(asked_by(request), request.trigger, request.queue_deadline) as admitted:
            began = clock.now()  # before the look: a version acknowledged by then is the one that runs
            try:
                script = self.registry.resolve(request.module_name, request.script_name)
                run = run_of_request(admitted, script, request, began)
            except (ScriptNotFound, ValueProblem) as error:
                return _refusal(error, request)
            decision = traced.decide(run)
            [recorded] = ledger.commit([decision])
            return recorded.output()

    def refuse(self, request: ExecutionRequest, reason: str) -> ScriptOutput:
        """Record a request that its caller must mend, and run nothing: no fault of the script's version."""
        call = asked_by(request)
        error = ScriptError(ErrorType.EXECUTION, reason, f"{request.module_name}/{request.script_name}")
        try:
            script = self.registry.resolve(request.module_name, request.script_name)
            row = refused_request_row(call, script.id, request.trigger, request.input.context, reason)
        except (ScriptNotFound, ValueProblem):
            return ScriptOutput(error=error, status=Execution.Status.SKIPPED, refused=True)
        ledger.record_refused_request(row, str(script))
        return ScriptOutput(error=error, status=Execution.Status.SKIPPED, execution_id=call.execution_id, refused=True)

    async def aexecute(self, request: ExecutionRequest) -> ScriptOutput:
        """`execute` without blocking the event loop."""
        return await sync_to_async(self.execute, thread_sensitive=False)(request)

    def decide(
        self,
        event: Event,
        module: str,
        script: str,
        *,
        deliveries: int = 1,
        before_read: Callable[[], None] | None = None,
    ) -> Decision:
        """Run a subscriber of an event, writing nothing: a drain commits many decisions at once with `ledger.commit`.

        Raises ScriptNotFound, TooManyExecutions, and our own failures.
        """
        with self._admit(caused_by(event, module, script), Execution.Trigger.EVENT, QUEUE_SECONDS) as admitted:
            began = clock.now()  # before the look: a version acknowledged by then is the one that runs
            resolved = self.registry.resolve(module, script)
            run = run_of_event(admitted, resolved, event, began, deliveries=deliveries, before_read=before_read)
            return traced.decide(run)

    def run_ahead(
        self,
        events: Sequence[Event],
        module: str,
        script: str,
        *,
        before_read: Callable[[], None] | None = None,
    ) -> list[RunAhead]:
        """Run a subscriber of the first of these events, as many as its sandbox takes in one exchange; `decided` makes decisions of the runs.

        None where runs are not sent ahead: where the script calls functions of its module, takes long or does badly, or runs are traced.
        Nothing has come of those left out, nor of a run that is not decided.
        """
        if spans.on():
            return []
        self._board.start()
        began = clock.now()  # before the look: a version acknowledged by then is the one that runs
        resolved = self.registry.resolve(module, script)
        if not resolved.enabled or resolved.breaker is not None:
            return []
        of_key = functools.cache(resolved.for_key)  # it may ask the module, and the module its database
        bundle = of_key(events[0].key).active.bundle
        most = get_pool().most_ahead(bundle, host_functions(modules.get(module)), resolved.limits)
        if most < 2:
            return []
        trigger = Execution.Trigger.EVENT
        events = events[:most]
        ids = uuid7_texts(len(events))
        calls = [caused_by(event, module, script, given) for event, given in zip(events, ids, strict=True)]
        row = [self.contexts.context(call, trigger) for call in calls]
        with self.contexts.admit_row(row, QUEUE_SECONDS):
            runs = [
                run_of_event(context, of_key(event.key), event, began, deliveries=1, before_read=before_read)
                for event, context in zip(events, row, strict=True)
            ]
            runs = list(takewhile(lambda run: run.script.active.bundle is bundle, runs))
            if len(runs) < 2:  # its key may have come to another segment meanwhile
                return []
            requests = [run.request for run in runs]
            outcomes = get_pool().run_ahead(bundle, requests, resolved.limits, [run.cancellation for run in runs])
        return [RunAhead(*one) for one in zip(row, runs, outcomes, strict=False)]

    def decided(self, ahead: RunAhead) -> Decision:
        """The decision of a run that was made ahead, with what further attempts it takes; writes nothing. Raises as `decide` does."""
        if ahead.outcome.error is None:
            return recovery.decide(ahead.run, ahead.outcome)
        with self.contexts.admit_row([ahead.context], QUEUE_SECONDS):
            return recovery.decide(ahead.run, ahead.outcome)

    def supersede(self, event: Event, module: str, script: str, newer: str, *, deliveries: int = 1) -> Decision:
        """The decision that a subscriber of an event does not run, since the event `newer` will tell it all that this one does.

        Raises ScriptNotFound.
        """
        trigger = Execution.Trigger.EVENT
        context = ExecutionContext(caused_by(event, module, script), trigger, clock.seconds(), Cancellation())
        began = clock.now()
        resolved = self.registry.resolve(module, script)
        run = run_of_event(context, resolved, event, began, deliveries=deliveries, before_read=None)
        return Decision(run, [], clock.now(), superseded_by=newer)

    def execute_source(
        self,
        source: str,
        language: str = "python",
        *,
        input: ScriptInput | None = None,  # noqa: A002 - the field's name in ExecutionRequest
        limits: SecurityLimits | None = None,
        module_name: str = "",
        name: str = "trial",
        execution_id: str | None = None,
        recording: Sequence[HostCallRecord] | None = None,
        traces: bool = False,
    ) -> ScriptOutput:
        """Run any text as a trial: effects are listed, not carried out; nothing is recorded.

        Never raises for what the text or its inputs are. `execution_id` is what `cancel` knows it by; one of its own without.
        With the host calls of a recorded run as `recording`, functions that read the game answer as they did then.
        With `traces` the output tells line by line what the text did.
        """
        request = ExecutionRequest(module_name, name, input or ScriptInput(), limits=limits, execution_id=execution_id)
        script = _trial_script(module_name, name, Source(_label(module_name, name), language, source))
        with self._admit(tried_by(request), request.trigger) as admitted:
            try:
                run = run_of_request(admitted, script, request, clock.now())
            except ValueProblem as error:
                return _refusal(error, request)
            request_traced = msgspec.structs.replace(run.request, traces=traces)
            run = msgspec.structs.replace(run, recording=recording, request=request_traced)
            attempt = run_version(run, script.active, Role.PRIMARY)
            return Decision(run, [attempt], clock.now()).output()

    def check(
        self, source: str, language: str = "python", *, module_name: str = "", name: str = "trial"
    ) -> CheckReport:
        """Compile without running, in a sandbox: diagnostics with line, column and what to write instead."""
        return publishing.check(module_name, name, language, source)

    def running(self) -> list[RunningExecution]:
        """Executions that run now in every process, up to a quarter of a second old. Raises redis.RedisError."""
        return running_everywhere()

    def cancel(self, execution_id: str) -> None:
        """Stop a running execution wherever it runs; its status becomes `cancelled` and nothing it did is kept.

        An id that runs nowhere is no error: it may have ended meanwhile. Raises redis.RedisError.
        """
        if not self.contexts.cancel(execution_id):
            ask_to_cancel(execution_id)

    def _admit(self, call: CallContext, trigger: str, queue_deadline: float = 0.0) -> Admission:
        self._board.start()
        return self.contexts.admit(call, trigger, queue_deadline)


def _trial_script(module: str, name: str, text: Source) -> ResolvedScript:
    """A text that is stored nowhere, as a script whose only version it is."""
    bundle = bundle_for(text)
    version = ActiveVersion(0, VersionInfo(0, bundle.digest, "trial", text.language), bundle)
    limits = limits_for(module)
    return ResolvedScript(0, module, name, enabled=True, active=version, limits=limits, fallbacks=())


def _label(module: str, name: str) -> str:
    return f"{module}/{name}" if module else name


def _refusal(error: ScriptNotFound | ValueProblem, request: ExecutionRequest) -> ScriptOutput:
    """The answer to a request that cannot be run at all; nothing is recorded."""
    match error:
        case ScriptNotFound():
            kind, message = ErrorType.NOT_FOUND, str(error)
        case ValueProblem():
            kind, message = ErrorType.EXECUTION, f"inputs: {error}"
    script = f"{request.module_name}/{request.script_name}"
    refused = isinstance(error, ValueProblem)
    return ScriptOutput(error=ScriptError(kind, message, script), status="failed", refused=refused)


@functools.cache
def get_engine() -> ScriptEngine:
    """This process's engine."""
    return ScriptEngine()
