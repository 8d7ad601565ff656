"""Whole battles by the live scripts and by a candidate, 200 with each, beside the same battles by the built-in rules alone.

Runs in a process of its own, with a Redis and a SQLite database of its own.
"""

from __future__ import annotations

import json
import time
from typing import Any

from benchmarks._aside import measured_aside, set_up

PAIRS = 200
TARGET_SECONDS = 60.0
BIAS = """
if attacker.get("side") == "harbour":
    result["damage"] = round(damage * 1.1)
"""
"""One side hits a tenth harder."""


def measure() -> list[dict[str, Any]]:
    """Seconds for all battles, and after how many a planted bias is found."""
    found = measured_aside("simulate")
    return [
        {
            "figure": f"{2 * PAIRS} whole battles, {PAIRS} with live and {PAIRS} with a candidate, report included",
            "value": round(found["seconds"], 1),
            "unit": "s",
            "peer": "by the built-in rules, without a sandbox",
            "peer_value": round(found["built_in"], 1),
            "ratio": round(found["seconds"] / found["built_in"], 2),
            "target": TARGET_SECONDS,
            "holds": found["seconds"] <= TARGET_SECONDS,
        },
        {
            "figure": "pairs of battles after which +10 % damage of one side is told beyond doubt",
            "value": found["pairs"],
            "unit": "pairs",
            "peer": None,
            "peer_value": None,
            "ratio": None,
            "target": PAIRS,
            "holds": 0 < found["pairs"] <= PAIRS,
        },
    ]


# -- in the process of its own -------------------------------------------------------------------------------------------


def main() -> None:
    set_up()
    from scripting.evidence import playing
    from scripting.evidence.replays import candidate_of
    from scripting.models import Script

    script = Script.objects.get(module="wargame", name="damage_calculator")
    assert script.active_version is not None
    text = script.active_version.text + BIAS
    sides = playing.sides_with("wargame", {"damage_calculator": candidate_of(script, text, "python")})
    seconds, pairs = played(sides)
    built_in, _ = played(playing.Sides({}, {}))
    print(json.dumps({"seconds": seconds, "pairs": pairs, "built_in": built_in}))


def played(sides: Any) -> tuple[float, int]:
    """Seconds for all pairs with their report, and after how many of them a difference was clear (0: it never was)."""
    from scripting.evidence import playing
    from scripting.evidence.play_tally import PlayTally, document

    tally, pairs, started = PlayTally(), 0, time.perf_counter()
    for _ in playing.compare("wargame", sides, range(1, PAIRS + 1), tally):
        if not pairs and tally.clear():
            pairs = tally.pairs
    document(tally, seed=1, asked=PAIRS, seconds=0)
    return time.perf_counter() - started, pairs


if __name__ == "__main__":
    main()
