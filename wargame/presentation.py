"""The battle as pages show it: geometry of the drawn map, rosters and log, for templates and for the JSON feed."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import F, Sum
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse

from wargame.deciders import Takeover, deciding_at, rule_card, takeovers
from wargame.hexes import Cell
from wargame.maps import BattleMap
from wargame.models import BattleLogEntry, Game, LogKind, Side, Unit
from wargame.rewind import Board

HEX = 30.0
"""Distance from a hex's centre to its corners, in units of the drawing."""
HEX_WIDTH = math.sqrt(3) * HEX
MARGIN = 6.0
LOG_LENGTH = 40
"""Entries that a page begins with."""
OUTCOMES = (LogKind.DAMAGE, LogKind.MISS, LogKind.CHAIN)
"""Figures that have a before and an after."""
REPLACED = ("score", "now", "verdict", "card", "rosters")
"""Parts of the page that each change renders anew, from the template of that name."""
STEPS = {"hit_simulator": "shot", "damage_calculator": "damage", "event_processor": "effect"}
"""Each script's part in an outcome, in a word."""


def centre(cell: Cell) -> tuple[float, float]:
    """Where the middle of a hex is drawn."""
    column, row = cell
    x = MARGIN + HEX_WIDTH * (column + 0.5 + 0.5 * (row & 1))
    return round(x, 1), round(MARGIN + HEX * (1 + 1.5 * row), 1)


def drawn_map(battle_map: BattleMap) -> dict[str, Any]:
    """Size of the drawing and its hexes."""
    corners = [
        (math.sin(math.radians(60 * n)) * (HEX - 0.6), -math.cos(math.radians(60 * n)) * (HEX - 0.6)) for n in range(6)
    ]
    return {
        "name": battle_map.name,
        "width": round(HEX_WIDTH * (battle_map.width + 0.5) + 2 * MARGIN, 1),
        "height": round(HEX * (1.5 * battle_map.height + 0.5) + 2 * MARGIN, 1),
        "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in corners),
        "hexes": [
            {"terrain": terrain.key, "cell": cell, "x": centre(cell)[0], "y": centre(cell)[1]}
            for cell, terrain in battle_map.cells()
        ],
    }


def unit_data(unit: Unit, sides: dict[int, str]) -> dict[str, Any]:
    x, y = centre(unit.cell)
    return {
        "id": unit.code,
        "name": unit.name,
        "kind": unit.kind,
        "side": sides[unit.side_id],
        "health": unit.health,
        "max_health": unit.max_health,
        "cell": [unit.x, unit.y],
        "x": x,
        "y": y,
    }


def board_data(board: Board) -> dict[str, Any]:
    """The state of the battle as the JSON feed and the state endpoint give it, without its log."""
    game = board.game
    keys = {side.pk: side.key for side in board.sides}
    return {
        "game": game.pk,
        "sequence": game.sequence,
        "turn": game.turn,
        "phase": game.phase,
        "status": game.status,
        "outcome": game.outcome,
        "map": {"name": game.map_name, "rows": game.terrain.split("\n")},
        "sides": [{"key": side.key, "name": side.name, "score": side.score} for side in board.sides],
        "units": [unit_data(unit, keys) for unit in board.units],
    }


def entry_data(entry: BattleLogEntry) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "turn": entry.turn,
        "kind": entry.kind,
        "text": entry.text,
        "unit": entry.unit.code if entry.unit else None,
        "target": entry.target.code if entry.target else None,
        "before": entry.before,
        "after": entry.after,
        "critical": entry.critical,
        "decided_by": entry.decided_by,
        "fell_back": entry.fell_back,
        "execution": str(entry.execution_id) if entry.execution_id else None,
        "execution_url": admin_url("scripting_execution_change", entry.execution_id),
    }


def entries_after(game: Game, sequence: int) -> list[BattleLogEntry]:
    """Entries after `sequence`, in order: at most the latest `LOG_LENGTH` that pages show."""
    latest = shown_log(game).filter(sequence__gt=sequence)[:LOG_LENGTH]
    return list(latest)[::-1]


def shown_log(game: Game) -> Any:
    """The battle log as pages show it, latest first: moves are seen on the map."""
    entries = BattleLogEntry.objects.filter(game=game).exclude(kind=LogKind.MOVE)
    return entries.select_related("unit__side", "target__side").latest_first()


def page_context(board: Board) -> dict[str, Any]:
    """Context of the battle page's templates: now, or at the moment of an entry."""
    game, moment = board.game, board.entry
    for unit in board.units:
        unit.drawn_x, unit.drawn_y = centre(unit.cell)  # type: ignore[attr-defined]
        unit.percent = round(100 * unit.health / unit.max_health)  # type: ignore[attr-defined]
    outcomes = shown_log(game).filter(kind__in=OUTCOMES)
    latest = (outcomes.filter(sequence__lte=moment.sequence) if moment else outcomes).first()
    card = rule_card(game) if moment is None else None
    return {
        "game": game,
        "moment": moment,
        "map": drawn_map(game.map),
        "units": board.units,
        "armies": [_army(side, [unit for unit in board.units if unit.side_id == side.pk]) for side in board.sides],
        "latest": row_of(latest) if latest else None,
        "card": card,
        "deciding": deciding_at(moment) if moment else (),
        "verdict": None if game.is_running else verdict(game, card["figures"] if card else ()),
    }


def _army(side: Side, units: Sequence[Unit]) -> dict[str, Any]:
    health, full = sum(unit.health for unit in units), sum(unit.max_health for unit in units)
    return {
        "side": side,
        "units": units,
        "living": sum(unit.is_alive for unit in units),
        "strength": round(100 * health / max(1, full)),
    }


def verdict(game: Game, figures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Facts of a battle's end beside its outcome."""
    shots = BattleLogEntry.objects.filter(game=game, unit__isnull=False, before__isnull=False).exclude(unit=F("target"))
    best = shots.order_by().values("unit__name").annotate(done=Sum(F("before") - F("after"))).order_by("-done").first()
    later = Game.objects.filter(demo=True, pk__gt=game.pk).exists() if game.demo else False
    how = game.outcome.partition(": ")[2] or game.outcome
    return {
        "how": how[:1].upper() + how[1:],
        "best": best,
        "over": later,
        "hits": [row for row in figures if row["hits"]],
    }


def log_context(entries: Sequence[BattleLogEntry]) -> list[dict[str, Any]]:
    """Entries for the templates, latest first, each with links to what decided it."""
    taken = takeovers(entries[::-1])
    return [row_of(entry, taken.get(entry.sequence, ())) for entry in entries]


def row_of(entry: BattleLogEntry, taken: Sequence[Takeover] = ()) -> dict[str, Any]:
    return {
        "entry": entry,
        "actor": entry.unit or entry.target,
        "url": admin_url("scripting_execution_change", entry.execution_id),
        "before_percent": _percent(entry, entry.before),
        "after_percent": _percent(entry, entry.after),
        "takeovers": taken,
        "decisions": [
            decision
            | {
                "url": admin_url("scripting_execution_change", decision.get("execution")),
                "step": _step(decision, number, len(entry.decisions)),
                "decided": decision.get("execution") == str(entry.execution_id),
            }
            for number, decision in enumerate(entry.decisions)
        ],
    }


def _step(decision: dict[str, Any], number: int, steps: int) -> str:
    """This script's part, in a word: event_processor begins as the judge of an order, and ends by its effect."""
    script = decision.get("script", "")
    return "order" if script == "event_processor" and number == 0 and steps > 1 else STEPS.get(script, script)


def _percent(entry: BattleLogEntry, health: int | None) -> int:
    return round(100 * (health or 0) / entry.target.max_health) if entry.target else 0


def moment_fragments(board: Board) -> list[dict[str, str]]:
    """HTML for every part of a page that shows a moment, but for the map, which it draws itself."""
    rows = [drawn_row(row) for row in log_context(entries_until(board))]
    return as_fragments(drawn(page_context(board), REPLACED), rows, whole=True)


def entries_until(board: Board) -> list[BattleLogEntry]:
    """The log as a page shows it at that moment, latest first."""
    shown = shown_log(board.game)
    return list((shown if board.entry is None else shown.filter(sequence__lte=board.entry.sequence))[:LOG_LENGTH])


def drawn(context: dict[str, Any], places: Sequence[str]) -> dict[str, str]:
    """HTML of these parts of the page, by name."""
    templates = {"card": "deciding"} if context["moment"] else {}
    return {place: render_to_string(f"wargame/_{templates.get(place, place)}.html", context) for place in places}


def drawn_units(context: dict[str, Any], codes: Collection[str]) -> dict[str, str]:
    """HTML of these units' places in the rosters, and of how many of each army live: parts within the part `rosters`."""
    parts = {
        f"living-{army['side'].key}": f"{army['living']} of {len(army['units'])} units" for army in context["armies"]
    }
    for unit in context["units"]:
        if unit.code in codes:
            around = {"unit": unit, "game": context["game"]}
            parts[f"roster-{unit.code}"] = render_to_string("wargame/_roster_unit.html", around)
    return parts


def drawn_row(row: dict[str, Any]) -> str:
    """HTML of one entry of the log."""
    return render_to_string("wargame/_entry.html", {"row": row})


def as_fragments(parts: Mapping[str, str], rows: Sequence[str], *, whole: bool) -> list[dict[str, str]]:
    """HTML as the page puts it in place. `rows` of the log, latest first, go before those it has; `whole`: they take their place."""
    fragments = [{"target": place, "mode": "replace", "html": html} for place, html in parts.items()]
    if whole or rows:
        fragments.append({"target": "log", "mode": "replace" if whole else "prepend", "html": "".join(rows)})
    return fragments


def admin_url(name: str, pk: Any) -> str:
    """A page of the admin; empty where there is none."""
    if not pk:
        return ""
    try:
        return reverse(f"admin:{name}", args=[pk])
    except NoReverseMatch:
        return ""
