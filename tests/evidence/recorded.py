"""Recorded executions for tests: decided by the real engine on made-up events, and written as the ledger would write them."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from scripting.bus.events import Event
from scripting.engine import get_engine
from scripting.execution.rows import attempt_rows, execution_row
from scripting.models import Attempt, Execution
from scripting.modules.topics import topics
from scripting.storage.bulk_insert import insert_rows
from wargame.kinds import KINDS

TERRAINS = ("plain", "forest", "hill", "town")


def record(
    module: str, script: str, topic: str, payloads: Iterable[dict[str, Any]], *, key: str = "1"
) -> list[Execution]:
    """Decide an event for each payload by the live version; nothing is applied. Oldest first."""
    engine, rows, tries = get_engine(), [], []
    random.seed(1)  # the engine draws the seed of each run
    for payload in payloads:
        event = Event(
            id=secrets.token_hex(8),
            topic=topic,
            payload=topics.get(topic).validate(payload),
            subscribers=[(module, script)],
            key=key,
            published_us=time.time_ns() // 1000,
        )
        decision = engine.decide(event, module, script)
        rows.append(execution_row(decision, "a test"))
        if len(decision.attempts) > 1:
            tries += attempt_rows(decision)
    insert_rows(Execution, rows)
    Attempt.objects.bulk_create([Attempt(**row) for row in tries])
    return list(Execution.objects.filter(pk__in=[row["id"] for row in rows]).order_by("pk"))


def hits(
    count: int, seed: int = 1, keep: Callable[[str, str], bool] = lambda attacker, target: True
) -> list[dict[str, Any]]:
    """Payloads of wargame.hit: units of every kind shoot at units of every kind."""
    dice = random.Random(seed)
    found: list[dict[str, Any]] = []
    kinds = sorted(KINDS)
    while len(found) < count:
        attacker, target = dice.choice(kinds), dice.choice(kinds)
        if keep(attacker, target):
            found.append(
                {
                    "gameID": "1",
                    "turn": 1,
                    "attacker": unit(dice, attacker, "harbour"),
                    "target": unit(dice, target, "ridge"),
                    "distance": dice.randint(1, 3),
                    "timestamp": 1_700_000_000,
                }
            )
    return found


def unit(dice: random.Random, kind: str, side: str) -> dict[str, Any]:
    data = KINDS[kind]
    return {
        "id": f"{side}-{kind}-1",
        "name": f"{side} {kind} 1",
        "health": dice.randint(1, data.max_health),
        "max_health": data.max_health,
        "position": {"x": dice.randint(0, 9), "y": dice.randint(0, 9)},
        "status": "active",
        "kind": kind,
        "side": side,
        "attack": data.attack,
        "range": data.range,
        "movement": data.movement,
        "armour": data.armour,
        "terrain": dice.choice(TERRAINS),
    }
