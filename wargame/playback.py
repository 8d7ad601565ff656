"""A simulated battle as a page plays it back: its map, its armies, and what each step changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripting.types import Playback, SimulatedPlay
from wargame.maps import BattleMap
from wargame.models.log import decided_by
from wargame.presentation import centre, drawn_map


def shown(play: SimulatedPlay) -> Playback:
    """The play drawn before its first step, the steps as data for the page's script, and the whole log to read without it."""
    start, board = play.start, play.start["board"]
    battle_map = BattleMap(start["map"]["name"], tuple(start["map"]["rows"]))
    units = [_unit(unit, board["units"][unit["code"]]) for unit in start["units"]]
    sides = [side | {"units": sum(unit["side"]["key"] == side["key"] for unit in units)} for side in start["sides"]]
    data = {
        "units": [
            {"id": unit["code"], "name": unit["name"], "side": unit["side"]["key"], "max_health": unit["max_health"]}
            for unit in units
        ],
        "start": _drawn(board),
        "steps": [_step(step, play) for step in play.steps],
    }
    context = {
        "map": drawn_map(battle_map),
        "units": units,
        "sides": sides,
        "steps": len(play.steps),
        "lines": [{**line, "by": _by(line)} for line in play.log],
        "data": data,
    }
    return Playback("wargame/playback.html", context)


def _unit(unit: Mapping[str, Any], state: list[int]) -> dict[str, Any]:
    """A unit as the template of the map draws it."""
    health, *cell = state
    x, y = centre((cell[0], cell[1]))
    return {
        **unit,
        "side": {"key": unit["side"]},
        "health": health,
        "max_health": health,
        "percent": 100,
        "is_alive": True,
        "drawn_x": x,
        "drawn_y": y,
    }


def _drawn(board: Mapping[str, Any]) -> dict[str, Any]:
    """Units and scores of a board, or of what changed of one: each unit as its health and where it is drawn."""
    units = {code: [health, *centre((x, y))] for code, (health, x, y) in board.get("units", {}).items()}
    return {"units": units, "scores": board.get("scores", {})}


def _step(step: Mapping[str, Any], play: SimulatedPlay) -> dict[str, Any]:
    first, last = step["lines"]
    outcomes = [
        {name: line[name] for name in ("kind", "unit", "target", "before", "after", "critical")}
        for line in play.log[first - 1 : last]
        if line["before"] is not None
    ]
    return {"lines": [first, last], "turn": step["turn"], "outcomes": outcomes} | _drawn(step)


def _by(line: Mapping[str, Any]) -> str:
    """Who decided it; a text that is no version yet has no number."""
    if line["script"] and line["version"] is None and line["role"] != "built_in":
        return f"{line['script']} · the text that was tried"
    return decided_by(line)
