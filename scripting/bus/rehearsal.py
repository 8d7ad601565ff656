"""The bus of a simulated play: events in memory, decided and applied in the order in which a worker would take them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from msgspec import UNSET, structs

from scripting.bus.events import Event
from scripting.bus.publishing import checked_payload, max_depth
from scripting.models.execution import REFUSED
from scripting.modules.calls import CallContext, EffectRefused, Outcome
from scripting.modules.installed import modules
from scripting.modules.scriptable import ScriptableModule
from scripting.modules.simulation import PLAY_CLOCK_US, Decide, dice_after
from scripting.modules.topics import TopicError
from scripting.subscriptions.subscribed import Subscriptions, table
from scripting.types import ErrorType, PlayDecision, ScriptError

State = TypeVar("State")

MAX_EVENTS = 20_000
"""Events that one play may publish: scripts that set each other off without end shall not."""


class Rehearsal(ABC, Generic[State]):
    """One simulated play. Subclass it: `apply`, `effect` and `read` act on `state`, which they replace and never change in place.

    What the module refuses is undone by that, and decided by its built-in rule, as in a live play.
    """

    def __init__(
        self,
        module: ScriptableModule,
        decide: Decide,
        state: State,
        *,
        key: str = "",
        metadata: Mapping[str, Any] | None = None,
        clock_us: int = PLAY_CLOCK_US,
        segment: str = "",
    ) -> None:
        self.state = state
        self.clock_us = clock_us
        """The time on scripts' clocks, in microseconds since 1970 UTC; the play may move it on."""
        self._module = module
        self._decide = decide
        self._key = key
        self._metadata = dict(metadata or {})
        self._subscriptions: dict[str, Subscriptions] = {}
        """By topic, as they were when the play first asked: nothing changes under it."""
        self._segment = segment
        self._waiting: deque[Event] = deque()
        self._published = 0

    # -- for the module to fill in -------------------------------------------------------------------------------------

    @abstractmethod
    def apply(self, outcome: Outcome) -> None:
        """Change the state as the outcome says, as the module's own `apply` changes the game. Raises EffectRefused."""

    def effect(self, call: CallContext, name: str, arguments: Mapping[str, Any]) -> None:
        """Carry out an effect of a script; without an effect function there is nothing to do. Raises EffectRefused."""

    def read(self, call: CallContext, name: str, arguments: Mapping[str, Any]) -> Any:
        """Answer a function of kind `read` from the state. Raises CallRefused."""
        raise NotImplementedError(f"{self._module.name} simulates no {name}()")

    # -- the play ------------------------------------------------------------------------------------------------------

    def publish(self, topic: str, payload: Mapping[str, Any], *, dice: str) -> None:
        """An event of the play's own, with the dice that the live one carries. Raises TopicError."""
        self._wait(self._event(topic, payload, dice=dice))

    def settle(self) -> None:
        """Decide and apply what waits, and what follows from it, until nothing waits."""
        while self._waiting:
            event = self._waiting.popleft()
            for module, script in event.subscribers:
                if module == self._module.name and self._run(event, script) and event.first_decides(module):
                    break

    # -- one event -----------------------------------------------------------------------------------------------------

    def _event(self, topic: str, payload: Mapping[str, Any], *, dice: str, depth: int = 0, cause: str = "") -> Event:
        identity = f"{self._published}-{dice}"[-64:]
        self._published += 1
        if self._published > MAX_EVENTS:
            raise RuntimeError(f"a simulated play of {self._module.name} published more than {MAX_EVENTS} events")
        valid = checked_payload(topic, payload)
        if topic not in self._subscriptions:
            self._subscriptions[topic] = table.of(topic)
        subscribers = self._subscriptions[topic].of(valid)
        return Event(
            id=identity,
            topic=topic,
            payload=valid,
            subscribers=subscribers,
            first=modules.first_decides(topic, subscribers) or UNSET,
            key=self._key,
            metadata=self._metadata,
            depth=depth,
            cause=cause,
            published_us=self.clock_us,
            dice=dice,
        )

    def _wait(self, event: Event) -> None:
        if event.subscribers and event.depth <= max_depth():
            self._waiting.append(event)

    def _run(self, event: Event, script: str) -> bool:
        """Whether it answers."""
        call = CallContext(
            self._module.name,
            script,
            event.id,
            event.topic,
            event.payload,
            event.metadata | ({"cause": event.cause} if event.cause else {}),
            event.key,
            event.depth,
            dice=event.dice,
            segment=self._segment,
        )
        decision = self._decide(
            script,
            event.topic,
            event.payload,
            lambda name, arguments: self.read(call, name, arguments),
            call=call,
            clock_us=self.clock_us,
        )
        if decision.ok:
            try:
                self._carry_out(call, decision)
            except EffectRefused as refusal:
                why = ScriptError(ErrorType.EXECUTION, f"{REFUSED}{refusal}", f"{call.module}/{script}")
                decision = replace(decision, ok=False, error=decision.error or str(why))
        return decision.result is not None if decision.ok else self._fall_back(event, call, decision)

    def _fall_back(self, event: Event, call: CallContext, failed: PlayDecision) -> bool:
        """The built-in rule decides, as where a live run fails: whether it answers. Where it is refused too, nothing happens."""
        try:
            result = self._module.built_in(call, event.script_context(self._module.name))
            self._carry_out(call, PlayDecision(result, role="built_in", error=failed.error))
        except (NotImplementedError, EffectRefused):
            return False
        return result is not None

    def _carry_out(self, call: CallContext, decision: PlayDecision) -> None:
        """All or nothing. Raises EffectRefused."""
        applies = self._module.applies(call)
        if not applies and not decision.effects:
            return
        before, follow_ups = self.state, _FollowUps(self, call)
        call = structs.replace(call, publish=follow_ups)
        try:
            if applies:
                self._module.demand_admissible(call, decision.result)
            for effect in decision.effects:
                self.effect(call, effect.name, effect.arguments)
            if applies:
                status = "fell_back" if decision.role in {"fallback", "built_in"} else "succeeded"
                self.apply(Outcome(call, decision.result, status, decision.role, decision.version, decision.error))
        except EffectRefused:
            self.state = before
            raise
        for event in follow_ups.events:
            self._wait(event)


class _FollowUps:
    """Collects the events of one outcome; each carries the dice that a live one would."""

    def __init__(self, play: Rehearsal[Any], call: CallContext) -> None:
        self.events: list[Event] = []
        self._play = play
        self._call = call

    def __call__(self, topic: str, payload: Mapping[str, Any], *, key: str | None = None) -> None:
        call = self._call
        dice = dice_after(call.dice, len(self.events))
        try:
            event = self._play._event(topic, payload, dice=dice, depth=call.depth + 1, cause=call.execution_id)
        except TopicError as error:
            raise EffectRefused(str(error)) from None
        self.events.append(event)
