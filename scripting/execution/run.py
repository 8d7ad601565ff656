"""A run: one value that holds what recovery, the sandbox and the record need, made once it is admitted."""

from __future__ import annotations

import functools
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from scripting import clock
from scripting.bus.events import Event
from scripting.execution.admission import ExecutionContext
from scripting.models.ids import uuid7_text
from scripting.modules.calls import CallContext
from scripting.modules.installed import modules
from scripting.modules.masking import Mask, mask_of_run
from scripting.modules.scriptable import ScriptableModule
from scripting.modules.simulation import seed_of
from scripting.registry.resolved import ResolvedScript
from scripting.runtime.host_calls import host_functions
from scripting.sandbox.protocol import encode_value
from scripting.supervisor.pool import Cancellation, RunRequest
from scripting.types import ExecutionRequest, HostCallRecord, SecurityLimits

logger = logging.getLogger(__name__)


class Run(msgspec.Struct, frozen=True):
    """One run of a script, from its admission to its record. A struct is made in a tenth of a dataclass' time."""

    call: CallContext
    """On whose behalf it runs, as its module is told."""
    trigger: str
    script: ResolvedScript
    module: ScriptableModule | None
    variables: Mapping[str, Any]
    """The script's context variables, by name."""
    request: RunRequest
    """The same encoded, with the seed and the clock: what makes the run repeatable."""
    limits: SecurityLimits
    cancellation: Cancellation
    started_at: datetime
    event: Event | None = None
    """The event that it runs on."""
    before_read: Callable[[], None] | None = None
    """Called before a function reads the game: what was decided earlier is committed first."""
    deliveries: int = 1
    recording: Sequence[HostCallRecord] | None = None
    """Of a trial: host calls of a recorded run, whose answers it gets. None: functions look at the game as it is now."""
    traceparent: str = ""
    """Its span of OpenTelemetry, or, until it has one, the span that this is to be below."""

    @property
    def mask(self) -> Mask:
        """For what people read of what the script wrote."""
        return mask_of_run(self.call.topic, self.variables)


# -- on whose behalf -----------------------------------------------------------------------------------------------------


def asked_by(request: ExecutionRequest) -> CallContext:
    """On whose behalf the script of a request runs."""
    return CallContext(
        request.module_name,
        request.script_name,
        request.execution_id or uuid7_text(),
        request.topic,
        key=request.key,
        depth=request.depth,
        user_id=request.user_id,
        request_id=request.request_id,
    )


def tried_by(request: ExecutionRequest) -> CallContext:
    """On whose behalf a trial runs: on that of the event which its inputs are, so that it reads what a real run would."""
    return on_inputs(replace(asked_by(request), trial=True), request.input.context)


def on_inputs(call: CallContext, variables: Any) -> CallContext:
    """The call on behalf of the event that these context variables are of; unchanged where they are of none."""
    message = variables.get("message") if isinstance(variables, Mapping) else None
    if not isinstance(message, Mapping):
        return call
    topic, payload, metadata = (message.get(name) for name in ("topic", "payload", "metadata"))
    metadata = metadata if isinstance(metadata, Mapping) else {}
    key = metadata.get("key")
    return replace(
        call,
        topic=topic if isinstance(topic, str) else "",
        payload=payload if isinstance(payload, Mapping) else {},
        metadata=metadata,
        key=key if isinstance(key, str) else "",
    )


def caused_by(event: Event, module: str, script: str, execution_id: str = "") -> CallContext:
    """On whose behalf a subscriber of an event runs; under an id of its own where none is given."""
    return CallContext(
        module,
        script,
        execution_id or uuid7_text(),
        event.topic,
        event.payload,
        event.metadata,
        event.key,
        event.depth,
        event.user_id,
        event.request_id,
        event.dice,
    )


# -- once it is admitted -------------------------------------------------------------------------------------------------


def run_of_request(
    admitted: ExecutionContext, script: ResolvedScript, request: ExecutionRequest, began: datetime
) -> Run:
    """Raises ValueProblem, naming the path, for inputs that are no plain data. `began` is from before the script was looked up."""
    given = request.input
    module = modules.get(script.module)
    script = script.for_key(admitted.call.key)
    seed = _seed() if given.seed is None else given.seed
    clock_us = _clock_us() if given.clock_us is None else given.clock_us
    return Run(
        admitted.call,
        admitted.trigger,
        script,
        module,
        given.context,
        RunRequest(encode_value(given.context), seed, clock_us, host_functions(module)),
        request.limits or script.limits,
        admitted.cancellation,
        began,
    )


def run_of_event(
    admitted: ExecutionContext,
    script: ResolvedScript,
    event: Event,
    began: datetime,
    *,
    before_read: Callable[[], None] | None,
    deliveries: int,
) -> Run:
    """An event was checked when it was published: it is plain data. `began` is from before the script was looked up."""
    module = modules.get(script.module)
    if module is None:
        _tell_not_installed(script.module)
    script = script.for_key(event.key)
    variables = event.script_context(script.module)
    seed = seed_of(event.dice, script.name) if event.dice else _seed()
    return Run(
        admitted.call,
        admitted.trigger,
        script,
        module,
        variables,
        RunRequest(_encode_plain(variables), seed, _clock_us(), host_functions(module)),
        script.limits,
        admitted.cancellation,
        began,
        event,
        before_read,
        deliveries,
        traceparent=event.traceparent or "",
    )


@functools.cache
def _tell_not_installed(module: str) -> None:
    """Say so once in a process: a module may have been taken out or renamed, or its code may be newer than this process."""
    logger.warning(
        "events run scripts of %s, a module that is not installed in this process: without its functions and its built-in rule, "
        "and no outcome is applied. Install it and start this process anew, or take its scripts off their topics",
        module,
    )


_encode_plain = msgspec.msgpack.Encoder().encode


def _seed() -> int:
    return random.getrandbits(63)


def _clock_us() -> int:
    return clock.time_ns() // 1000
