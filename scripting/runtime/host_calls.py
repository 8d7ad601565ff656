"""The trusted end of host calls: what a script asks of its module is checked, carried out or held, and recorded."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripting.modules.calls import ArgumentsRefused, CallContext, CallRefused
from scripting.modules.scriptable import ExposedFunction, ScriptableModule
from scripting.sandbox.protocol import ValueProblem, decode_value, encode_value
from scripting.supervisor.pool import HostCall, HostCallRefused, HostFunction
from scripting.types import HostCallRecord

MAX_RECORDED_BYTES = 1 << 20
"""Arguments and answers of one run together; the record of a run must stay something a database row can hold."""

_NOTHING = encode_value(None)


@dataclass(frozen=True)
class Effect:
    """A command that a script gave, held until its run has succeeded."""

    function: ExposedFunction
    arguments: Mapping[str, Any]

    def carry_out(self, context: CallContext) -> None:
        """Inside the recording transaction. Raises EffectRefused."""
        self.function.call(context, self.arguments)


@dataclass(frozen=True)
class RefusedCall:
    """The last call that the module refused: why, and the values that it was called with."""

    message: str
    values: Any
    misfit: bool
    """Whether the arguments do not fit the function at all; `values` are then those that do not."""


class Host:
    """Answers the host calls of one attempt; give it to the pool as `host`."""

    def __init__(
        self, module: ScriptableModule | None, context: CallContext, before_read: Callable[[], None] | None = None
    ) -> None:
        self.calls: list[HostCallRecord] = []
        self.effects: list[Effect] = []
        self.refused: RefusedCall | None = None
        self._functions = module.functions if module else {}
        self._context = context
        self._before_read = before_read
        self._recorded = 0

    def __call__(self, call: HostCall) -> bytes:
        """Raises HostCallRefused where the script is at fault; any other exception is ours."""
        function = self._functions.get(call.name)
        if function is None:
            raise HostCallRefused(f"{call.name}() is not exposed by module {self._context.module}")
        try:
            answer = self._answer(function, call.arguments)
        except (CallRefused, ValueProblem) as error:
            match error:
                case ArgumentsRefused():
                    self.refused = RefusedCall(str(error), error.value, misfit=True)
                case CallRefused():
                    self.refused = RefusedCall(str(error), decode_value(call.arguments), misfit=False)
            self._record(HostCallRecord(call.name, function.kind, call.arguments, None, str(error)))
            raise HostCallRefused(str(error)) from None
        self._record(HostCallRecord(call.name, function.kind, call.arguments, answer))
        return answer

    def _answer(self, function: ExposedFunction, raw: bytes) -> bytes:
        arguments = function.bind(raw)
        if function.kind == "effect":
            self.effects.append(Effect(function, arguments))
            return _NOTHING
        if function.kind == "read" and self._before_read is not None:
            self._before_read()
        return encode_value(function.call(self._context, arguments))

    def _record(self, record: HostCallRecord) -> None:
        self._recorded += len(record.arguments) + len(record.answer or b"")
        if self._recorded > MAX_RECORDED_BYTES:
            raise HostCallRefused(f"host calls of one run may exchange {MAX_RECORDED_BYTES} bytes at the most")
        self.calls.append(record)


class RecordedHost:
    """Answers the host calls of a replay as they were answered when the run was recorded."""

    def __init__(self, calls: Sequence[HostCallRecord]) -> None:
        self.calls: list[HostCallRecord] = []
        self._recorded = iter(calls)

    def __call__(self, call: HostCall) -> bytes:
        """Raises HostCallRefused as recorded, or where this run calls something else than the recorded one did."""
        recorded = next(self._recorded, None)
        if recorded is None or (recorded.name, recorded.arguments) != (call.name, call.arguments):
            expected = f"{recorded.name}() with other arguments" if recorded else "nothing more"
            raise HostCallRefused(f"the recorded run called {expected} here, this one calls {call.name}()")
        self.calls.append(recorded)
        if recorded.answer is None:
            raise HostCallRefused(recorded.error)
        return recorded.answer


@functools.lru_cache(maxsize=64)
def host_functions(module: ScriptableModule | None) -> tuple[HostFunction, ...]:
    """The module's functions as the sandbox is told of them: their names become globals of the script."""
    if module is None:
        return ()
    return tuple(HostFunction(f.name, f.kind, f.signature, f.doc, f.taken) for f in module.functions.values())
