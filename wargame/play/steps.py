"""The outcome of a rule: the state after it, the entries of its log, and the events that follow."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from scripting.modules.calls import Outcome
from scripting.texts.escaping import one_line
from wargame.play.decisions import decisions_of
from wargame.play.state import Battle, Unit
from wargame.results import MESSAGE_LIMIT

TEXT_LIMIT = 400
"""Characters of an entry's text."""


class Kind(enum.StrEnum):
    """Kind of an entry of the battle log."""

    START = "start"
    MOVE = "move"
    MISS = "miss"
    DAMAGE = "damage"
    CHAIN = "chain"
    DESTROYED = "destroyed"
    REFUSED = "refused"
    IGNORED = "ignored"
    TURN = "turn"
    END = "end"


class Entry(msgspec.Struct, frozen=True):
    """A line of the battle log. `unit` and `target` are codes."""

    kind: Kind
    turn: int
    text: str
    unit: str | None = None
    target: str | None = None
    before: int | None = None
    """The target's health before."""
    after: int | None = None
    critical: bool = False
    decider: Mapping[str, Any] | None = None
    """The decision that it is put down to; None for the game itself."""
    decisions: tuple[Mapping[str, Any], ...] = ()
    """Every script on the way here, first to last."""

    def as_line(self, number: int) -> dict[str, Any]:
        """The entry as plain data, without what differs from play to play of the same battle: ids of executions, times."""
        by = self.decider or {}
        return {
            "sequence": number,
            "turn": self.turn,
            "kind": self.kind.value,
            "text": self.text,
            "unit": self.unit,
            "target": self.target,
            "before": self.before,
            "after": self.after,
            "critical": self.critical,
            "script": by.get("script", ""),
            "version": by.get("version"),
            "origin": by.get("origin", ""),
            "role": by.get("role", ""),
            "error": by.get("error", ""),
            "decisions": [f"{one['script']} {one['version'] or one['role']}" for one in self.decisions],
        }


class Sent(msgspec.Struct, frozen=True):
    """An event that follows. An order has dice of its own; what follows from an outcome has those of its cause."""

    topic: str
    payload: dict[str, Any]
    dice: str = ""


class Step(msgspec.Struct, frozen=True):
    """A battle after a rule, and what is to be told of it."""

    battle: Battle
    entries: tuple[Entry, ...] = ()
    events: tuple[Sent, ...] = ()


class Draft:
    """A step while a rule makes it. `outcome` is the script's that the rule carries out; None for the game itself."""

    def __init__(self, battle: Battle, outcome: Outcome | None = None, *, believed: bool = True) -> None:
        self.battle = battle
        self.decisions = tuple(decisions_of(outcome, believed)) if outcome else ()
        self._entries: list[Entry] = []
        self._events: list[Sent] = []

    def set(self, **fields: Any) -> None:
        """Change the battle itself."""
        self.battle = replace(self.battle, **fields)

    def change(self, unit: Unit, **fields: Any) -> Unit:
        """Change a unit; returns it as it is then."""
        changed = replace(unit, **fields)
        self.set(units={**self.battle.units, unit.code: changed})
        return changed

    def score(self, side: str, points: int) -> None:
        before = self.battle.sides[side]
        self.set(sides={**self.battle.sides, side: replace(before, score=before.score + points)})

    def log(
        self,
        kind: Kind,
        text: str,
        *,
        unit: Unit | None = None,
        target: Unit | None = None,
        decider: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Write an entry. It is put down to `decider`, else to the script whose outcome this is."""
        by = decider or (self.decisions[-1] if self.decisions else None)
        codes = (unit.code if unit else None, target.code if target else None)
        entry = Entry(kind, self.battle.turn, text[:TEXT_LIMIT], *codes, decider=by, decisions=self.decisions, **fields)
        self._entries.append(entry)

    def say(self, kind: Kind, text: str) -> None:
        """Write an entry of the game itself."""
        self._entries.append(Entry(kind, self.battle.turn, text))

    def ignore(self, what: str, why: str, unit: Unit | None = None, target: Unit | None = None) -> Step:
        """A step for what no longer fits the game: it leaves a trace and changes nothing more."""
        self.log(Kind.IGNORED, f"{what.capitalize()} ignored: {why}", unit=unit, target=target)
        return self.done()

    def publish(self, topic: str, payload: dict[str, Any], dice: str = "") -> None:
        self._events.append(Sent(topic, payload, dice))

    def done(self) -> Step:
        return Step(self.battle, tuple(self._entries), tuple(self._events))


def with_remarks(text: str, *messages: str) -> str:
    """`text` with the remarks of the scripts behind it."""
    said = "; ".join(dict.fromkeys(one_line(message, MESSAGE_LIMIT) for message in messages if message))
    return f"{text} ({said})" if said else text
