"""Decide the events of simulated plays by any bundles, in warm sandboxes of this process. Nothing takes effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from scripting.bus.events import Event
from scripting.execution.comparison import effects_of
from scripting.modules.calls import CallContext
from scripting.modules.scriptable import ExposedFunction, ScriptableModule
from scripting.modules.simulation import PLAY_CLOCK_US, Reads, seed_of
from scripting.registry.resolved import ResolvedScript
from scripting.runtime.host_calls import Host, host_functions
from scripting.runtime.pool import get_pool
from scripting.sandbox.protocol import decode_trusted, encode_value
from scripting.supervisor.interface import Cancellation
from scripting.supervisor.pool import RunRequest
from scripting.types import Bundle, PlayDecision, PlayEffect, SecurityLimits, VersionInfo

_encode = msgspec.msgpack.Encoder().encode


class PlayCancelled(Exception):
    """Somebody cancelled the play; nothing is known of it."""


@dataclass(frozen=True)
class PlayScript:
    """A script under test: what decides, and what decides where that fails, in order. Empty: the built-in rule alone."""

    bundles: tuple[tuple[VersionInfo, Bundle], ...]
    limits: SecurityLimits

    @classmethod
    def of(cls, script: ResolvedScript) -> PlayScript:
        """As it runs now: its active version, then its fallbacks."""
        versions = (script.active, *script.fallbacks) if script.enabled else ()
        return cls(tuple((version.info, version.bundle) for version in versions), script.limits)

    def led_by(self, info: VersionInfo, bundle: Bundle) -> PlayScript:
        """The same with another text first, as if that were published: what decides now is its first fallback then."""
        return replace(self, bundles=((info, bundle), *self.bundles))


class PlayDecider:
    """Decides one play of `module`: a `Decide`. Scripts that `scripts` does not name are decided by the built-in rule."""

    def __init__(
        self,
        module: ScriptableModule,
        scripts: Mapping[str, PlayScript],
        seed: int,
        cancellation: Cancellation | None = None,
    ) -> None:
        self.decisions = 0
        self._module = module
        self._scripts = scripts
        self._seed = seed
        self._functions = host_functions(module)
        self._cancellation = cancellation

    def __call__(
        self,
        script: str,
        topic: str,
        payload: Mapping[str, Any],
        reads: Reads,
        *,
        call: CallContext | None = None,
        clock_us: int | None = None,
    ) -> PlayDecision:
        """Raises SupervisorError for what is ours, PlayCancelled, and whatever `reads` raises beyond CallRefused."""
        if call is None:
            dice = f"{self._seed}:{self.decisions}"
            call = CallContext(self._module.name, script, dice, topic, payload, dice=dice)
        self.decisions += 1
        under_test = self._scripts.get(script)
        if under_test is None or not under_test.bundles:
            return PlayDecision(ok=False)
        clock = PLAY_CLOCK_US if clock_us is None else clock_us
        request = RunRequest(self._inputs(call, clock), seed_of(call.dice, script), clock, self._functions)
        first = ""
        for number, (info, bundle) in enumerate(under_test.bundles):
            host = _PlayHost(self._module, call, reads)
            outcome = get_pool().run(bundle, request, under_test.limits, host=host, cancellation=self._cancellation)
            if outcome.cancelled:
                raise PlayCancelled
            if outcome.error is None:
                effects = tuple(PlayEffect(one.name, one.arguments) for one in effects_of(host.calls, self._module))
                result = None if outcome.result is None else decode_trusted(outcome.result)
                return PlayDecision(result, effects, True, "fallback" if number else "primary", info, first)
            first = first or str(outcome.error)
        return PlayDecision(ok=False, error=first)

    def _inputs(self, call: CallContext, clock_us: int) -> bytes:
        """As a run on the live event has them."""
        event = Event(
            id=call.execution_id,
            topic=call.topic,
            payload=dict(call.payload),
            subscribers=[],
            key=call.key,
            metadata=dict(call.metadata),
            depth=call.depth,
            published_us=clock_us,
        )
        return _encode(event.script_context(self._module.name))


class _PlayHost(Host):
    """Answers functions that read the game from the state of the play."""

    def __init__(self, module: ScriptableModule, call: CallContext, reads: Reads) -> None:
        super().__init__(module, call)
        self._reads = reads

    def _answer(self, function: ExposedFunction, raw: bytes) -> bytes:
        if function.kind == "read":
            return encode_value(self._reads(function.name, function.bind(raw)))
        return super()._answer(function, raw)
