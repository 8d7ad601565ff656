"""The trusted end of host calls: what a script asks of its module is checked, carried out or held, and recorded."""

from __future__ import annotations

import contextlib
import functools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from scripting.modules.calls import ArgumentsRefused, CallContext, CallRefused
from scripting.modules.scriptable import ExposedFunction, ScriptableModule
from scripting.sandbox.protocol import ValueProblem, decode_value, encode_value
from scripting.supervisor.pool import HostCall, HostCallRefused, HostFunction
from scripting.telemetry import spans
from scripting.texts.escaping import display, visible
from scripting.types import HostCallRecord

MAX_RECORDED_BYTES = 1 << 20
"""Arguments and answers of one run together; the record of a run must stay something a database row can hold."""

MAX_SHOWN = 600
"""Characters of an argument in a call written for people."""

_NOTHING = encode_value(None)
_KINDS = {kind: {"goby.function.kind": kind} for kind in ("pure", "read")}


@dataclass(frozen=True)
class Effect:
    """A command that a script gave, held until its run has succeeded."""

    function: ExposedFunction
    arguments: Mapping[str, Any]

    def carry_out(self, context: CallContext) -> None:
        """Inside the recording transaction. Raises EffectRefused."""
        with spans.inner(f"effect {self.function.name}"):
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
        self._module = module
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
        with spans.inner(f"call {function.name}", _KINDS[function.kind]):
            return encode_value(function.call(self._context, arguments))

    def _record(self, record: HostCallRecord) -> None:
        self._recorded += len(record.arguments) + len(record.answer or b"")
        if self._recorded > MAX_RECORDED_BYTES:
            raise HostCallRefused(f"host calls of one run may exchange {MAX_RECORDED_BYTES} bytes at the most")
        self.calls.append(record)


class RecordedHost(Host):
    """Answers the host calls of a run from a recording: what was answered then is answered again.

    A pure function and an effect that the recording does not hold need no state of the game: they are as in any run. A read
    that it does not hold is refused, and `left` says which.
    """

    def __init__(
        self,
        recording: Sequence[HostCallRecord],
        module: ScriptableModule | None,
        context: CallContext,
    ) -> None:
        super().__init__(module, context)
        self.left = ""
        """Where the run left the recording, as `call 2: get_score()`; empty if it did not."""
        self._held: dict[tuple[str, bytes], deque[HostCallRecord]] = {}
        self._whatever: dict[str, HostCallRecord] = {}
        """Records without arguments, as cases have them: they answer any call that the recording does not hold."""
        for record in recording:
            if record.arguments:
                self._held.setdefault(_key(record, module), deque()).append(record)
            else:
                self._whatever[record.name] = record

    def _answer(self, function: ExposedFunction, raw: bytes) -> bytes:
        held = self._held.get(_key(HostCallRecord(function.name, function.kind, raw), self._module))
        if held is None and function.name in self._whatever:
            function.bind(raw)
            held = deque([self._whatever[function.name]])
        if held is None:
            if function.kind != "read":
                return super()._answer(function, raw)
            function.bind(raw)  # arguments that do not fit are the script's fault, whatever was recorded
            asked = in_words(HostCallRecord(function.name, function.kind, raw))
            self.left = self.left or f"call {len(self.calls) + 1}: {asked}"
            raise CallRefused(f"the recording holds no answer to {asked}")
        record = held.popleft() if len(held) > 1 else held[0]  # within a run, the game stays as it was read last
        if record.answer is None:
            raise CallRefused(record.error)
        return super()._answer(function, raw) if function.kind == "effect" else record.answer


class SimulatedHost(Host):
    """Answers the host calls of a run in a simulated play: a read is asked of the play, as (function, arguments by name)."""

    def __init__(
        self, module: ScriptableModule, context: CallContext, reads: Callable[[str, Mapping[str, Any]], Any]
    ) -> None:
        super().__init__(module, context)
        self._reads = reads

    def _answer(self, function: ExposedFunction, raw: bytes) -> bytes:
        if function.kind != "read":
            return super()._answer(function, raw)
        return encode_value(self._reads(function.name, function.bind(raw)))


@dataclass(frozen=True)
class Call:
    """A host call as data: arguments by name, defaults filled in; as they were given where they do not fit the function."""

    name: str
    arguments: Mapping[str, Any]


def call_of(record: HostCallRecord, module: ScriptableModule | None) -> Call:
    """The same call is the same data, whether arguments were given by place or by name."""
    function = module.functions.get(record.name) if module else None
    if function is not None:
        with contextlib.suppress(CallRefused, ValueProblem, msgspec.MsgspecError, TypeError):
            arguments = msgspec.to_builtins(function.bind(record.arguments), builtin_types=(bytes,))
            return Call(record.name, arguments)
    positional, named = decode_value(record.arguments)
    return Call(record.name, {str(at): value for at, value in enumerate(positional)} | named)


def in_words(record: HostCallRecord, mask: Callable[[Any], Any] = lambda value: value) -> str:
    """A call as people write it: `get_score("ada", last=3)`."""
    positional, named = decode_value(record.arguments)
    given = [display(item, MAX_SHOWN) for item in mask(positional)]
    given += [f"{visible(name)}={display(value, MAX_SHOWN)}" for name, value in mask(named).items()]
    return f"{record.name}({', '.join(given)})"


def _key(record: HostCallRecord, module: ScriptableModule | None) -> tuple[str, bytes]:
    return record.name, _sorted.encode(call_of(record, module).arguments)


_sorted = msgspec.msgpack.Encoder(order="sorted")


@functools.lru_cache(maxsize=64)
def host_functions(module: ScriptableModule | None) -> tuple[HostFunction, ...]:
    """The module's functions as the sandbox is told of them: their names become globals of the script."""
    if module is None:
        return ()
    return tuple(HostFunction(f.name, f.kind, f.signature, f.doc, f.taken) for f in module.functions.values())
