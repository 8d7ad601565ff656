"""Decisions of a simulated play: the scripts under test are asked in warm sandboxes, on dice that follow from the play's seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from scripting.bus.events import Event
from scripting.evidence.decide import Decider
from scripting.execution.comparison import Failure
from scripting.models import Role
from scripting.modules.calls import CallContext
from scripting.modules.scriptable import ScriptableModule
from scripting.modules.simulation import PLAY_CLOCK_US, Reads, seed_of
from scripting.runtime.host_calls import SimulatedHost
from scripting.sandbox.protocol import encode_value
from scripting.supervisor.interface import Cancellation
from scripting.texts.escaping import one_line
from scripting.types import Bundle, ErrorType, PlayDecision, PlayEffect, ScriptError, SecurityLimits, VersionInfo

SHOWN = 300
"""Characters of an error that are kept; errors that begin alike are counted as one."""


class Contender(msgspec.Struct, frozen=True):
    """A bundle that decides in a play, or its fallback."""

    bundle: Bundle
    version: VersionInfo | None = None
    """None of a text that is no version."""


class Cancelled(Exception):
    """The play was cancelled, or its time was up, in the middle of a decision: nothing is known of it."""

    def __init__(self) -> None:
        super().__init__("its time was up: a script takes too long")


class Rules:
    """One side, ready to decide: of each script what decides, then its fallbacks. Several plays may ask at once."""

    def __init__(
        self,
        module: ScriptableModule,
        contenders: Mapping[str, Sequence[Contender]],
        limits: Mapping[str, SecurityLimits],
        cancellation: Cancellation,
    ) -> None:
        self.module = module
        self.cancellation = cancellation
        self.limits = limits
        self.deciders = {
            name: [(Decider(each.bundle, limits[name], module, cancellation), each.version) for each in few]
            for name, few in contenders.items()
        }


class Asking:
    """`decide` of one play: hand it to the module's `simulate`, and read afterwards what failed."""

    def __init__(self, rules: Rules, seed: int) -> None:
        self._rules = rules
        self._seed = seed
        self._asked = 0
        self.failures: Counter[str] = Counter()
        """Decisions of the version under test that failed or are not admitted, by script and error."""

    def __call__(
        self,
        script: str,
        topic: str,
        payload: Mapping[str, object],
        reads: Reads,
        *,
        call: CallContext | None = None,
        clock_us: int | None = None,
    ) -> PlayDecision:
        """See `Decide`. Raises Cancelled, SupervisorError for what is ours."""
        module, clock = self._rules.module, PLAY_CLOCK_US if clock_us is None else clock_us
        encode = _encode_plain  # a rehearsal has checked its event, as publishing a live one does
        if call is None:
            encode = encode_value
            dice = f"{self._seed}.{self._asked}"
            call = CallContext(module.name, script, dice, topic, payload, dice=dice)
        self._asked += 1
        inputs = _event(call, topic, payload, clock).script_context(module.name)
        encoded, seed = encode(inputs), seed_of(call.dice, script)
        role, error = Role.PRIMARY, ""
        for decider, version in self._rules.deciders.get(script, ()):
            if self._rules.cancellation.cancelled:
                raise Cancelled
            decided = decider.decide_with(call, encoded, seed, clock, partial(SimulatedHost, module, call, reads))
            if self._rules.cancellation.cancelled:
                raise Cancelled
            problem = str(decided.compared.error or "")
            if role == Role.PRIMARY and (why := problem or decided.refusal):
                self.failures[one_line(f"{script}: {why}", SHOWN)] += 1
            if not problem:  # what the module refuses it undoes itself
                effects = tuple(PlayEffect(each.name, each.arguments) for each in decided.compared.effects)
                return PlayDecision(decided.compared.result, effects, True, role.value, version, error)
            role, error = Role.FALLBACK, error or _as_applied(decided.compared.error)
        return PlayDecision(ok=False, error=error)


_encode_plain = msgspec.msgpack.Encoder().encode


def _as_applied(error: Failure | None) -> str:
    """A failure in the words in which a live outcome gives it to its module."""
    if error is None:
        return ""
    return str(ScriptError(ErrorType(error.type), error.message, error.script, error.line, error.column))


def _event(call: CallContext, topic: str, payload: Mapping[str, object], clock_us: int) -> Event:
    """The event that the decision is about, as a live one would reach the script."""
    return Event(
        id=call.execution_id,
        topic=topic,
        payload=dict(payload),
        subscribers=[],
        key=call.key,
        user_id=call.user_id,
        metadata=dict(call.metadata),
        depth=call.depth,
        published_us=clock_us,
    )
