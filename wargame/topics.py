"""The wargame's topics: what each event carries. Descriptions and examples are what designers see in forms and lists."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from scripting.modules.topics import Topic

Name = Annotated[str, Meta(max_length=200)]
Points = Annotated[int, Meta(ge=0, le=1_000_000)]
Amount = Annotated[int, Meta(ge=0, le=1_000_000)] | Annotated[float, Meta(ge=0, le=1_000_000)]
Seconds = Annotated[int | float, Meta(description="Seconds since 1970 UTC.", examples=[1735689600])]
GameID = Annotated[str, Meta(max_length=40, description="The game; empty for the one that is running.", examples=["1"])]
UnitID = Annotated[str, Meta(max_length=200, description="A unit's id.", examples=["harbour-armour-1"])]


class Position(msgspec.Struct):
    """A hex of the map."""

    x: Annotated[int, Meta(description="Column, from 0 at the left.", examples=[3])]
    y: Annotated[int, Meta(description="Row, from 0 at the top.", examples=[4])]


class UnitState(msgspec.Struct):
    """A unit as an event carries it: everything a rule may want to know."""

    id: UnitID
    name: Name = ""
    health: Annotated[Points, Meta(description="Points left; 0 is destroyed.", examples=[96])] = 0
    max_health: Annotated[Points, Meta(description="Points of a fresh unit.", examples=[120])] = 0
    position: Annotated[Position | None, Meta(description="Where it stands.")] = None
    status: Annotated[str, Meta(description="active or destroyed", examples=["active"])] = "active"
    kind: Annotated[str, Meta(description="infantry, scouts, armour, artillery, anti_tank or engineers")] = "infantry"
    side: Annotated[str, Meta(description="harbour or ridge", examples=["harbour"])] = ""
    attack: Annotated[Points, Meta(description="Points of a clean hit.", examples=[36])] = 0
    range: Annotated[Points, Meta(description="Hexes it can shoot.", examples=[3])] = 0
    movement: Annotated[Points, Meta(description="Movement points a turn.", examples=[4])] = 0
    armour: Annotated[Points, Meta(description="Points taken off each hit.", examples=[10])] = 0
    terrain: Annotated[str, Meta(description="plain, forest, hill, town or water")] = "plain"


class Neighbour(msgspec.Struct):
    """A living unit next to the target: what a chain reaction may reach."""

    id: UnitID
    name: Name = ""
    kind: str = "infantry"
    side: str = ""
    health: Points = 0


class Decision(msgspec.Struct):
    """Which version of which script decided a step on the way here. Only events of the game's own making are believed."""

    script: str
    version: int | None = None
    origin: str = ""
    execution: str = ""
    role: str = "primary"
    error: str = ""
    failed: int | None = None
    knobs: int | None = None
    said: Annotated[str, Meta(max_length=400)] = ""


class DamageEvent(msgspec.Struct):
    """Damage is about to be done to a unit."""

    targetUnit: Annotated[str, Meta(max_length=200, description="Id of the unit hit.", examples=["ridge-infantry-2"])]  # noqa: N815
    damageAmount: Annotated[Amount, Meta(description="Points of damage.", examples=[12])]  # noqa: N815
    attacker: Annotated[
        str, Meta(max_length=200, description="Id of the unit that hit.", examples=["harbour-armour-1"])
    ]
    timestamp: Seconds
    gameID: GameID = ""  # noqa: N815
    turn: Points = 0
    cause: Annotated[str, Meta(max_length=40, description="attack, chain or manual")] = "manual"
    critical: Annotated[bool, Meta(description="Whether the hit was critical.")] = False
    chain: Annotated[Points, Meta(description="How many chain reactions led here.")] = 0
    target: Annotated[UnitState | None, Meta(description="The target before the damage.")] = None
    attackerUnit: Annotated[UnitState | None, Meta(description="The attacker.")] = None  # noqa: N815
    neighbours: Annotated[list[Neighbour], Meta(description="Living units next to the target.")] = []
    text: Annotated[str, Meta(max_length=400, description="What damage_calculator said about it.")] = ""
    decidedBy: Annotated[list[Decision], Meta(description="The scripts that led here, filled in by the game.")] = []  # noqa: N815


class StateUpdate(msgspec.Struct):
    """The whole board at one moment."""

    gameID: Annotated[str, Meta(max_length=40, description="The game.", examples=["1"])]  # noqa: N815
    turn: Annotated[Points, Meta(examples=[4])]
    phase: Annotated[str, Meta(max_length=40, description="movement, combat or over", examples=["combat"])]
    units: list[UnitState]
    timestamp: Seconds


class Action(msgspec.Struct):
    """A player orders a unit to do something."""

    playerID: Annotated[str, Meta(max_length=200, description="The side that gives the order.", examples=["harbour"])]  # noqa: N815
    action: Annotated[str, Meta(max_length=40, description="attack or move", examples=["attack"])]
    unitID: Annotated[str, Meta(max_length=200, description="Id of the unit.", examples=["harbour-armour-1"])]  # noqa: N815
    target: Annotated[
        str, Meta(max_length=200, description="Id of a unit to attack, or `x,y` to move to.", examples=["3,4"])
    ]
    timestamp: Seconds
    gameID: GameID = ""  # noqa: N815
    turn: Annotated[Points, Meta(description="The turn it is meant for; 0 for whichever it is.")] = 0
    unit: Annotated[UnitState | None, Meta(description="The unit that is ordered.")] = None
    targetUnit: Annotated[UnitState | None, Meta(description="The unit to attack.")] = None  # noqa: N815
    distance: Annotated[int | None, Meta(description="Hexes from the unit to its target.")] = None


class Attack(msgspec.Struct):
    """A unit fires: hit or miss is to be decided."""

    gameID: GameID  # noqa: N815
    turn: Points
    attacker: UnitState
    target: UnitState
    distance: Annotated[Points, Meta(description="Hexes between the two.", examples=[2])]
    timestamp: Seconds
    screening: Annotated[Points, Meta(description="Hexes of forest, hill or town in the line of fire.")] = 0
    decidedBy: list[Decision] = []  # noqa: N815


class Hit(msgspec.Struct):
    """A shot has hit: how much damage is to be decided."""

    gameID: GameID  # noqa: N815
    turn: Points
    attacker: UnitState
    target: UnitState
    distance: Annotated[Points, Meta(description="Hexes between the two.", examples=[2])]
    timestamp: Seconds
    screening: Points = 0
    chance: Annotated[float | None, Meta(description="The chance that hit_simulator gave it, 0 to 1.")] = None
    decidedBy: list[Decision] = []  # noqa: N815


class GameStart(msgspec.Struct):
    """A battle has begun."""

    gameID: GameID  # noqa: N815
    map: Annotated[str, Meta(description="The map's name.", examples=["Lower Ford"])]
    sides: list[str]
    units: list[UnitState]
    timestamp: Seconds


class GameEnd(msgspec.Struct):
    """A battle is over."""

    gameID: GameID  # noqa: N815
    turn: Points
    winner: Annotated[str | None, Meta(description="The side that won; null for a draw.", examples=["harbour"])]
    reason: Name
    timestamp: Seconds


class TurnChange(msgspec.Struct):
    """A new turn begins."""

    gameID: GameID  # noqa: N815
    turn: Annotated[Points, Meta(description="The turn that begins.", examples=[5])]
    previousTurn: Points  # noqa: N815
    timestamp: Seconds


class UnitDestroyed(msgspec.Struct):
    """A unit has been destroyed."""

    gameID: GameID  # noqa: N815
    turn: Points
    unit: UnitState
    destroyedBy: Annotated[str, Meta(max_length=200, description="Id of the unit that did it, where known.")]  # noqa: N815
    timestamp: Seconds


def _unit(side: str, kind: str, number: int, **fields: Any) -> dict[str, Any]:
    from wargame.kinds import KINDS

    data = KINDS[kind]
    return {
        "id": f"{side}-{kind}-{number}",
        "name": f"{side.title()} {data.label} {number}",
        "health": data.max_health,
        "max_health": data.max_health,
        "position": {"x": 5, "y": 4},
        "status": "active",
        "kind": kind,
        "side": side,
        "attack": data.attack,
        "range": data.range,
        "movement": data.movement,
        "armour": data.armour,
        "terrain": "plain",
    } | fields


_NOON = 1735732800
_TANK = _unit("harbour", "armour", 1)
_SQUAD = _unit("ridge", "infantry", 2, health=64, position={"x": 7, "y": 4}, terrain="forest")
_SHOT: dict[str, Any] = {
    "gameID": "1",
    "turn": 4,
    "attacker": _TANK,
    "target": _SQUAD,
    "distance": 2,
    "screening": 0,
    "timestamp": _NOON,
}

DAMAGE = Topic(
    "wargame.event.damage",
    DamageEvent,
    "Damage is about to be done to a unit: event_processor decides what it does.",
    example={
        "targetUnit": "ridge-infantry-2",
        "damageAmount": 12,
        "attacker": "harbour-armour-1",
        "timestamp": _NOON,
        "target": _SQUAD,
        "attackerUnit": _TANK,
    },
)
STATE = Topic(
    "wargame.state.update",
    StateUpdate,
    "The whole board, a few times a turn: for rules that watch.",
    example={"gameID": "1", "turn": 4, "phase": "combat", "units": [_TANK, _SQUAD], "timestamp": _NOON},
)
ACTION = Topic(
    "wargame.action",
    Action,
    "A player's order: event_processor says whether it is valid.",
    example={
        "playerID": "harbour",
        "action": "attack",
        "unitID": "harbour-armour-1",
        "target": "ridge-infantry-2",
        "timestamp": _NOON,
        "unit": _TANK,
        "targetUnit": _SQUAD,
        "distance": 2,
    },
)
ATTACK = Topic("wargame.attack", Attack, "A unit fires: hit_simulator decides hit or miss.", example=_SHOT)
HIT = Topic("wargame.hit", Hit, "A shot has hit: damage_calculator decides how hard.", example=_SHOT | {"chance": 0.62})
START = Topic(
    "wargame.game.start",
    GameStart,
    "A battle has begun.",
    example={
        "gameID": "1",
        "map": "Lower Ford",
        "sides": ["harbour", "ridge"],
        "units": [_TANK, _SQUAD],
        "timestamp": _NOON,
    },
)
END = Topic(
    "wargame.game.end",
    GameEnd,
    "A battle is over.",
    example={"gameID": "1", "turn": 12, "winner": "harbour", "reason": "Ridge is routed", "timestamp": _NOON},
)
TURN = Topic(
    "wargame.turn.change",
    TurnChange,
    "A new turn begins.",
    example={"gameID": "1", "turn": 5, "previousTurn": 4, "timestamp": _NOON},
)
DESTROYED = Topic(
    "wargame.unit.destroyed",
    UnitDestroyed,
    "A unit has been destroyed.",
    example={
        "gameID": "1",
        "turn": 4,
        "unit": _SQUAD | {"health": 0, "status": "destroyed"},
        "destroyedBy": "harbour-armour-1",
        "timestamp": _NOON,
    },
)

TOPICS = (DAMAGE, STATE, ACTION, ATTACK, HIT, START, END, TURN, DESTROYED)
