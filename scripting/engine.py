"""ScriptEngine: runs a script by name or any text as a trial, and says what came of it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from asgiref.sync import sync_to_async

from scripting.bus.events import Event
from scripting.conf import conf
from scripting.execution import attempts, ledger, recovery
from scripting.execution.admission import ExecutionContext, ExecutionContextManager
from scripting.execution.attempts import RunInputs
from scripting.execution.decision import Decision, output_of
from scripting.execution.running import Board, RunningExecution, ask_to_cancel, running_everywhere
from scripting.modules.calls import CallContext
from scripting.modules.installed import limits_for, modules
from scripting.registry import publishing
from scripting.registry.active import registry
from scripting.registry.bundles import helpers_for
from scripting.registry.resolved import ActiveVersion, ScriptNotFound
from scripting.sandbox.protocol import ValueProblem
from scripting.supervisor.pool import CheckReport
from scripting.types import (
    Bundle,
    ErrorType,
    ExecutionRequest,
    ScriptError,
    ScriptInput,
    ScriptOutput,
    SecurityLimits,
    Source,
    VersionInfo,
)


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
        with self._admit(request) as context:
            try:
                decision = self._decide(request, context)
            except ScriptNotFound as error:
                return _refusal(ErrorType.NOT_FOUND, str(error), request)
            except ValueProblem as error:
                return _refusal(ErrorType.EXECUTION, f"inputs: {error}", request)
            [recorded] = ledger.commit([decision])
            return recorded.output()

    async def aexecute(self, request: ExecutionRequest) -> ScriptOutput:
        """`execute` without blocking the event loop."""
        return await sync_to_async(self.execute, thread_sensitive=False)(request)

    def decide(
        self,
        request: ExecutionRequest,
        *,
        before_read: Callable[[], None] | None = None,
        event: Event | None = None,
    ) -> Decision:
        """Run and recover, writing nothing: for callers that commit many decisions at once with `ledger.commit`.

        Raises ScriptNotFound, ValueProblem for inputs that are no plain data, and our own failures.
        """
        with self._admit(request) as context:
            return self._decide(request, context, before_read, event)

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
    ) -> ScriptOutput:
        """Run any text as a trial: effects are listed, not carried out; nothing is recorded.

        Never raises for what the text or its inputs are. `execution_id` is what `cancel` knows it by; one of its own without.
        """
        module = modules.get(module_name)
        request = ExecutionRequest(module_name, name, input or ScriptInput(), limits=limits, execution_id=execution_id)
        label = f"{module_name}/{name}" if module_name else name
        text = Source(label, language, source)
        bundle = Bundle(text, helpers_for(text))
        version = ActiveVersion(0, VersionInfo(0, bundle.digest, "trial", language), bundle)
        try:
            inputs = RunInputs.prepare(request.input.context, request.input.seed, request.input.clock_us)
        except ValueProblem as error:
            return _refusal(ErrorType.EXECUTION, f"inputs: {error}", request)
        with self._admit(request) as running:
            context = CallContext(module_name, name, running.id, trial=True)
            attempt = attempts.run_version(
                version,
                "primary",
                inputs,
                limits or limits_for(module, conf.default_limits(), {}),
                module,
                context,
                cancellation=running.cancellation,
            )
        return output_of(attempt, "cancelled" if attempt.cancelled else None, None, inputs)

    def check(
        self, source: str, language: str = "python", *, module_name: str = "", name: str = "trial"
    ) -> CheckReport:
        """Compile without running, in a sandbox: diagnostics with line, column and what to write instead."""
        return publishing.check(module_name, name, language, source)

    def running(self) -> list[RunningExecution]:
        """What every process runs now, but for the last quarter of a second. Raises redis.RedisError."""
        return running_everywhere()

    def cancel(self, execution_id: str) -> None:
        """Stop a running execution wherever it runs; its status becomes `cancelled` and nothing it did is kept.

        An id that runs nowhere is no error: it may have ended meanwhile. Raises redis.RedisError.
        """
        if not self.contexts.cancel(execution_id):
            ask_to_cancel(execution_id)

    @contextlib.contextmanager
    def _admit(self, request: ExecutionRequest) -> Iterator[ExecutionContext]:
        self._board.start()
        with self.contexts.admit(request) as context:
            yield context

    def _decide(
        self,
        request: ExecutionRequest,
        running: ExecutionContext,
        before_read: Callable[[], None] | None = None,
        event: Event | None = None,
    ) -> Decision:
        started = datetime.now(UTC)
        script = self.registry.resolve(request.module_name, request.script_name)
        inputs = RunInputs.prepare(
            request.input.context, request.input.seed, request.input.clock_us, plain=event is not None
        )
        context = _call_context(request, running.id, event)
        attempts = list(
            recovery.attempts(
                script,
                inputs,
                request.limits or script.limits,
                modules.get(request.module_name),
                context,
                trigger=request.trigger,
                cancellation=running.cancellation,
                before_read=before_read,
            )
        )
        return Decision(request, script, inputs, context, attempts, started, datetime.now(UTC), event)


def _call_context(request: ExecutionRequest, execution_id: str, event: Event | None) -> CallContext:
    return CallContext(
        request.module_name,
        request.script_name,
        execution_id,
        request.topic,
        event.payload if event else {},
        event.metadata if event else {},
        request.key,
        request.depth,
        request.user_id,
        request.request_id,
    )


def _refusal(kind: ErrorType, message: str, request: ExecutionRequest) -> ScriptOutput:
    script = f"{request.module_name}/{request.script_name}"
    return ScriptOutput(error=ScriptError(kind, message, script), status="failed")


@functools.cache
def get_engine() -> ScriptEngine:
    """This process's engine."""
    return ScriptEngine()
