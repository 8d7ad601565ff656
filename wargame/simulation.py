"""Whole battles in memory: the director's steps and the outcomes of scripts, by the very rules of the live game."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from scripting.bus import Rehearsal
from scripting.modules.calls import CallContext, CallRefused, Outcome
from scripting.modules.scriptable import ScriptableModule
from scripting.modules.simulation import PLAY_CLOCK_US, Decide
from scripting.types import SimulatedPlay
from wargame.kinds import KINDS
from wargame.play import boards, follow_ups, payloads, turns
from wargame.play.deployment import SIDES, deploy
from wargame.play.state import Battle
from wargame.play.steps import Step
from wargame.play.table import RULES

KEY = "0"
"""A stored battle has its number here."""
SECONDS = 2
"""From one step of the director to the next, by the clock of the scripts."""
MAX_STEPS = 3000
"""Of the director. A battle of thirty turns takes some eight hundred."""
MAX_FRAMES = 2000
"""Steps that are kept to be shown; what comes after is in the log alone."""

MEASURES: Mapping[str, str] = {
    **{f"{side.key}_wins": f"{side.name} wins" for side in SIDES},
    "turns": "turns",
    **{f"{side.key}_score": f"score of {side.name}" for side in SIDES},
    **{f"{side.key}_lost": f"units lost by {side.name}" for side in SIDES},
    **{f"{kind.key}_lost": f"{kind.label.lower()} lost" for kind in KINDS.values()},
}
"""Name of a measure → its words. A loss is a unit destroyed."""
SHARES = tuple(f"{side.key}_wins" for side in SIDES)
"""Measures that are 0 or 1 in a battle."""


def play(module: ScriptableModule, decide: Decide, seed: int) -> SimulatedPlay:
    """Play the battle of this seed to its end. Raises RuntimeError for one that does not end."""
    begun = deploy(seed, now=PLAY_CLOCK_US // 1_000_000, key=KEY)
    battle = SimulatedBattle(module, decide, begun)
    for _ in range(MAX_STEPS):
        if not battle.state.is_running:
            break
        battle.advance()
    else:
        raise RuntimeError(f"the simulated battle of seed {seed} does not end within {MAX_STEPS} steps")
    winner = battle.state.winner
    return SimulatedPlay(
        dict(measures(battle.state)),
        f"{battle.state.sides[winner].name if winner else 'Nobody'} won",
        tuple(battle.log),
        {
            "map": {"name": begun.battle.map.name, "rows": list(begun.battle.map.rows)},
            "sides": [{"key": side.key, "name": side.name} for side in begun.battle.sides.values()],
            "units": [
                {"code": unit.code, "name": unit.name, "kind": unit.kind, "side": unit.side}
                for unit in begun.battle.units.values()
            ],
            "board": boards.whole(begun.battle),
        },
        tuple(battle.frames),
    )


class SimulatedBattle(Rehearsal[Battle]):
    """A battle that nothing stores. Its log and its frames grow with it."""

    def __init__(self, module: ScriptableModule, decide: Decide, begun: Step) -> None:
        super().__init__(
            module, decide, begun.battle, key=KEY, metadata={"game_id": KEY}, segment=begun.battle.map.name
        )
        self.log: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []
        self._take(begun)

    def advance(self) -> None:
        """One step of the director, and all that comes of it: it gives no further order while one is under way."""
        self.clock_us += SECONDS * 1_000_000
        self.state = replace(self.state, now=self.clock_us // 1_000_000)
        step = turns.advance(self.state)
        self._take(step)
        for event in step.events:
            self.publish(event.topic, event.payload, dice=event.dice)
        self.settle()

    def apply(self, outcome: Outcome) -> None:
        if not self.state.is_running:
            return
        step = RULES[outcome.context.script, outcome.context.topic].carry_out(self.state, outcome)
        for event in step.events:
            outcome.publish(event.topic, event.payload)
        self._take(step)

    def effect(self, call: CallContext, name: str, arguments: Mapping[str, Any]) -> None:
        assert name == "publish_event"
        follow_ups.publish_called(self.state, call, **arguments)

    def read(self, call: CallContext, name: str, arguments: Mapping[str, Any]) -> Any:
        assert name == "get_game_state"
        if arguments["game_id"] not in ("", KEY):
            raise CallRefused("get_game_state(): there is no such battle")
        return payloads.board(self.state, self.state.units.values())

    def _take(self, step: Step) -> None:
        """The step has happened: its lines are written, and what it changed on the map is kept."""
        before, self.state = self.state, step.battle
        first = len(self.log) + 1
        self.log += [entry.as_line(first + number) for number, entry in enumerate(step.entries)]
        if step.entries and len(self.frames) < MAX_FRAMES:
            lines = {"lines": [first, len(self.log)], "turn": step.battle.turn}
            self.frames.append(lines | boards.changed(before, step.battle))


def measures(battle: Battle) -> Iterator[tuple[str, float]]:
    """The measures of a battle that is over, by the names of MEASURES."""
    lost = [unit for unit in battle.units.values() if not unit.is_alive]
    for key in battle.sides:
        yield f"{key}_wins", float(battle.winner == key)
    yield "turns", float(battle.turn)
    for key, side in battle.sides.items():
        yield f"{key}_score", float(side.score)
    for key in battle.sides:
        yield f"{key}_lost", float(sum(unit.side == key for unit in lost))
    for kind in KINDS:
        yield f"{kind}_lost", float(sum(unit.kind == kind for unit in lost))
